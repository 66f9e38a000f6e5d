package scenario

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"throughline/event"
	"throughline/flaw"
)

//go:embed default.yaml
var shipped []byte

// Channels are those that a scenario is played over.
func Channels() []event.Channel {
	return []event.Channel{event.Voice, event.WhatsApp, event.WebChat, event.SMS, event.Email}
}

// Scenario is what a customer goes through, and what is to be decided on it.
type Scenario struct {
	Name   string   `yaml:"name"`
	Steps  []Step   `yaml:"steps"`
	Expect []Expect `yaml:"expect"` // nil: whatever is decided, on every channel alike
}

// Step is one thing that happens: an interaction opens, somebody speaks, the
// interaction changes, or time passes. Exactly one of Open, the speakers, Change
// and Wait is set.
type Step struct {
	Open      string        `yaml:"open"`      // name of an interaction that begins
	Channel   event.Channel `yaml:"channel"`   // for open: always this one; empty: the channel that is tested
	Direction string        `yaml:"direction"` // for open: inbound or outbound
	Customer  string        `yaml:"customer"`  // words
	Agent     string        `yaml:"agent"`     // words
	Bot       string        `yaml:"bot"`       // words
	Change    event.Change  `yaml:"change"`    // held, resumed, transferred, ended …
	Wait      time.Duration `yaml:"wait"`      // nothing happens for so long

	In    string        `yaml:"in"`    // name of the interaction; empty: the one opened last
	After time.Duration `yaml:"after"` // since the step before; zero: ten seconds

	// What is given here is not read out of the words.
	Sentiment *float64 `yaml:"sentiment"` // −1 to 1
	Intents   []string `yaml:"intents"`
	Emotions  []string `yaml:"emotions"`

	line int
}

// Expect is a rule that has to fire in a scenario.
type Expect struct {
	Rule     string          `yaml:"rule"`
	Step     int             `yaml:"step"`     // at which step, from 1; zero: at any
	Channels []event.Channel `yaml:"channels"` // on these and no others; empty: on all
	Ends     string          `yaml:"ends"`     // for a disclosure: met, missed or void
}

// Default gives the scenarios that are shipped, for the policy that is shipped.
func Default() ([]Scenario, error) { return Parse("default.yaml", shipped) }

// LoadFile reads scenarios.
func LoadFile(path string) ([]Scenario, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read scenarios: %w", err)
	}
	return Parse(path, b)
}

// Parse reads scenarios and says what is wrong with them, and on which line.
func Parse(name string, b []byte) ([]Scenario, error) {
	var file struct {
		Scenarios []Scenario `yaml:"scenarios"`
	}
	dec := yaml.NewDecoder(strings.NewReader(string(b)))
	dec.KnownFields(true)
	if err := dec.Decode(&file); err != nil && !errors.Is(err, io.EOF) {
		var problems []error
		for _, f := range flaw.OfYAML(err, flaw.Start()) {
			problems = append(problems, f)
		}
		return nil, flaw.In(name, errors.Join(problems...))
	}
	if err := flaw.Second(b); err != nil {
		return nil, flaw.In(name, err)
	}
	if len(file.Scenarios) == 0 {
		return nil, fmt.Errorf("%s: scenarios is empty: give at least one", name)
	}
	var problems []error
	for i, s := range file.Scenarios {
		if s.Name == "" {
			problems = append(problems, fmt.Errorf("%s: scenario %d has no name", name, i+1))
		}
		for _, err := range s.check() {
			problems = append(problems, fmt.Errorf("%s: scenario %q: %w", name, s.Name, err))
		}
	}
	return file.Scenarios, errors.Join(problems...)
}

// changes are what can become of an interaction that is open.
func changes() []event.Change {
	return []event.Change{event.Joined, event.Held, event.Resumed, event.Transferred, event.Delivery, event.Measured, event.Ended, event.Failed, event.Abandoned}
}

func (s Scenario) check() []error {
	var problems []error
	if len(s.Steps) == 0 {
		problems = append(problems, errors.New("steps is empty: give at least one"))
	}
	open := map[string]bool{}
	for i, step := range s.Steps {
		wrong := func(format string, args ...any) {
			problems = append(problems, fmt.Errorf("step %d (line %d): %s", i+1, step.line, fmt.Sprintf(format, args...)))
		}
		if n := step.kinds(); n != 1 {
			wrong("is %d things at once: give one of open, customer, agent, bot, change and wait", n)
		}
		switch {
		case step.Open != "":
			open[step.Open] = true
		case step.Wait == 0 && len(open) == 0:
			wrong("no interaction is open yet: begin with open")
		case step.In != "" && !open[step.In]:
			wrong("in names %q, which is not open", step.In)
		}
		if step.Channel != "" && (step.Open == "" || !slices.Contains(Channels(), step.Channel)) {
			wrong("channel is %q: use one of %v, with open", step.Channel, Channels())
		}
		if step.Direction != "" && (step.Open == "" || !slices.Contains([]string{"inbound", "outbound"}, step.Direction)) {
			wrong("direction is %q: use inbound or outbound, with open", step.Direction)
		}
		if step.Change != "" && !slices.Contains(changes(), step.Change) {
			wrong("change is %q: use one of %v; open begins an interaction", step.Change, changes())
		}
		if step.Wait < 0 || step.After < 0 {
			wrong("time does not run backwards")
		}
		if step.Sentiment != nil && !(*step.Sentiment >= -1 && *step.Sentiment <= 1) { // NaN is not either
			wrong("sentiment is not between -1 and 1")
		}
	}
	for _, e := range s.Expect {
		if e.Step < 0 || e.Step > len(s.Steps) {
			problems = append(problems, fmt.Errorf("expect %s: there is no step %d", e.Rule, e.Step))
		}
		if !slices.Contains([]string{"", "met", "missed", "void"}, e.Ends) {
			problems = append(problems, fmt.Errorf("expect %s: ends is %q: use met, missed or void", e.Rule, e.Ends))
		}
		for _, c := range e.Channels {
			if !slices.Contains(Channels(), c) {
				problems = append(problems, fmt.Errorf("expect %s: %q is not a channel: use %v", e.Rule, c, Channels()))
			}
		}
	}
	return problems
}

func (s Step) kinds() int {
	n := 0
	for _, is := range []bool{s.Open != "", s.Customer != "", s.Agent != "", s.Bot != "", s.Change != "", s.Wait != 0} {
		if is {
			n++
		}
	}
	return n
}

// UnmarshalYAML keeps the line for errors.
func (s *Step) UnmarshalYAML(n *yaml.Node) error {
	type plain Step
	if n.Kind == yaml.MappingNode {
		known := []string{"open", "channel", "direction", "customer", "agent", "bot", "change", "wait", "in", "after", "sentiment", "intents", "emotions"}
		for i := 0; i < len(n.Content); i += 2 {
			if key := n.Content[i]; !slices.Contains(known, key.Value) {
				return fmt.Errorf("line %d: unknown key %q of a step: there are %s", key.Line, key.Value, strings.Join(known, ", "))
			}
		}
	}
	if err := n.Decode((*plain)(s)); err != nil {
		return err
	}
	s.line = n.Line
	return nil
}

// speaker is who speaks at a step, and what.
func (s Step) speaker() (event.Role, string) {
	switch {
	case s.Customer != "":
		return event.Customer, s.Customer
	case s.Agent != "":
		return event.Agent, s.Agent
	}
	return event.Bot, s.Bot
}
