package score

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"os"

	"throughline/event"
)

//go:embed model/scores.json
var shipped []byte

// The defaults of Config.
const DefaultThanks = "thanks"

// Config names the intents that scores look for, and the model.
type Config struct {
	Model    string   `yaml:"model" doc:"path of a scores.json fitted to one's own outcomes; empty: the shipped one"`
	Pressing []string `yaml:"pressing" default:"complaint,escalation_threat,speak_to_human" doc:"intents that tell of a customer who presses"`
	Leaving  []string `yaml:"leaving" default:"churn_intent,cancel_service,account_close" doc:"intents that tell of a customer who wants to leave"`
	Thanks   string   `yaml:"thanks" default:"thanks" doc:"the intent of giving thanks"`
}

func (c Config) withDefaults() Config {
	if c.Pressing == nil {
		c.Pressing = []string{"complaint", "escalation_threat", "speak_to_human"}
	}
	if c.Leaving == nil {
		c.Leaving = []string{"churn_intent", "cancel_service", "account_close"}
	}
	if c.Thanks == "" {
		c.Thanks = DefaultThanks
	}
	return c
}

// File is scores.json: the fitted models and what they are.
type File struct {
	Version      string   `json:"version"`  // stored beside each value
	Features     []string `json:"features"` // Names() when it was fitted
	Escalation   *Ordinal `json:"escalation"`
	Churn        *Ordinal `json:"churn"`
	Satisfaction *Ordinal `json:"satisfaction"` // levels 1…5
	Resolution   *Ordinal `json:"resolution"`
}

// Model scores journeys. It is safe for concurrent use.
type Model struct {
	cfg   Config
	file  File
	loads []load
	names []string
}

// Open reads the model that cfg names, or the shipped one.
func Open(cfg Config) (*Model, error) {
	data := shipped
	if cfg.Model != "" {
		var err error
		if data, err = os.ReadFile(cfg.Model); err != nil {
			return nil, fmt.Errorf("journey.scores.model: %w", err)
		}
	}
	m := &Model{cfg: cfg.withDefaults(), loads: loads(), names: Names()}
	err := json.Unmarshal(data, &m.file)
	if err == nil {
		err = m.file.check()
	}
	if err != nil {
		return nil, fmt.Errorf("journey.scores.model %s is not what throughline score fit writes: %w", cfg.Model, err)
	}
	return m, nil
}

func (f *File) check() error {
	if f.Version == "" {
		return fmt.Errorf("scores.json: version is missing")
	}
	names := Names()
	if len(f.Features) != len(names) {
		return fmt.Errorf("scores.json: %d features; this program has %d: fit the model again", len(f.Features), len(names))
	}
	for k, name := range names {
		if f.Features[k] != name {
			return fmt.Errorf("scores.json: feature %d is %q, want %q: fit the model again", k+1, f.Features[k], name)
		}
	}
	for _, t := range targets() {
		o := *t.into(f)
		if o == nil || len(o.Weights) != size || len(o.Mean) != size || len(o.Cuts) != t.levels-1 {
			return fmt.Errorf("scores.json: %s wants %d weights, %d means and %d cuts", t.name, size, size, t.levels-1)
		}
		for _, some := range [][]float64{o.Weights, o.Mean, o.Cuts} {
			for _, v := range some {
				if math.IsNaN(v) || math.Abs(v) > 100 {
					return fmt.Errorf("scores.json: %s has the number %v; want −100 to 100", t.name, v)
				}
			}
		}
	}
	return nil
}

// File of the fitted models.
func (m *Model) File() File { return m.file }

// Score gives what can be said of j now. A score is nil where it cannot be known:
// effort until the customer spoke or came twice; escalation and churn until the
// customer spoke; satisfaction until the centre answered a customer who spoke;
// resolution until the customer wanted something.
func (m *Model) Score(j *event.Journey) event.Scores {
	t := m.cfg.count(j)
	s := event.Scores{Effort: m.effort(&t)}
	if t.customer == 0 {
		return s
	}
	x := m.cfg.features(j, &t)
	s.Escalation = m.predict(m.file.Escalation, &x)
	s.Churn = m.predict(m.file.Churn, &x)
	if t.centre > 0 {
		s.Satisfaction = m.predict(m.file.Satisfaction, &x)
		s.Satisfaction.Value++ // levels 0…4 are answers 1…5
	}
	if t.intents {
		s.Resolution = m.predict(m.file.Resolution, &x)
	}
	return s
}

// movedFrom is the smallest push in log-odds that is worth a word.
const movedFrom = 0.05

func (m *Model) predict(o *Ordinal, x *Vector) *event.Score {
	var push Vector
	margin := 0.0
	for k, v := range x {
		push[k] = o.push(k, v)
		margin += push[k]
	}
	return &event.Score{Value: round(o.Expected(margin)), Model: m.file.Version,
		Moved: strongest(push[:], func(k int) string { return m.names[k] }, movedFrom)}
}

// movedAtMost is how many factors a score names.
const movedAtMost = 3

// strongest are the largest pushes of at least from, biggest first.
func strongest(push []float64, name func(k int) string, from float64) []event.Factor {
	var top [movedAtMost]int
	n := 0
	for k, p := range push {
		if math.Abs(p) < from {
			continue
		}
		at := n
		for at > 0 && math.Abs(p) > math.Abs(push[top[at-1]]) {
			at--
		}
		if at == movedAtMost {
			continue
		}
		n = min(n+1, movedAtMost)
		copy(top[at+1:n], top[at:n-1])
		top[at] = k
	}
	if n == 0 {
		return nil
	}
	out := make([]event.Factor, n)
	for i := range out {
		out[i] = event.Factor{Name: name(top[i]), Push: round(push[top[i]])}
	}
	return out
}

// round keeps four digits behind the point: more are noise, and are stored each time.
func round(x float64) float64 { return math.Round(x*1e4) / 1e4 }
