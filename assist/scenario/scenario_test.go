package scenario_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"throughline/assist"
	"throughline/assist/scenario"
	"throughline/event"
	"throughline/journey"
)

// parts understand nothing but what a scenario gives.
func parts() scenario.Parts {
	return scenario.Parts{
		Understand: func(_ context.Context, t event.Turn) (event.Features, error) {
			return event.Features{ID: event.ID("f", t.ID), Turn: t}, nil
		},
		Fold: func() (scenario.Fold, error) { return journey.OpenShard(journey.Config{}) },
	}
}

const angry = `scenarios:
  - name: angry
    steps:
      - {open: a, direction: inbound}
      - {customer: "no!", sentiment: -0.9}
      - {customer: "no!!", sentiment: -0.9}
`

func TestRunFindsWhatDiffers(t *testing.T) {
	for name, c := range map[string]struct {
		when, expect string
		problems     []string // beginnings
		purpose      bool
	}{
		"alike":                     {when: "turn.sentiment < -0.5"},
		"as expected":               {when: "turn.sentiment < -0.5", expect: "[{rule: r, step: 2}]"},
		"by the kind of turn":       {when: `turn.sentiment < -0.5 && turn.kind == "utterance"`, problems: []string{"r decides otherwise from channel to channel"}},
		"by the channel":            {when: `turn.sentiment < -0.5 && turn.channel != "sms"`, purpose: true},
		"expected on some channels": {when: `turn.sentiment < -0.5 && turn.channel in ["sms", "email"]`, expect: "[{rule: r, channels: [sms, email]}]", purpose: true},
		"unexpected on a channel":   {when: `turn.sentiment < -0.5 && turn.channel in ["sms", "email"]`, expect: "[{rule: r, channels: [sms]}]", problems: []string{"r was not expected on email, and did 2 alert"}, purpose: true},
		"too late":                  {when: "turn.sentiment < -0.5", expect: "[{rule: r, step: 3}]", problems: slices.Repeat([]string{"r was expected at step 3 on "}, 5)},
		"not at all":                {when: "false", expect: "[{rule: r}]", problems: slices.Repeat([]string{"r was expected on "}, 5)},
		"unexpected":                {when: "turn.scored", expect: "[]", problems: slices.Repeat([]string{"r was not expected on "}, 5)},
		"no such rule":              {when: "false", expect: "[{rule: q}]", problems: []string{"q is expected and is no rule"}},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := assist.Load("p.yaml", []byte("rules:\n  - {name: r, when: '"+c.when+"', alert: {title: x}}\n"))
			if err != nil {
				t.Fatal(err)
			}
			text := angry
			if c.expect != "" {
				text += "    expect: " + c.expect + "\n"
			}
			all, err := scenario.Parse("s.yaml", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			res, err := scenario.Run(context.Background(), all[0], p, parts())
			if err != nil {
				t.Fatal(err)
			}
			if len(res.Problems) != len(c.problems) {
				t.Fatalf("problems %q, want %q", res.Problems, c.problems)
			}
			for i, begin := range c.problems {
				if !strings.HasPrefix(res.Problems[i], begin) {
					t.Errorf("problem %q, want %q", res.Problems[i], begin)
				}
			}
			if c.purpose && (len(res.Rows) != 1 || !res.Rows[0].Purpose) {
				t.Errorf("rows %+v, want one that differs on purpose", res.Rows)
			}
		})
	}
}

