package category_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"throughline/bus"
	"throughline/event"
	"throughline/governance"
	"throughline/nlp"
	"throughline/nlp/category"
	"throughline/nlp/entity"
	"throughline/nlp/floor"
	"throughline/nlp/intent"
	"throughline/sink"
	"throughline/sink/sinktest"
)

func TestMain(m *testing.M) { os.Exit(sinktest.Main(m)) }

// live has rules over everything that a rule can ask.
const live = `categories:
- name: wants_to_cancel
  like: [I want to cancel my contract, please end my subscription]
  when: role == "customer" && likeness > 0.3
- name: like_alone
  like: [where is my refund]
- name: unhappy
  when: scored && sentiment < -0.2
- name: phrase
  when: text.says("other company")
- name: wants_refund
  when: '"refund_request" in intents && intents["refund_request"] > 0.3'
- name: names_money
  when: '"AMOUNT" in entities'
- name: written_in_spanish
  when: language == "es"
- name: by_mail_in_the_morning
  when: channel == "email" && at.getHours("UTC") < 12
- name: from_the_campaign
  when: '"campaign" in attrs && attrs["campaign"] == "autumn"'
- name: late_in_the_call
  when: start_ms > 5000
- name: sometimes_fails
  when: attrs["campaign"] == "autumn"
`

var lines = []string{"I want to cancel my contract now", "I am very angry, this is terrible", "where is my refund of 120.50 euros?", "the other company is cheaper",
	"Thank you so much, that was great", "Quiero cancelar mi contrato, por favor", "please end the subscription today", "🙂", "My order number is 4839201",
	"could you refund me please, I have waited two weeks"}

// cleared passes the gate, as every turn does.
func cleared(t *testing.T, turn event.Turn) event.Message {
	t.Helper()
	gate, err := governance.NewGate(governance.Config{}, governance.NewLedger(governance.Config{}))
	if err != nil {
		t.Fatal(err)
	}
	v, err := gate.Turn(t.Context(), turn)
	if err != nil {
		t.Fatal(err)
	}
	return governance.Turns().Message(v.Cleared)
}

// TestBacktestDecidesAsLiveDid has the product's stage decide on turns as they
// come, on a real broker and engine, and then asks what was stored.
func TestBacktestDecidesAsLiveDid(t *testing.T) {
	reader, err := floor.Open()
	if err != nil {
		t.Fatal(err)
	}
	taxonomy, err := intent.Default()
	if err != nil {
		t.Fatal(err)
	}
	intents, err := intent.Own(t.Context(), taxonomy, reader, intent.Options{})
	if err != nil {
		t.Fatal(err)
	}
	inForce := loaded(t, reader, live)
	decided := &recorder{seen: map[string]bool{}, of: map[string][]string{}}
	model := nlp.New(nlp.Parts{Reader: reader, Intents: intents, Entities: entity.NewFinder(nil).Find, Categories: inForce.Match})
	_, store := sinktest.Open(t)
	b := sinktest.Bus(t)
	defer running(t, b, append(store.Stages(), model.Stage(), decided.stage()))()

	since := time.Now().UTC().Truncate(time.Second).Add(-72 * time.Hour)
	const n = 240
	var messages []event.Message
	for i := range n {
		at := since.Add(time.Duration(i) * 17 * time.Minute)
		turn := event.Turn{ID: event.ID("t", "test", fmt.Sprint(i)), Tenant: "default", Customer: fmt.Sprint("c", i%9), Interaction: fmt.Sprint("i", i%23), Kind: event.Text,
			Channel: []event.Channel{event.Email, event.WhatsApp, event.Voice}[i%3], Role: []event.Role{event.Customer, event.Customer, event.Agent, ""}[i%4],
			At: at, Received: at, Text: lines[i%len(lines)]}
		switch i % 7 {
		case 1:
			turn.Attrs = map[string]string{"campaign": "autumn"}
		case 2:
			turn.Kind = event.Notice
		case 3:
			turn.StartMS = int64(i) * 100
		}
		messages = append(messages, cleared(t, turn))
	}
	other := cleared(t, event.Turn{ID: "t_other", Tenant: "elsewhere", Customer: "c", Interaction: "i", Kind: event.Text, Role: event.Customer, At: since.Add(time.Hour), Received: since, Text: lines[0]})
	if err := b.Publish(t.Context(), append(messages, other)...); err != nil {
		t.Fatal(err)
	}
	until := since.Add(n * 17 * time.Minute)
	stored := func() (n int) {
		if err := store.Understood(t.Context(), "default", since, until, 1, func(event.Features) error { n++; return nil }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for end := time.Now().Add(3 * time.Minute); stored() < n || decided.heard() < n; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("of %d turns %d are stored, and %d were heard of", n, stored(), decided.heard())
		}
	}

	q := category.Question{Tenant: "default", Since: since, Until: until, Examples: 2, Readable: nlp.Readable}
	report, err := loaded(t, reader, live).Backtest(t.Context(), store, q)
	if err != nil || report.Turns != n || report.Read != n || report.Sampled || report.Skipped == 0 || !report.Embedded || report.Models[reader.Name()] != n {
		t.Fatalf("%+v, %v", report, err)
	}
	for _, c := range report.Categories {
		when := decided.count(c.Category)
		if c.Matches != when || c.Live.Matches != when || c.Live.Both != when || c.Live.Only+c.Live.Lost != 0 {
			t.Errorf("%s: back-test %d, live %d, difference %+v", c.Category, c.Matches, when, c.Live)
		}
		if when == 0 {
			t.Errorf("%s: never held, so nothing is shown", c.Category)
		}
		sum := 0
		for _, k := range c.Channels {
			sum += k
		}
		if sum != c.Matches || len(c.Examples) == 0 || len(c.Examples) > 2 || c.Examples[0].Words != "" || !slices.Contains(decided.turns(c.Category), c.Examples[0].Turn) {
			t.Errorf("%s: %+v", c.Category, c)
		}
		if fails := c.Category == "sometimes_fails"; fails != (c.Failed > 0) {
			t.Errorf("%s: failed on %d", c.Category, c.Failed)
		}
	}
	draft(t, reader, store, q, decided)
	sampled(t, reader, store, q)
}

