package assist

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"throughline/event"
	"throughline/flaw"
	"throughline/moment"
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
	for _, d := range p.Decide(moment.Of(j)) {
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
	d := p.Decide(moment.Of(j))
	if len(d) != 1 || d[0].Suggestion == nil || len(d[0].Alerts) != 1 {
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

func desk(t testing.TB, policy string) *Desk {
	t.Helper()
	path := ""
	if policy != "" {
		path = filepath.Join(t.TempDir(), "policy.yaml")
		if err := os.WriteFile(path, []byte(policy), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d, err := NewDesk(Config{Policy: path, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestOnceHoldsOverRestart stops a shard after each of its effects was stored:
// the next one makes up exactly what is missing.
func TestOnceHoldsOverRestart(t *testing.T) {
	d := desk(t, "")
	j := journey(event.WhatsApp, event.Features{Turn: event.Turn{Role: event.Customer}, Sentiment: &event.Sentiment{Score: -0.9}})
	first := newShard(d)
	msgs := first.decide(j, unexpected(t))
	if len(msgs) != 2 {
		t.Fatalf("decided %d messages; want an alert and a suggestion", len(msgs))
	}
	for stored := range len(msgs) + 1 {
		again := newShard(d)
		for _, m := range msgs[:stored] {
			again.done.add(idOf(m), at)
		}
		if got := again.decide(j, unexpected(t)); len(got) != len(msgs)-stored {
			t.Errorf("with %d effects stored, %d more came", stored, len(got))
		}
		j.Version++
		j.Cause.ID = "t2"
		if got := again.decide(j, unexpected(t)); len(got) != 0 {
			t.Errorf("decided again in the same interaction: %v", got)
		}
	}
}

// unexpected fails the test where a rule cannot be evaluated.
func unexpected(t testing.TB) func(Decision) {
	return func(d Decision) { t.Errorf("rule %s: %v", d.Rule, d.Err()) }
}

func idOf(m event.Message) string {
	switch v := m.Value.(type) {
	case event.Alert:
		return v.ID
	case event.Suggestion:
		return v.ID
	case event.Disclosure:
		return v.ID
	}
	return ""
}

func TestErrorsNameThePlaceAndTheFix(t *testing.T) {
	rule := func(when string) string {
		return "rules:\n  - name: a\n    when: " + when + "\n    alert: {title: x}\n"
	}
	at := func(line, column int) flaw.Place { return flaw.Place{Line: line, Column: column} }
	for name, c := range map[string]struct {
		policy string
		at     flaw.Place
		want   string
	}{
		"syntax":        {rule("turn.sentiment <"), at(3, 27), "Syntax error"},
		"unknown field": {rule("turn.scored && turn.mood < 0.1"), at(3, 30), "undefined field 'mood'"},
		"wrong type":    {rule(`turn.sentiment < "bad"`), at(3, 26), "no matching overload"},
		"quoted":        {rule(`'turn.mood < 0.1'`), at(3, 16), "undefined field"},
		"in a block":    {"rules:\n  - name: a\n    when: |\n      turn.scored &&\n        turn.mood < 0.1\n    alert: {title: x}\n", at(5, 0), "undefined field"},
		"not a bool":    {rule("turn.sentiment"), at(3, 11), "gives double where bool is wanted"},
		"unknown part":  {rule("agent.mood > 1"), at(3, 11), "undeclared reference"},
		"unasked score": {rule("journey.satisfaction < 2.0"), at(3, 11), "ask journey.has_satisfaction"},
		"title's score": {"rules:\n  - {name: a, when: \"true\", alert: {title: \"${string(journey.effort)}\"}}\n", at(2, 47), "ask journey.has_effort"},
		"other score":   {"rules:\n  - {name: a, when: journey.has_churn, alert: {title: \"${string(journey.effort)}\"}}\n", at(2, 58), "ask journey.has_effort"},
		"no rank":       {"rules:\n  - {name: a, when: \"true\", suggest: {title: x, rank: .nan}}\n", at(2, 5), "suggest: rank is NaN: give a number"},
		"endless rank":  {"rules:\n  - {name: a, when: \"true\", suggest: {title: x, rank: .inf}}\n", at(2, 5), "suggest: rank is +Inf: give a number"},
		"gone at once":  {"rules:\n  - {name: a, when: \"true\", suggest: {title: x, expires: -5m}}\n", at(2, 5), "suggest: expires is -5m0s"},
		"two documents": {rule("turn.scored") + "---\n" + rule("turn.mood"), at(6, 1), "a second document begins here"},
		"no hours":      {rule(`now.during("monday 9-5 Berlin")`), at(3, 21), "no day of the week"},
		"nested":        {rule("turn.intents.all(a, turn.intents.all(b, turn.intents.all(c, turn.intents.all(d, a + b + c + d != 'x'))))"), at(3, 87), "may cost"},
		"growing":       {rule(`turn.text.replace("", turn.text).size() > 1`), at(3, 11), "may cost"},
		"growing twice": {rule(`turn.intents[0].replace("a", turn.text).replace("b", turn.text).size() > 1`), at(3, 11), "may cost"},
		"joined":        {rule(`turn.intents.join(turn.text).replace("", turn.text) == ""`), at(3, 11), "may cost"},
		"many digits":   {rule(`turn.id == "%.100000f".format([turn.sentiment])`), at(3, 40), "more than 999 digits"},
		"told to write": {rule(`turn.text.format([turn.sentiment]) == ""`), at(3, 27), "format wants a text that stands in the rule"},
		"any size":      {rule("lists.range(100000000).size() > 1"), at(3, 11), "undeclared reference to 'lists"},
		"no action":     {"rules:\n  - name: a\n    when: \"true\"\n", at(2, 5), "no action: give alert, suggest"},
		"twice":         {"rules:\n  - {name: a, when: \"true\", alert: {title: x}}\n  - {name: a, when: \"true\", alert: {title: x}}\n", at(3, 5), "name stands twice"},
		"severity":      {"rules:\n  - {name: a, when: \"true\", alert: {title: x, severity: loud}}\n", at(2, 5), "use info, warning or critical"},
		"misspelt":      {"rules:\n  - {name: a, whn: \"true\"}\n", at(2, 15), "unknown key \"whn\""},
		"misspelt deep": {"rules:\n  - {name: a, when: \"true\", route: {que: x}}\n", at(2, 37), "unknown key \"que\": there are priority, queue, skill, title"},
		"open brace":    {"rules:\n  - {name: a, when: \"true\", alert: {title: \"x ${turn.id\"}}\n", at(2, 49), "${ without }"},
		"bad title":     {"rules:\n  - {name: a, when: \"true\", alert: {title: \"x ${turn.at}\"}}\n", at(2, 49), "gives timestamp where string"},
		"no title":      {"rules:\n  - {name: a, when: \"true\", escalate: {to: team}}\n", at(2, 5), "title is missing"},
		"nowhere":       {"rules:\n  - {name: a, when: \"true\", route: {title: x}}\n", at(2, 5), "give queue, skill or priority"},
		"no phrase":     {"rules:\n  - {name: a, when: \"true\", disclose: {within: 60s}}\n", at(2, 5), "give 1 to 20"},
		"no deadline":   {"rules:\n  - {name: a, when: \"true\", disclose: {say: [recorded]}}\n", at(2, 5), "such as 60s"},
		"bad duration":  {"rules:\n  - {name: a, when: \"true\", disclose: {say: [recorded], within: soon}}\n", at(2, 5), "a text where a duration such as 90s or 24h belongs"},
		"no target":     {"rules:\n  - {name: a, when: \"true\", webhook: {title: x}}\n", at(2, 5), "target is missing"},
		"empty":         {"rules: []\n", at(1, 1), "rules is empty"},
		"no rule":       {"rules:\n  -\n", at(2, 4), "is no rule"},
		"nothing":       {"", at(1, 1), "rules is empty"},
		"not yaml":      {"rules: [\n", at(1, 1), ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load("p.yaml", []byte(c.policy))
			found := flaw.All(err)
			if len(found) == 0 {
				t.Fatalf("got %v, want a place", err)
			}
			w := found[0]
			if w.Line != c.at.Line || c.at.Column > 0 && w.Column != c.at.Column || !strings.Contains(w.Reason, c.want) {
				t.Errorf("got %v, want %d:%d to say %q", err, c.at.Line, c.at.Column, c.want)
			}
			if !strings.HasPrefix(err.Error(), fmt.Sprintf("p.yaml:%d:", c.at.Line)) {
				t.Errorf("error %q does not begin with its place", err)
			}
		})
	}
}

// TestScoreInATitle: what the condition has asked for is known where it holds.
func TestScoreInATitle(t *testing.T) {
	p, err := Load("p.yaml", []byte("rules:\n  - {name: a, when: journey.has_effort && journey.effort > 50.0, alert: {title: \"Effort ${string(journey.effort)}\"}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	j := journey(event.Voice, event.Features{})
	j.Scores.Effort = &event.Score{Value: 62.5}
	if d := p.Decide(moment.Of(j)); len(d) != 1 || len(d[0].Alerts) != 1 || d[0].Alerts[0].Title != "Effort 62.5" {
		t.Errorf("decided %+v", d)
	}
}

// TestEndlessFile reads a policy from what never ends.
func TestEndlessFile(t *testing.T) {
	if _, err := LoadFile("/dev/zero"); err == nil || !strings.Contains(err.Error(), "has more than 1048576 bytes") {
		t.Errorf("got %v", err)
	}
}

func TestEveryErrorIsTold(t *testing.T) {
	_, err := Load("p.yaml", []byte("rules:\n  - {name: a, when: turn.mood, alert: {title: x, severity: loud}}\n  - {name: b, when: turn.face, alert: {title: x}}\n"))
	if n := len(flaw.All(err)); n != 3 {
		t.Errorf("%d errors are told, want 3: %v", n, err)
	}
}

func TestRuleThatCostsTooMuchIsAnErrorOfTheRule(t *testing.T) {
	// How many words a text has cannot be told when the rule is loaded.
	p, err := Load("p.yaml", []byte(`rules:
  - name: endless
    when: turn.text.split(" ").all(a, turn.text.split(" ").all(b, turn.text.split(" ").all(c, a + b + c != "x")))
    alert: {title: x}
  - name: growing
    when: turn.text.split("").map(x, turn.text.replace(x, turn.text)).size() > 3
    alert: {title: x}
  - name: growing together
    when: turn.text.split("").map(x, turn.text).join(turn.text) != ""
    alert: {title: x}
  - name: fine
    when: "true"
    alert: {title: "${turn.text.split(' ')[0].replace('w', 'W')} ${'%.2f'.format([turn.sentiment])}"}
  - name: fine too
    when: journey.intents.join(", ").replace("_", " ").size() >= 0 && !turn.text.replace("-", "").says("no")
    alert: {title: y}
`))
	if err != nil {
		t.Fatal(err)
	}
	f := event.Features{Turn: event.Turn{Text: strings.Repeat("word ", 400)}}
	d := p.Decide(moment.Of(journey(event.Voice, f)))
	if len(d) != 5 {
		t.Fatalf("%d rules decided, want all", len(d))
	}
	for k, fails := range []bool{true, true, true, false, false} {
		if (d[k].Err() != nil) != fails {
			t.Errorf("%s: %v, want it to fail: %v", d[k].Rule, d[k].Err(), fails)
		}
	}
	if a := d[3].Alerts; len(a) != 1 || a[0].Title != "Word 0.00" {
		t.Errorf("the title is %+v", a)
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
			p.Decide(moment.Of(journey(event.Voice, event.Features{})))
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
		p.Decide(moment.Of(j))
	}
}
