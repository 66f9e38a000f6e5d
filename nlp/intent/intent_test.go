package intent_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"throughline/flaw"
	"throughline/nlp/floor"
	"throughline/nlp/intent"
	"throughline/nlp/linear"
)

// fitted is fitted once for the tests that only ask: the race detector makes it slow.
var fitted = sync.OnceValues(fit)

type owning struct {
	*intent.Owned
	reader *floor.Model
}

func fit() (owning, error) {
	m, err := floor.Open()
	if err != nil {
		return owning{}, err
	}
	taxonomy, err := intent.Default()
	if err != nil {
		return owning{}, err
	}
	owned, err := intent.Own(context.Background(), taxonomy, m, intent.Options{})
	return owning{owned, m}, err
}

func own(t testing.TB) (*intent.Owned, *floor.Model) {
	t.Helper()
	o, err := fitted()
	if err != nil {
		t.Fatal(err)
	}
	return o.Owned, o.reader
}

func find(h *intent.Head, e *floor.Model, text string) []string {
	r, _ := e.Read(context.Background(), text, intent.Clauses(text)...)
	found, _ := h.Find(append(r.Clauses, r.Vector)...)
	var names []string
	for _, f := range found {
		names = append(names, f.Name)
	}
	return names
}

func TestDefaultTaxonomyIsComplete(t *testing.T) {
	taxonomy, err := intent.Default()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range taxonomy.Intents {
		if len(i.Examples) < 12 || i.Description == "" {
			t.Errorf("%s has %d examples and description %q", i.Name, len(i.Examples), i.Description)
		}
	}
	owned, _ := own(t)
	r := owned.Head().Report()
	t.Logf("cross-validated: accuracy %.3f, out of scope %.3f, threshold %.2f, n %d", r.Accuracy, r.OutOfScope, owned.Head().Threshold(), r.Examples)
	if r.Accuracy < 0.4 || r.OutOfScope < 0.7 {
		t.Errorf("report %+v", r)
	}
}

// No sentence here is an example of the taxonomy.
func TestDefaultTaxonomyFindsWhatIsAsked(t *testing.T) {
	owned, e := own(t)
	for text, want := range map[string][]string{
		"Hi, could you tell me where my order is?":                            {"order_status"},
		"I would like to cancel my subscription":                              {"cancel_service"},
		"I lost my credit card on the train":                                  {"card_lost"},
		"I was charged twice this month":                                      {"billing_dispute"},
		"I want to speak to a manager":                                        {"speak_to_human"},
		"Where is my order? And I also want to change my address for it":      {"order_status", "change_address"},
		"I want a refund for this and I want to speak to your manager please": {"refund_request", "speak_to_human"},
		"thank you so much":                                                   {"thanks"},
		"yes, that's right":                                                   {"confirm"},
		"What is the capital of Portugal?":                                    nil,
		"my brother has a green car":                                          nil,
		"":                                                                    nil,
		"😀":                                                                   nil,
		"Quiero cancelar mi suscripción ahora":                                {"cancel_service"},
	} {
		got := find(owned.Head(), e, text)
		if len(want) == 0 && len(got) > 0 {
			t.Errorf("%q: %v, want none", text, got)
		}
		for _, name := range want {
			if !slices.Contains(got, name) {
				t.Errorf("%q: %v, want %s", text, got, name)
			}
		}
	}
}

