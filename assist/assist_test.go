package assist

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"throughline/event"
)

var at = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)

func journey(channel event.Channel, f event.Features) event.Journey {
	f.Turn.ID, f.Turn.Interaction, f.Turn.Channel, f.Turn.At = "t1", "i2", channel, at
	return event.Journey{ID: "j1", Tenant: "default", Customer: "c1", Version: 7, State: event.JourneyOpen, Updated: at,
		Cause:        event.Cause{Type: "turn", ID: "t1", Features: &f},
		Interactions: []event.InteractionState{{ID: "i1", Channel: event.WhatsApp}, {ID: "i2", Channel: channel, Agent: "a9"}},
		Intents:      []event.OpenIntent{{Name: "order_status"}}}
}

func fired(t *testing.T, p *Policy, j event.Journey) []string {
	t.Helper()
	var out []string
	for _, d := range p.Decide(j) {
		if d.Err() != nil {
			t.Errorf("rule %s: %v", d.Rule, d.Err())
		}
		out = append(out, d.Rule)
	}
	return out
}

func TestDefaultPolicyDecides(t *testing.T) {
	p, err := LoadFile("")
	if err != nil {
		t.Fatal(err)
	}
	intent := func(names ...string) (out []event.Label) {
		for _, n := range names {
			out = append(out, event.Label{Name: n, Probability: 0.9})
		}
		return out
	}
	customer := event.Turn{Role: event.Customer}
	for name, c := range map[string]struct {
		f    event.Features
		want []string
	}{
		"calm":          {event.Features{Turn: customer, Sentiment: &event.Sentiment{Score: 0.1}}, nil},
		"angry":         {event.Features{Turn: customer, Sentiment: &event.Sentiment{Score: -0.8}}, []string{"very_negative"}},
		"angry agent":   {event.Features{Turn: event.Turn{Role: event.Agent}, Sentiment: &event.Sentiment{Score: -0.8}}, nil},
		"not scored":    {event.Features{Turn: customer}, nil},
		"threat":        {event.Features{Turn: customer, Intents: intent("complaint", "escalation_threat")}, []string{"escalation_threat"}},
		"leaving":       {event.Features{Turn: customer, Intents: intent("churn_intent")}, []string{"churn_intent"}},
		"card":          {event.Features{Turn: event.Turn{Role: event.Customer, Redacted: []event.Redaction{{Type: "CARD"}}}}, []string{"card_number_shared"}},
		"old and angry": {event.Features{Turn: event.Turn{Role: event.Customer, Historic: true}, Sentiment: &event.Sentiment{Score: -0.8}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			// The same words decide the same on every channel.
			for _, channel := range []event.Channel{event.Voice, event.WhatsApp, event.WebChat, event.SMS, event.Email} {
				if got := fired(t, p, journey(channel, c.f)); !slices.Equal(got, c.want) {
					t.Errorf("%s: fired %v, want %v", channel, got, c.want)
				}
			}
		})
	}
}

func TestChannelChangeCarriesContext(t *testing.T) {
	p, err := LoadFile("")
	if err != nil {
		t.Fatal(err)
	}
	j := journey(event.Voice, event.Features{})
	j.Cause = event.Cause{Type: "interaction", ID: "x", Change: event.Started}
	d := p.Decide(j)
	if len(d) != 1 || d[0].Suggestion == nil || d[0].Alert == nil {
		t.Fatalf("decided %+v, want the context", d)
	}
	s := d[0].Suggestion
	if s.Title != "Pick up: order status" || !strings.Contains(s.Body, "on whatsapp") || s.Agent != "a9" || s.Interaction != "i2" {
		t.Errorf("suggestion %+v", s)
	}
	if s.Rule.Name != "channel_changed" || s.Rule.Version != p.Version || s.Rule.Evidence["journey_version"] != "7" {
		t.Errorf("rule %+v", s.Rule)
	}
}

