package score

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"throughline/event"
)

var day = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)

func opened(t testing.TB) *Model {
	t.Helper()
	m, err := Open(Config{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// story is a journey of one contact in which little went wrong.
func story() event.Journey {
	bad := -0.2
	return event.Journey{ID: "j", Opened: day, Updated: day.Add(time.Hour), Turns: 6,
		Interactions: []event.InteractionState{{ID: "w", Channel: event.WhatsApp, Started: day, Last: day.Add(time.Hour), Turns: 6, Customer: 3, Words: 30, Sentiment: 0.5, Scored: 3}},
		Intents:      []event.OpenIntent{{Name: "order_status", Since: day, Mentions: 1}},
		Sentiment:    event.JourneySentiment{Overall: 0.5, Last: 0.1, Scored: 3},
		Recent:       []event.TurnDigest{{Role: event.Customer, Intent: "order_status"}, {Role: event.Agent, Score: &bad}}}
}

// call adds a contact by telephone.
func call(j *event.Journey) {
	j.Interactions = append(j.Interactions, event.InteractionState{ID: "v", Channel: event.Voice, Turns: 2, Customer: 1, Words: 9})
	j.Turns += 2
}

func TestBurdensPushOneWay(t *testing.T) {
	m := opened(t)
	two := 2
	minute, calls := int64(600e3), int64(900e3)
	for name, burden := range map[string]func(j *event.Journey){
		"transfer":    func(j *event.Journey) { j.Interactions[0].Transfers++ },
		"asked again": func(j *event.Journey) { j.Interactions[0].Reasks++ },
		"hold":        func(j *event.Journey) { j.Interactions[0].Holds++ },
		"hold time": func(j *event.Journey) {
			j.Interactions[0].Measures = &event.Measures{HoldMS: &minute, DurationMS: calls}
		},
		"further call":   call,
		"said again":     func(j *event.Journey) { j.Intents[0].Mentions++ },
		"late pickup":    func(j *event.Journey) { j.Interactions[0].Pickup = &two },
		"abandoned":      func(j *event.Journey) { j.Interactions[0].Outcome = event.Abandoned },
		"not delivered":  func(j *event.Journey) { j.Interactions[0].Delivered = "failed" },
		"back about it":  func(j *event.Journey) { j.Past = append(j.Past, event.PastJourney{Intents: []string{"order_status"}}) },
		"turn":           func(j *event.Journey) { j.Interactions[0].Customer++; j.Turns++ },
		"words":          func(j *event.Journey) { j.Interactions[0].Words += 40 },
		"a day of delay": func(j *event.Journey) { j.Updated = j.Updated.Add(24 * time.Hour) },
		"interruptions":  func(j *event.Journey) { j.Interactions[0].Measures = &event.Measures{AgentInterrupts: &two} },
		"complaint": func(j *event.Journey) {
			j.Intents = append(j.Intents, event.OpenIntent{Name: "complaint", Mentions: 1})
		},
		"leaving": func(j *event.Journey) {
			j.Intents = append(j.Intents, event.OpenIntent{Name: "churn_intent", Mentions: 1})
		},
		"angry turn": func(j *event.Journey) {
			i := &j.Interactions[0]
			i.Customer, i.Scored, i.Upset, j.Turns = i.Customer+1, i.Scored+1, i.Upset+1, j.Turns+1
			j.Sentiment.Overall = (j.Sentiment.Overall*3 - 5) / 4
			j.Sentiment.Last = -1
		},
	} {
		t.Run(name, func(t *testing.T) {
			j := story()
			before := m.Score(&j)
			burden(&j)
			after := m.Score(&j)
			if after.Effort.Value < before.Effort.Value {
				t.Errorf("effort fell from %v to %v", before.Effort.Value, after.Effort.Value)
			}
			if after.Satisfaction.Value > before.Satisfaction.Value {
				t.Errorf("satisfaction rose from %v to %v", before.Satisfaction.Value, after.Satisfaction.Value)
			}
			if after.Escalation.Value < before.Escalation.Value || after.Churn.Value < before.Churn.Value {
				t.Errorf("risks fell: escalation %v to %v, churn %v to %v", before.Escalation.Value, after.Escalation.Value, before.Churn.Value, after.Churn.Value)
			}
			if after.Resolution.Value > before.Resolution.Value {
				t.Errorf("resolution rose from %v to %v", before.Resolution.Value, after.Resolution.Value)
			}
		})
	}
}

func TestScoresMoveWithTheirReasons(t *testing.T) {
	m, calm, hard := opened(t), story(), story()
	call(&hard)
	hard.Interactions[1].Transfers, hard.Interactions[1].Reasks, hard.Interactions[1].Upset = 2, 3, 2
	hard.Sentiment.Overall, hard.Sentiment.Last = -3, -0.9
	a, b := m.Score(&calm), m.Score(&hard)
	if b.Effort.Value < a.Effort.Value+20 || b.Satisfaction.Value > a.Satisfaction.Value-0.5 || b.Churn.Value < a.Churn.Value+0.05 {
		t.Errorf("calm %+v %+v, hard %+v %+v", a.Effort, a.Satisfaction, b.Effort, b.Satisfaction)
	}
	if top := b.Effort.Moved[0].Name; top != "asked again" {
		t.Errorf("effort was moved most by %q: %+v", top, b.Effort.Moved)
	}
	for _, s := range []*event.Score{b.Effort, b.Satisfaction, b.Escalation, b.Churn} {
		if s.Model == "" || len(s.Moved) == 0 {
			t.Errorf("%+v has no model or no reasons", s)
		}
		for k := 1; k < len(s.Moved); k++ {
			if math.Abs(s.Moved[k].Push) > math.Abs(s.Moved[k-1].Push) {
				t.Errorf("reasons out of order: %+v", s.Moved)
			}
		}
	}
}

// TestEffortIsAsDocumented holds docs/metrics.md to the weights in force.
func TestEffortIsAsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), "(`"+EffortVersion+"`)") {
		t.Errorf("docs/metrics.md does not speak of %s", EffortVersion)
	}
	for _, l := range loads() {
		row := regexp.MustCompile(`(?m)^\| ` + l.name + ` \| ` + strconv.FormatFloat(l.weight, 'f', -1, 64) + `0* \|`)
		if !row.Match(page) {
			t.Errorf("docs/metrics.md has no row of %q with weight %v", l.name, l.weight)
		}
	}
	transferred := tally{customer: 1, transfers: 1}
	twice := tally{customer: 1, contacts: 2}
	both := tally{customer: 1, contacts: 2, transfers: 1}
	m := opened(t)
	easy := m.effort(&tally{customer: 1}).Value
	for name, c := range map[string]struct {
		t    *tally
		want float64
	}{"one transfer": {&transferred, 21}, "a second contact": {&twice, 20}, "both": {&both, 37}} {
		if got := m.effort(c.t).Value - easy; math.Abs(got-c.want) > 1 {
			t.Errorf("%s: %v points more, documented %v", name, got, c.want)
		}
	}
}