// draft tells what another file would change.
func draft(t *testing.T, reader nlp.Reader, store *sink.Store, q category.Question, decided *recorder) {
	q.Words, q.Against = true, loaded(t, reader, live)
	report, err := loaded(t, reader, "categories:\n- name: phrase\n  when: text.says('other company') && channel == 'email'\n- name: new\n  when: role == 'agent'\n").Backtest(t.Context(), store, q)
	if err != nil || report.Categories[0].Category != "phrase" || report.Categories[1].Category != "new" || !report.Embedded {
		t.Fatalf("%+v, %v", report, err)
	}
	phrase, added := report.Categories[0], report.Categories[1]
	if phrase.Live.Lost == 0 || phrase.Live.Both != phrase.Matches || phrase.Live.Only != 0 || *phrase.Against != phrase.Live || !strings.Contains(phrase.Examples[0].Words, "other company") {
		t.Errorf("phrase: %+v", phrase)
	}
	if added.Live.Only != added.Matches || added.Matches == 0 || added.Live.Matches != 0 {
		t.Errorf("new: %+v", added)
	}
	k := slices.IndexFunc(report.Categories, func(c category.Tried) bool { return c.Category == "unhappy" })
	if k < 0 || report.Categories[k].Matches != 0 || report.Categories[k].Live.Lost != decided.count("unhappy") {
		t.Errorf("a category that is no more: %+v", report.Categories)
	}
}

func sampled(t *testing.T, reader nlp.Reader, store *sink.Store, q category.Question) {
	q.Limit = 60
	first, err := loaded(t, reader, live).Backtest(t.Context(), store, q)
	if err != nil || !first.Sampled || first.Turns != 240 || first.Read < 30 || first.Read > 100 {
		t.Fatalf("read %d of %d, %v", first.Read, first.Turns, err)
	}
	again, err := loaded(t, reader, live).Backtest(t.Context(), store, q)
	if err != nil || again.Read != first.Read || again.Categories[2].Matches != first.Categories[2].Matches {
		t.Errorf("another draw: %d and %d (%v)", first.Read, again.Read, err)
	}
	q.Tenant = "nobody"
	if none, err := loaded(t, reader, live).Backtest(t.Context(), store, q); err != nil || none.Read != 0 || len(none.Categories) == 0 {
		t.Errorf("nobody: %+v, %v", none, err)
	}
}

func loaded(t *testing.T, reader nlp.Reader, file string) *category.Rules {
	t.Helper()
	r, err := category.New(reader)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Reload(t.Context(), []byte(file)); err != nil {
		t.Fatal(err)
	}
	return r
}

// running runs stages until the returned function is called.
func running(t *testing.T, b *bus.Bus, stages []bus.Stage) func() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, len(stages))
	for _, s := range stages {
		go func() { done <- b.Run(ctx, s) }()
	}
	return func() {
		cancel()
		for range stages {
			if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
	}
}

// recorder hears what live decided, from the topic.
type recorder struct {
	mu   sync.Mutex
	seen map[string]bool
	of   map[string][]string // category → turns
}

func (r *recorder) stage() bus.Stage {
	return bus.Stage{Name: "recorder", In: []bus.Input{bus.Each(event.AnalysedTurns().Source, func(_ context.Context, f event.Features) ([]event.Message, error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if f.Turn.Tenant != "default" {
			return nil, nil
		}
		r.seen[f.Turn.ID] = true
		for _, l := range f.Categories {
			if !slices.Contains(r.of[l.Name], f.Turn.ID) {
				r.of[l.Name] = append(r.of[l.Name], f.Turn.ID)
			}
		}
		return nil, nil
	})}}
}

func (r *recorder) turns(name string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.of[name])
}

func (r *recorder) heard() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.seen)
}

func (r *recorder) count(name string) int { return len(r.turns(name)) }
