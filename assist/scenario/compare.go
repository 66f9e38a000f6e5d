package scenario

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"throughline/assist"
	"throughline/event"
)

// Result is a scenario played over every channel.
type Result struct {
	Scenario string
	Rows     []Row
	Problems []string // why it fails; none: it passes
}

// Row is one rule in a scenario: what it did on each channel, at which steps.
type Row struct {
	Rule     string
	Did      map[event.Channel][]Outcome
	Purpose  bool // it differs because the rule asks for the channel
	Differs  bool
	Expected bool
}

// Run plays s over every channel and says where decisions differ from channel to
// channel, or from what was expected.
func Run(ctx context.Context, s Scenario, p *assist.Policy, parts Parts) (Result, error) {
	res := Result{Scenario: s.Name}
	rows := map[string]*Row{}
	for _, e := range s.Expect {
		if !slices.Contains(p.Rules(), e.Rule) {
			res.Problems = append(res.Problems, fmt.Sprintf("%s is expected and is no rule of the policy", e.Rule))
		}
		rows[e.Rule] = &Row{Rule: e.Rule, Did: map[event.Channel][]Outcome{}, Expected: true}
	}
	for _, c := range Channels() {
		outcomes, err := Play(ctx, s, p, parts, c)
		if err != nil {
			return res, err
		}
		for _, o := range outcomes {
			if rows[o.Rule] == nil {
				rows[o.Rule] = &Row{Rule: o.Rule, Did: map[event.Channel][]Outcome{}}
			}
			rows[o.Rule].Did[c] = append(rows[o.Rule].Did[c], o)
		}
	}
	for _, rule := range p.Rules() {
		row := rows[rule]
		if row == nil {
			continue
		}
		first := row.Did[Channels()[0]]
		row.Differs = slices.ContainsFunc(Channels(), func(c event.Channel) bool { return !slices.Equal(row.Did[c], first) })
		row.Purpose = row.Differs && p.NamesChannel(rule)
		if row.Differs && !row.Purpose {
			res.Problems = append(res.Problems, fmt.Sprintf("%s decides otherwise from channel to channel, and does not ask for the channel: %s", rule, row.told()))
		}
		res.Problems = append(res.Problems, s.judge(row)...)
		res.Rows = append(res.Rows, *row)
	}
	return res, nil
}

// judge compares a row with what was expected of it.
func (s Scenario) judge(row *Row) []string {
	if s.Expect == nil {
		return nil
	}
	var problems []string
	wants := slices.DeleteFunc(slices.Clone(s.Expect), func(e Expect) bool { return e.Rule != row.Rule })
	for _, c := range Channels() {
		wanted := false
		for _, e := range wants {
			if len(e.Channels) > 0 && !slices.Contains(e.Channels, c) {
				continue
			}
			wanted = true
			if !slices.ContainsFunc(row.Did[c], func(o Outcome) bool {
				return (e.Step == 0 || o.Step == e.Step) && (e.Ends == "" || o.Action == e.Ends)
			}) {
				problems = append(problems, fmt.Sprintf("%s was expected%s on %s, and did %s", row.Rule, e.when(), c, did(row.Did[c])))
			}
		}
		if !wanted && len(row.Did[c]) > 0 {
			problems = append(problems, fmt.Sprintf("%s was not expected on %s, and did %s", row.Rule, c, did(row.Did[c])))
		}
	}
	return problems
}

func (e Expect) when() string {
	out := ""
	if e.Ends != "" {
		out += " to end " + e.Ends
	}
	if e.Step > 0 {
		out += fmt.Sprintf(" at step %d", e.Step)
	}
	return out
}

func (r *Row) told() string {
	var out []string
	for _, c := range Channels() {
		out = append(out, string(c)+" "+did(r.Did[c]))
	}
	return strings.Join(out, "; ")
}

// did tells what a rule did, step by step: "3 alert suggest".
func did(outcomes []Outcome) string {
	if len(outcomes) == 0 {
		return "nothing"
	}
	var out []string
	for i, o := range outcomes {
		if i == 0 || outcomes[i-1].Step != o.Step {
			out = append(out, fmt.Sprint(o.Step))
		}
		out = append(out, o.Action)
	}
	return strings.Join(out, " ")
}

// Told is what the rule did on a channel, in words; empty: nothing.
func (r *Row) Told(c event.Channel) string {
	if len(r.Did[c]) == 0 {
		return ""
	}
	return did(r.Did[c])
}

// Same tells whether every channel decided alike.
func (r *Row) Same() bool { return !r.Differs }