func TestOnceHoldsOverRestart(t *testing.T) {
	desk, err := NewDesk(Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	first := &shard{desk: desk, decided: map[string]struct{}{}}
	j := journey(event.WhatsApp, event.Features{Turn: event.Turn{Role: event.Customer}, Sentiment: &event.Sentiment{Score: -0.9}})
	msgs, err := first.decide(context.Background(), j)
	if err != nil || len(msgs) != 2 {
		t.Fatalf("decided %d messages, %v; want an alert and a suggestion", len(msgs), err)
	}
	again := &shard{desk: desk, decided: map[string]struct{}{}}
	again.note(msgs[0].Value.(event.Alert).ID)
	for _, s := range []*shard{first, again} {
		j.Version++
		j.Cause.ID = "t2"
		if msgs, err := s.decide(context.Background(), j); err != nil || len(msgs) != 0 {
			t.Errorf("decided again: %v %v", msgs, err)
		}
	}
}

func TestErrorsNameThePlaceAndTheFix(t *testing.T) {
	for name, c := range map[string]struct{ policy, want string }{
		"syntax":        {"rules:\n  - name: a\n    when: turn.sentiment <\n    alert: {title: x}\n", "line 3"},
		"unknown field": {"rules:\n  - name: a\n    when: turn.mood < 0.1\n    alert: {title: x}\n", "undefined field 'mood'"},
		"wrong type":    {"rules:\n  - name: a\n    when: turn.sentiment < \"bad\"\n    alert: {title: x}\n", "no matching overload"},
		"not a bool":    {"rules:\n  - name: a\n    when: turn.sentiment\n    alert: {title: x}\n", "gives double where bool is wanted"},
		"no action":     {"rules:\n  - name: a\n    when: \"true\"\n", "give alert or suggest"},
		"twice":         {"rules:\n  - {name: a, when: \"true\", alert: {title: x}}\n  - {name: a, when: \"true\", alert: {title: x}}\n", "name stands twice"},
		"severity":      {"rules:\n  - {name: a, when: \"true\", alert: {title: x, severity: loud}}\n", "use info, warning or critical"},
		"misspelt":      {"rules:\n  - {name: a, whn: \"true\"}\n", "field whn not found"},
		"open brace":    {"rules:\n  - {name: a, when: \"true\", alert: {title: \"x ${turn.id\"}}\n", "${ without }"},
		"empty":         {"rules: []\n", "rules is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load("p.yaml", []byte(c.policy))
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "p.yaml") {
				t.Errorf("got %v, want it to say %q", err, c.want)
			}
		})
	}
}

func TestRuleThatCostsTooMuchIsAnErrorOfTheRule(t *testing.T) {
	p, err := Load("p.yaml", []byte(`rules:
  - name: endless
    when: turn.intents.all(a, turn.intents.all(b, turn.intents.all(c, turn.intents.all(d, a + b + c + d != "x"))))
    alert: {title: x}
  - name: fine
    when: "true"
    alert: {title: y}
`))
	if err != nil {
		t.Fatal(err)
	}
	f := event.Features{}
	for range 60 {
		f.Intents = append(f.Intents, event.Label{Name: "an_intent"})
	}
	d := p.Decide(journey(event.Voice, f))
	if len(d) != 2 || d[0].Err() == nil || d[1].Err() != nil || d[1].Alert == nil {
		t.Errorf("decided %+v, want an error for the first and an alert of the second", d)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(string(defaultPolicy))
	f.Add("rules:\n  - {name: a, when: \"turn.text.matches('(a+)+$')\", alert: {title: \"${turn.id}\"}}\n")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := Load("fuzz.yaml", []byte(s))
		if (p == nil) == (err == nil) {
			t.Fatal("a policy or an error, not both or none")
		}
		if p != nil {
			p.Decide(journey(event.Voice, event.Features{}))
		}
	})
}

func BenchmarkDecide(b *testing.B) {
	p, err := LoadFile("")
	if err != nil {
		b.Fatal(err)
	}
	j := journey(event.WhatsApp, event.Features{Turn: event.Turn{Role: event.Customer}, Sentiment: &event.Sentiment{Score: 0.1}, Intents: []event.Label{{Name: "order_status"}}})
	for b.Loop() {
		p.Decide(j)
	}
}
