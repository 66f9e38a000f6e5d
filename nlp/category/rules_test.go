package category_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"throughline/event"
	"throughline/flaw"
	"throughline/nlp/category"
	"throughline/nlp/floor"
	"throughline/nlp/linear"
)

const file = `categories:
- name: wants_to_cancel
  description: by meaning, not by word
  like: [I want to cancel my contract, please end my subscription]
  when: role == "customer" && likeness > 0.3
- name: angry_in_the_evening
  when: scored && sentiment < -0.3 && at.getHours("UTC") >= 18
- name: names_competitor
  when: text.says("other company") || text.says("Acme")
- name: owes_money
  when: '"AMOUNT" in entities && intents.exists(i, intents[i] > 0.5)'
- name: fails
  when: attrs["missing"] == "x"
- name: mailed
  when: channel == "email" && "refund_request" in intents && intents["refund_request"] > 0.5
`

func rules(t testing.TB) (*category.Rules, *floor.Model) {
	t.Helper()
	m, err := floor.Open()
	if err != nil {
		t.Fatal(err)
	}
	r, err := category.New(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Reload(context.Background(), []byte(file)); err != nil {
		t.Fatal(err)
	}
	return r, m
}

func TestMatch(t *testing.T) {
	r, m := rules(t)
	evening := time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)
	turn := func(text string) event.Features {
		return event.Features{Turn: event.Turn{Role: event.Customer, Channel: event.Email, Text: text, At: evening}}
	}
	angry := turn("I am angry")
	angry.Sentiment = &event.Sentiment{Score: -0.8, Negative: 0.8, Neutral: 0.2, Magnitude: 0.8}
	morning := angry
	morning.Turn.At = evening.Add(-12 * time.Hour)
	owes := turn("I owe 5 euros")
	owes.Entities = []event.Entity{{Type: "AMOUNT"}}
	owes.Intents = []event.Label{{Name: "refund_request", Probability: 0.9}}
	agent := turn("please cancel my contract")
	agent.Turn.Role = event.Agent
	for name, c := range map[string]struct {
		f    event.Features
		want []string
	}{
		"empty":         {turn(""), nil},
		"by meaning":    {turn("I'd like you to end the contract please"), []string{"wants_to_cancel"}},
		"an agent":      {agent, nil},
		"evening":       {angry, []string{"angry_in_the_evening"}},
		"morning":       {morning, nil},
		"a phrase":      {turn("the OTHER company is cheaper"), []string{"names_competitor"}},
		"half a word":   {turn("acmeology"), nil},
		"several facts": {owes, []string{"owes_money", "mailed"}},
	} {
		v, err := m.Embed(context.Background(), c.f.Turn.Text)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, l := range r.Match(c.f, v) {
			got = append(got, l.Name)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// A phrase is a row of words, as in a policy.
func TestSays(t *testing.T) {
	m, err := floor.Open()
	if err != nil {
		t.Fatal(err)
	}
	r, err := category.New(m)
	if err != nil {
		t.Fatal(err)
	}
	for phrase, texts := range map[string]map[string]bool{
		"cancel my contract": {"Please CANCEL my contract.": true, "cancel, my\n contract": true, "cancel my cancel my contract": true,
			"cancel my": false, "cancel my contracts": false, "": false, "\xffcancel my contract\xff": true},
		"don't":  {"I don’t know": true, "i DON'T": true, "I do not": false},
		"Straße": {"in der STRASSE": false, "in der straße": true},
		"...":    {"...": false, "a": false},
		"नहीं":   {"मुझे नहीं चाहिए": true, "नह": false},
	} {
		if err := r.Reload(t.Context(), fmt.Appendf(nil, "categories:\n- name: a\n  when: text.says(%q)\n", phrase)); err != nil {
			t.Fatal(err)
		}
		for text, want := range texts {
			if got := len(r.Match(event.Features{Turn: event.Turn{Text: text}}, linear.Vector{})) == 1; got != want {
				t.Errorf("%q says %q: %v, want %v", text, phrase, got, want)
			}
		}
	}
}

func TestBrokenRulesNameThePlaceAndLeaveTheOldOnes(t *testing.T) {
	r, m := rules(t)
	for name, c := range map[string]struct{ file, want string }{
		"syntax":         {"categories:\n- name: a\n  when: role ==\n", "3:16: category a: when: Syntax error"},
		"in quotes":      {"categories:\n- name: a\n  when: 'scored && colour'\n", "3:20: category a: when: undeclared reference to 'colour'"},
		"over lines":     {"categories:\n- name: a\n  when: |\n    scored &&\n    colour\n", "5:1: category a: when: undeclared reference to 'colour'"},
		"unknown word":   {"categories:\n- name: a\n  when: colour == \"red\"\n", "3:9: category a: when: undeclared reference to 'colour'"},
		"not a truth":    {"categories:\n- name: a\n  when: sentiment + 1.0\n", "3:9: category a: when: want true or false, and it is double"},
		"a list of when": {"categories:\n- name: a\n  when: [scored]\n", "3:9: category a: when: a list where a text belongs"},
		"no name":        {"categories:\n- when: scored\n", "2:3: category number 1: name is missing"},
		"no category":    {"categories:\n- scored\n", "2:3: category number 1: is no category: give name, and when or like"},
		"nothing to do":  {"categories:\n- name: a\n", "2:3: category a: has neither when nor like: give a CEL expression, sentences, or both"},
		"twice":          {"categories:\n- name: a\n  when: scored\n- name: a\n  when: scored\n", "4:3: category a: name stands twice"},
		"unknown key":    {"categories:\n- name: a\n  if: scored\n", `3:3: category a: unknown key "if": there are name, description, when and like`},
		"unknown at top": {"category:\n- name: a\n", `1:1: unknown key "category": there are categories`},
		"like a text":    {"categories:\n- name: a\n  like: {a: b}\n", "3:9: category a: like: want a list of sentences"},
		"like nobody":    {"categories:\n- name: a\n  when: scored && likeness > 0.5\n", "3:9: category a: when: asks for likeness, which is 0 without sentences to be like: give them in like"},
		"like nothing":   {"categories:\n- name: a\n  like: ['...']\n", "3:9: category a: like: sentence 1 has no words"},
		"two documents":  {"categories:\n- name: a\n  when: scored\n---\ncategories: []\n", "5:1: a second document begins here"},
		"not YAML":       {"categories:\n- name: [a\n", "1:1: "},
		"not a sequence": {"categories: 4\n", "1:1: a number where a list belongs"},
	} {
		err := flaw.In("c.yaml", r.Reload(context.Background(), []byte(c.file)))
		if err == nil || !strings.HasPrefix(err.Error(), "c.yaml:"+c.want) {
			t.Errorf("%s: %v, want c.yaml:%s", name, err, c.want)
		}
	}
	v, _ := m.Embed(context.Background(), "acme")
	if got := r.Match(event.Features{Turn: event.Turn{Text: "acme"}}, v); len(got) != 1 {
		t.Errorf("the old rules are gone: %v", got)
	}
}

func FuzzReload(f *testing.F) {
	f.Add([]byte(file))
	f.Add([]byte("categories: [{name: a, when: 'true'}]"))
	r, _ := rules(f)
	f.Fuzz(func(t *testing.T, file []byte) {
		err := r.Reload(context.Background(), file)
		var f *flaw.Flaw
		if err != nil && (!errors.As(err, &f) || f.Line < 1 || f.Column < 1) {
			t.Fatalf("error %v names no place", err)
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	r, m := rules(b)
	turn := event.Features{Turn: event.Turn{Role: event.Customer, Text: "I'd like you to end the contract please"}}
	v, _ := m.Embed(context.Background(), turn.Turn.Text)
	b.ReportAllocs()
	for b.Loop() {
		r.Match(turn, v)
	}
}