func TestRuleThatFailsIsToldWithItsStep(t *testing.T) {
	p, err := assist.Load("p.yaml", []byte("rules:\n  - {name: r, when: 'turn.intents[0] == \"x\"', alert: {title: x}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	all, err := scenario.Parse("s.yaml", []byte(angry))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := scenario.Run(context.Background(), all[0], p, parts()); err == nil || !strings.Contains(err.Error(), "step 2: rule r") {
		t.Errorf("got %v, want the step and the rule", err)
	}
}

func TestParseNamesTheLine(t *testing.T) {
	steps := func(s string) string { return "scenarios:\n  - name: a\n    steps:\n      - " + s + "\n" }
	for name, c := range map[string]struct{ text, want string }{
		"empty":           {"scenarios: []", "scenarios is empty"},
		"no text":         {"", "scenarios is empty"},
		"unknown key":     {"scenarioss: []", `:1:1: unknown key "scenarioss"`},
		"not yaml":        {"scenarios: [", ":1:1: "},
		"misspelt":        {steps("{costumer: hello}"), `:4:1: unknown key "costumer"`},
		"nothing":         {steps("{after: 3s}"), "step 1 (line 4): is 0 things"},
		"two things":      {steps("{open: a, customer: b}"), "is 2 things"},
		"nothing open":    {steps("{customer: b}"), "begin with open"},
		"not open":        {steps("{open: a}\n      - {customer: b, in: c}"), `step 2 (line 5): in names "c"`},
		"no channel":      {steps("{open: a, channel: fax}"), `channel is "fax"`},
		"channel of turn": {steps("{open: a}\n      - {customer: b, channel: sms}"), "with open"},
		"no direction":    {steps("{open: a, direction: up}"), `direction is "up"`},
		"no change":       {steps("{open: a}\n      - {change: hung up}"), `step 2 (line 5): change is "hung up": use one of [joined held`},
		"no number":       {steps("{open: a}\n      - {customer: b, sentiment: .nan}"), "between -1 and 1"},
		"no steps":        {"scenarios:\n  - {name: a, steps: []}\n", "steps is empty"},
		"two documents":   {steps("{open: a}") + "---\nscenarios: []\n", ":6:1: a second document"},
		"back in time":    {steps("{open: a, after: -3s}"), "backwards"},
		"beyond":          {steps("{open: a}\n      - {customer: b, sentiment: 3}"), "between -1 and 1"},
		"no step":         {steps("{open: a}\n    expect: [{rule: r, step: 4}]"), "there is no step 4"},
		"no end":          {steps("{open: a}\n    expect: [{rule: r, ends: well}]"), `ends is "well"`},
		"expect nowhere":  {steps("{open: a}\n    expect: [{rule: r, channels: [fax]}]"), `"fax" is not a channel`},
	} {
		if _, err := scenario.Parse("s.yaml", []byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "s.yaml") {
			t.Errorf("%s: got %v, want it to say %q", name, err, c.want)
		}
	}
}

// TestScoresAndSilence decides on what the journey's own figures say, and on what
// time alone changes.
func TestScoresAndSilence(t *testing.T) {
	p, err := assist.Load("p.yaml", []byte(`rules:
  - {name: hard, on: any, when: journey.has_effort && journey.effort > 20.0, once: journey, alert: {title: x}}
  - {name: over, on: any, when: journey.state == "resolved", once: journey, alert: {title: x}}
`))
	if err != nil {
		t.Fatal(err)
	}
	all, err := scenario.Parse("s.yaml", []byte(`scenarios:
  - name: twice
    steps:
      - {open: a}
      - {customer: "no!", sentiment: -0.9}
      - {change: ended}
      - {open: b, after: 1h}
      - {customer: "no!!", sentiment: -0.9}
      - {change: ended}
      - {wait: 25h}
    expect:
      - {rule: hard, step: 4}
      - {rule: over, step: 7}
`))
	if err != nil {
		t.Fatal(err)
	}
	res, err := scenario.Run(context.Background(), all[0], p, parts())
	if err != nil || len(res.Problems) > 0 {
		t.Errorf("%v, problems %q", err, res.Problems)
	}
}

// TestTagsComeBack decides on a mark that another rule has set.
func TestTagsComeBack(t *testing.T) {
	p, err := assist.Load("p.yaml", []byte(`rules:
  - {name: marks, when: turn.sentiment < -0.5, tag: [angry]}
  - {name: sees, on: any, when: '"angry" in journey.tags', once: journey, alert: {title: x}}
`))
	if err != nil {
		t.Fatal(err)
	}
	all, err := scenario.Parse("s.yaml", []byte(angry))
	if err != nil {
		t.Fatal(err)
	}
	got, err := scenario.Play(context.Background(), all[0], p, parts(), event.SMS)
	if want := []scenario.Outcome{{Step: 2, Rule: "marks", Action: "tag"}, {Step: 2, Rule: "sees", Action: "alert"}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("did %v, %v; want %v", got, err, want)
	}
}