func TestBrokenFileNamesThePlaceAndTheFix(t *testing.T) {
	const good = "intents:\n- name: a\n  examples: [x one, x two, x three]\n- name: b\n  examples: [y one, y two, y three]\n"
	if _, err := intent.Parse([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ file, want string }{
		"two documents":   {good + "---\nversion: 2\n", "7:1: a second document begins here, and nothing of it would hold: take out the line of --- before it"},
		"empty":           {"", "1:1: the file is empty: give version, intents and out_of_scope"},
		"not a mapping":   {"- a\n", "1:1: want a mapping of keys and values: intents, out_of_scope, version"},
		"bad indent":      {"intents:\n- name: a\n   examples: [b]\n", "3:1: mapping values are not allowed in this context"},
		"unknown key":     {"intents:\n- name: a\n  exampels: [b]\n", `3:3: intent a: unknown key "exampels": there are description, examples, name`},
		"unknown at top":  {"intent:\n- name: a\n", `1:1: unknown key "intent": there are intents, out_of_scope, version`},
		"no list":         {"intents: {name: a}\n", "1:10: intents: want a list, each item with name, description and examples"},
		"too few":         {"intents:\n- name: a\n  examples: [b, c]\n", "3:13: intent a: examples: there are 2, want 3 or more"},
		"no examples":     {"version: \"1\"\nintents:\n- name: a\n", "3:3: intent a: examples are missing: give 3 or more"},
		"no name":         {"intents:\n- examples: [b, c, d]\n", "2:3: intent number 1: name is missing"},
		"bad name":        {"intents:\n- name: Where Is\n  examples: [b, c, d]\n", "2:9: intent Where Is: name: want small letters, digits and _, beginning with a letter"},
		"name twice":      {good + "- name: a\n  examples: [b, c, d]\n", "6:3: intent a: name is already on line 2"},
		"key twice":       {"version: 1\nversion: 2\n", `2:1: key "version" stands twice`},
		"one intent":      {"intents:\n- name: a\n  examples: [b, c, d]\n", "1:1: intents: there are 1, and telling apart needs two or more"},
		"empty example":   {"intents:\n- name: a\n  examples:\n  - b\n  - ''\n  - c\n", "5:5: intent a: examples: an example of 0 bytes, want 1 to 1000"},
		"example of null": {"intents:\n- name: a\n  examples: [b, ~, c]\n", "3:17: intent a: examples: an example of 0 bytes, want 1 to 1000"},
		"no words":        {"intents:\n- name: a\n  examples: [b, '...', c]\n", "3:17: intent a: examples: an example of punctuation alone: give words, as customers say them"},
		"example of many": {"intents:\n- name: a\n  examples: [b, c, [d]]\n", "3:20: intent a: examples: want one text"},
		"list as a text":  {"intents:\n- name: [a]\n  examples: [b, c, d]\n", "2:9: intent number 1: name: want one text"},
		"out of scope":    {"out_of_scope: hello\n", "1:15: out_of_scope: want a list of sentences"},
	} {
		_, err := intent.Parse([]byte(c.file))
		if got := flaw.In("intents.yaml", err); got == nil || got.Error() != "intents.yaml:"+c.want {
			t.Errorf("%s: %v, want intents.yaml:%s", name, got, c.want)
		}
	}
}

// What a customer says of a card while paying with it is no lost card, a mail
// address no call, and thanks are no refusal. None of these is an example.
func TestDefaultTaxonomyHearsAnswersAsAnswers(t *testing.T) {
	owned, e := own(t)
	for text, want := range map[string][]string{
		"it is [CARD]": nil, "my mail is [MAIL]": nil, "my number is [PHONE]": nil, "😂😂": nil,
		"my card [CARD] was stolen": {"card_lost"}, "please call me on [PHONE]": {"callback"},
		"merci!": {"thanks"}, "¡Gracias!": {"thanks"}, "non merci": {"deny"},
	} {
		if got := find(owned.Head(), e, text); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestReloadKeepsTheOldOneWhereTheNewIsBroken(t *testing.T) {
	mine, err := fit()
	if err != nil {
		t.Fatal(err)
	}
	owned, e := mine.Owned, mine.reader
	before := owned.Head()
	if err := owned.Reload(context.Background(), []byte("intents: 3\n")); err == nil {
		t.Fatal("a broken file was taken")
	}
	if owned.Head() != before {
		t.Fatal("the old head is gone")
	}
	const cats = `intents:
- name: feed_cat
  examples: [feed the cat, give the cat some food, the cat is hungry]
- name: walk_dog
  examples: [walk the dog, take the dog out, the dog needs a walk]
out_of_scope: [what time is it, hello there, open the window]
`
	if err := owned.Reload(context.Background(), []byte(cats)); err != nil {
		t.Fatal(err)
	}
	if got := find(owned.Head(), e, "please give the cat its food"); !slices.Equal(got, []string{"feed_cat"}) {
		t.Errorf("found %v", got)
	}
}

// A file that gives no examples out of scope has the shipped ones: small talk is
// none of two intents. One that gives an empty list has none.
func TestSmallTalkIsNoIntent(t *testing.T) {
	const two = `intents:
- name: order_status
  examples: [where is my order, track my parcel, when does it arrive]
- name: cancel
  examples: [cancel my order, I want to cancel, stop my subscription]
`
	owned, e := ownFile(t, two)
	for text, want := range map[string][]string{
		"where is my parcel": {"order_status"}, "I want to cancel please": {"cancel"}, "hello": nil, "what a nice day": nil,
		"my name is Daniel": nil,
	} {
		if got := find(owned.Head(), e, text); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	if err := owned.Reload(t.Context(), []byte(two+"out_of_scope: []\n")); err != nil {
		t.Fatal(err)
	}
	if got := owned.Taxonomy().OutOfScope; len(got) != 0 {
		t.Errorf("%d examples out of scope, and none was wanted", len(got))
	}
	// Examples that tell nothing apart are a flaw of the file, and say what to do.
	before := owned.Head()
	err := owned.Reload(t.Context(), []byte("intents:\n- {name: good, examples: [🙂, 👍, ❤]}\n- {name: bad, examples: [😡, 💔, 🤮]}\nout_of_scope: []\n"))
	var f *flaw.Flaw
	if !errors.As(err, &f) || !strings.Contains(f.Reason, "give each more") {
		t.Errorf("error %v", err)
	}
	if owned.Head() != before {
		t.Error("the old head is gone")
	}
}

// ownFile fits a small file.
func ownFile(t *testing.T, file string) (*intent.Owned, *floor.Model) {
	t.Helper()
	m, err := floor.Open()
	if err != nil {
		t.Fatal(err)
	}
	taxonomy, err := intent.Parse([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	owned, err := intent.Own(t.Context(), taxonomy, m, intent.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return owned, m
}

func TestClauses(t *testing.T) {
	for text, want := range map[string][]string{
		"":                                    nil,
		"Where is my order?":                  nil,
		"Hi. Where is it now":                 nil,
		"I want a refund. Where is my order?": {"I want a refund.", "Where is my order?"},
		"cancel my order please and change my address too":  {"cancel my order please", "change my address too"},
		"It cost 12.50 at the shop.":                        nil,
		strings.Repeat("a", 20000):                          nil,
		"salt and pepper":                                   nil,
		"I want to leave you. I really do. Now. Right now!": {"I want to leave you.", "I really do.", "Now. Right now!"},
	} {
		if got := intent.Clauses(text); !slices.Equal(got, want) {
			t.Errorf("%.40q: %q, want %q", text, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(intent.DefaultFile()[:2000])
	f.Add([]byte("intents:\n- name: a\n  examples: [x, y, z]\n"))
	f.Add([]byte("a: &a [*a]"))
	f.Fuzz(func(t *testing.T, file []byte) {
		_, err := intent.Parse(file)
		var f *flaw.Flaw
		if err != nil && (!errors.As(err, &f) || f.Line < 1 || f.Column < 1) {
			t.Fatalf("error %v names no place", err)
		}
	})
}

func BenchmarkFitDefault(b *testing.B) {
	for b.Loop() {
		if _, err := fit(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFind(b *testing.B) {
	owned, e := own(b)
	v, _ := e.Embed(context.Background(), "I ordered a blue jacket last Monday and it still has not arrived, can you please check where it is")
	b.ReportAllocs()
	for b.Loop() {
		owned.Head().Find(v)
	}
}

// An intent that only the held examples show is known after a refit alone.
func TestRefit(t *testing.T) {
	at := func(x, y float32) linear.Vector { return linear.Vector{Value: []float32{x, y}} }
	examples := []intent.Example{{at(1, 0), []int{0}}, {at(0.9, 0.1), []int{0}}, {at(-1, 0), []int{1}}, {at(-0.9, 0.1), []int{1}}}
	held := []intent.Example{{at(1, 0.1), []int{0}}, {at(-1, 0.1), []int{1}}, {at(0, 5), []int{1}}, {at(0.1, 5), []int{1}}}
	p := make([]float64, 2)
	for _, refit := range []bool{false, true} {
		h, err := intent.Fit(t.Context(), []string{"east", "west"}, examples, intent.Options{Held: held, Refit: refit})
		if err != nil {
			t.Fatal(err)
		}
		h.Probabilities(at(0.2, 5), p)
		if west := p[1] > p[0]; west != refit {
			t.Errorf("refit %v: far north is %v", refit, p)
		}
	}
}

// What is like the examples without an intent is doubted, however like an intent it is.
func TestDoubt(t *testing.T) {
	at := func(values ...float32) linear.Vector { return linear.Vector{Value: values}.Unit() }
	var examples []intent.Example
	for i := range 12 {
		noise := float32(i%4) / 20
		examples = append(examples,
			intent.Example{Vector: at(1, noise, 0.1), Labels: []int{0}},
			intent.Example{Vector: at(noise, 1, 0.1), Labels: []int{1}},
			intent.Example{Vector: at(0.6, noise, 0.8)})
	}
	sure := func(doubt float64, v linear.Vector) float64 {
		h, err := intent.Fit(t.Context(), []string{"refund", "password"}, examples, intent.Options{Doubt: doubt})
		if err != nil {
			t.Fatal(err)
		}
		p := make([]float64, 2)
		h.Probabilities(v, p)
		return p[0]
	}
	outside, inside := at(0.75, 0, 0.65), at(1, 0.05, 0.1)
	if without, with := sure(0, outside), sure(0.5, outside); with >= without {
		t.Errorf("out of scope: %.3f without doubt, %.3f with", without, with)
	}
	if with := sure(0.5, inside); with < 0.8 {
		t.Errorf("in scope: %.3f with doubt", with)
	}
}