func TestUnknownIsNil(t *testing.T) {
	m := opened(t)
	if s := m.Score(&event.Journey{}); s != (event.Scores{}) {
		t.Errorf("of an empty journey %+v", s)
	}
	j := event.Journey{Interactions: []event.InteractionState{{Channel: event.SMS}, {Channel: event.Voice}}}
	if s := m.Score(&j); s.Effort == nil || s.Churn != nil || s.Satisfaction != nil {
		t.Errorf("of two contacts without words %+v", s)
	}
	j = event.Journey{Turns: 1, Interactions: []event.InteractionState{{Customer: 1}}}
	if s := m.Score(&j); s.Effort == nil || s.Escalation == nil || s.Satisfaction != nil || s.Resolution != nil {
		t.Errorf("before an answer and without an intent %+v", s)
	}
}

func TestOpenNamesTheFix(t *testing.T) {
	good, err := os.ReadFile("model/scores.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ old, new, want string }{
		"features":   {`"mood",`, ``, "fit the model again"},
		"order":      {`"mood",`, `"food",`, `want "mood"`},
		"version":    {`"version": "`, `"was": "`, "version is missing"},
		"no model":   {`"churn"`, `"burn"`, "churn wants"},
		"odd number": {`"cuts": [`, `"cuts": [1e9,`, "escalation"},
		"no JSON":    {`{`, `[`, "journey.scores.model"},
	} {
		path := filepath.Join(t.TempDir(), "scores.json")
		if err := os.WriteFile(path, []byte(strings.Replace(string(good), c.old, c.new, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(Config{Model: path}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
	if _, err := Open(Config{Model: "testdata/nowhere.json"}); err == nil {
		t.Error("no file, and no error")
	}
}

// FuzzScore throws odd journeys at the scores: every number stays in its range.
func FuzzScore(f *testing.F) {
	for _, j := range []event.Journey{{}, story(), {Turns: -3}, {Opened: day}} {
		seed, err := json.Marshal(j)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(seed)
	}
	f.Add([]byte(`{"turns":9000000000,"interactions":[{"customer_turns":-5,"transfers":-9,"words":-1,"measures":{"duration_ms":-1,"hold_ms":-9,"non_talk_ms":5}},{"customer_turns":99,"pickup":-2}],"sentiment":{"overall":1e300,"last":-1e300},"past":[{"sentiment":1e308}]}`))
	m, err := Open(Config{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var j event.Journey
		if json.Unmarshal(data, &j) != nil {
			return
		}
		check(t, m.Score(&j))
		j.Sentiment.Overall, j.Sentiment.Last = math.NaN(), math.Inf(1)
		check(t, m.Score(&j))
	})
}

func check(t *testing.T, s event.Scores) {
	t.Helper()
	for name, c := range map[string]struct {
		s        *event.Score
		from, to float64
	}{"effort": {s.Effort, 0, 100}, "escalation": {s.Escalation, 0, 1}, "churn": {s.Churn, 0, 1}, "satisfaction": {s.Satisfaction, 1, 5}, "resolution": {s.Resolution, 0, 1}} {
		if c.s == nil {
			continue
		}
		if !(c.s.Value >= c.from && c.s.Value <= c.to) {
			t.Errorf("%s is %v", name, c.s.Value)
		}
		for _, m := range c.s.Moved {
			if math.IsNaN(m.Push) || math.IsInf(m.Push, 0) {
				t.Errorf("%s was moved by %+v", name, m)
			}
		}
	}
}

// busy is a journey with all its bounded lists full.
func busy() event.Journey {
	j := story()
	for len(j.Interactions) < 50 {
		call(&j)
	}
	for len(j.Intents) < 20 {
		j.Intents = append(j.Intents, event.OpenIntent{Name: "delivery_late", Mentions: 2})
	}
	for len(j.Past) < 10 {
		j.Past = append(j.Past, event.PastJourney{Intents: []string{"refund_request", "order_status"}, Sentiment: -1})
	}
	for len(j.Recent) < 12 {
		j.Recent = append(j.Recent, event.TurnDigest{Role: event.Agent})
	}
	return j
}

func BenchmarkScore(b *testing.B) {
	m := opened(b)
	for name, j := range map[string]event.Journey{"short": story(), "full": busy()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m.Score(&j)
			}
		})
	}
}
