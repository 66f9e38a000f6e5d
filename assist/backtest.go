package assist

import (
	"cmp"
	"context"
	"fmt"
	"hash/maphash"
	"slices"
	"time"

	"throughline/event"
	"throughline/moment"
)

// History is what happened, as the store keeps it.
type History interface {
	// Moments reads columns of what policy saw, in no order, where SQL holds.
	Moments(ctx context.Context, columns []moment.Column, where string, visit func(*moment.Moment) error) error
	// Judged reads what people thought of the alerts and suggestions of a
	// tenant's rules: good or not, by rule and interaction.
	Judged(ctx context.Context, tenant string, since, until time.Time, visit func(rule, interaction string, good bool) error) error
}

// Question says what a back-test is about.
type Question struct {
	Tenant   string
	Since    time.Time // inclusive
	Until    time.Time // exclusive
	Rules    []string  // names; empty: all
	Examples int       // kept of each rule
	Words    bool      // examples carry the turn's cleared words
}

// Tried is what a rule would have done, had it been in force from Since on.
type Tried struct {
	Rule        string            `json:"rule"`
	Actions     []string          `json:"actions"`
	Matches     int               `json:"matches"`      // changes of journeys that the condition held for
	Fired       int               `json:"fired"`        // after once
	Customers   int               `json:"customers"`    // whom it fired on
	Failed      int               `json:"failed"`       // changes that the condition could not be evaluated on
	Days        map[string]int    `json:"days"`         // fired, by day (UTC)
	Channels    map[string]int    `json:"channels"`     // fired, by channel
	Examples    []Example         `json:"examples"`     // the latest
	Judged      int               `json:"judged"`       // fired where people judged an alert or suggestion of a rule of this name
	FalseAlarms int               `json:"false_alarms"` // of them dismissed, or not correct
	Disclosures *TriedDisclosures `json:"disclosures,omitempty"`
	Against     *Difference       `json:"against,omitempty"`
	Narrowed    string            `json:"narrowed"` // what the store was asked for, in SQL
	Read        int               `json:"read"`     // rows that it gave

	scopes map[key]first
}

// TriedDisclosures is what would have become of the disclosures required.
type TriedDisclosures struct {
	Met    int `json:"met"`
	Missed int `json:"missed"`
	Void   int `json:"void"` // the interaction ended before the deadline
}

// Difference is how often a rule fires where another policy's rule of the same
// name does not.
type Difference struct {
	Version string `json:"version"`
	Fired   int    `json:"fired"` // by the other
	Both    int    `json:"both"`
	Only    int    `json:"only"` // by this one alone
	Lost    int    `json:"lost"` // by the other alone
}

// Example is a decision that would have been made. References, not words,
// unless they were asked for.
type Example struct {
	At          time.Time         `json:"at"`
	Customer    string            `json:"customer"`
	Journey     string            `json:"journey"`
	Interaction string            `json:"interaction"`
	Turn        string            `json:"turn,omitempty"`
	Channel     string            `json:"channel"`
	Evidence    map[string]string `json:"evidence"`
	Words       string            `json:"words,omitempty"`
}

// key stands for an id: 128 bits of hash, so that millions fit and none collide.
type key [2]uint64

// first is the match that fires of a scope's matches: the one decided first.
type first struct {
	version  uint64
	at       time.Time
	channel  string
	customer key
	place    key // the interaction
}

// Backtest tells what the rules would have done with what happened: it asks the
// store for what may match, decides with the rules themselves, and fires once.
func (p *Policy) Backtest(ctx context.Context, h History, q Question) ([]Tried, error) {
	for _, name := range q.Rules {
		if !slices.Contains(p.Rules(), name) {
			return nil, fmt.Errorf("rule %q is not in the policy: there are %v", name, p.Rules())
		}
	}
	t := trial{history: h, question: q, seeds: seeds()}
	return t.try(ctx, p)
}

// Compare is Backtest of p with the differences to the policy in force.
func (p *Policy) Compare(ctx context.Context, h History, q Question, active *Policy) ([]Tried, error) {
	for _, name := range q.Rules {
		if !slices.Contains(p.Rules(), name) && !slices.Contains(active.Rules(), name) {
			return nil, fmt.Errorf("rule %q is in neither policy", name)
		}
	}
	t := trial{history: h, question: q, seeds: seeds()}
	tried, err := t.try(ctx, p)
	if err != nil {
		return nil, err
	}
	t.question.Examples = 0
	before, err := t.try(ctx, active)
	if err != nil {
		return nil, err
	}
	for _, b := range before {
		k := slices.IndexFunc(tried, func(t Tried) bool { return t.Rule == b.Rule })
		if k < 0 { // a rule that is no more
			tried = append(tried, Tried{Rule: b.Rule, Actions: b.Actions, Days: map[string]int{}, Channels: map[string]int{}})
			k = len(tried) - 1
		}
		d := &Difference{Version: active.Version, Fired: b.Fired}
		for scope := range b.scopes {
			if _, also := tried[k].scopes[scope]; also {
				d.Both++
			}
		}
		d.Lost, d.Only = b.Fired-d.Both, tried[k].Fired-d.Both
		tried[k].Against = d
	}
	for k := range tried {
		if tried[k].Against == nil {
			tried[k].Against = &Difference{Version: active.Version, Only: tried[k].Fired}
		}
	}
	return tried, nil
}

// trial is one back-test.
type trial struct {
	history  History
	question Question
	seeds    [2]maphash.Seed
}

func seeds() [2]maphash.Seed { return [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()} }

func (t *trial) key(id string) key {
	return key{maphash.String(t.seeds[0], id), maphash.String(t.seeds[1], id)}
}

func (t *trial) try(ctx context.Context, p *Policy) ([]Tried, error) {
	var out []Tried
	for k := range p.rules {
		r := &p.rules[k]
		if len(t.question.Rules) > 0 && !slices.Contains(t.question.Rules, r.Name) {
			continue
		}
		tried, err := t.rule(ctx, r)
		if err != nil {
			return nil, fmt.Errorf("back-test of rule %s: %w", r.Name, err)
		}
		out = append(out, tried)
	}
	return out, t.judge(ctx, out)
}

// rule tries one rule.
func (t *trial) rule(ctx context.Context, r *rule) (Tried, error) {
	out := Tried{Rule: r.Name, Days: map[string]int{}, Channels: map[string]int{}, scopes: map[key]first{}, Narrowed: narrow(r.When)}
	for _, a := range r.actions() {
		out.Actions = append(out.Actions, a.name())
	}
	where := t.span() + " AND " + out.Narrowed
	switch r.On {
	case "turn", "interaction":
		where += " AND cause_type = " + quote(r.On)
	}
	if !r.History {
		where += " AND NOT historic"
	}
	var examples []Example
	err := t.history.Moments(ctx, t.columnsFor(r), where, func(m *moment.Moment) error {
		out.Read++
		holds, err := r.holds(m)
		if err != nil {
			out.Failed++
			return nil
		}
		if !holds {
			return nil
		}
		out.Matches++
		scope := t.key(r.scope(m))
		if before, twice := out.scopes[scope]; twice && before.version <= m.Version {
			return nil
		}
		out.scopes[scope] = first{m.Version, m.Now, m.Interaction.Channel, t.key(m.Customer.ID), t.key(m.Interaction.ID)}
		examples = t.keep(examples, r, m)
		return nil
	})
	if err != nil {
		return out, err
	}
	out.Fired = len(out.scopes)
	customers := map[key]struct{}{}
	for _, f := range out.scopes {
		out.Days[f.at.Format(time.DateOnly)]++
		out.Channels[f.channel]++
		customers[f.customer] = struct{}{}
	}
	out.Customers, out.Examples = len(customers), examples
	if r.Disclose != nil {
		out.Disclosures, err = t.disclosures(ctx, r.Disclose, out.scopes)
	}
	return out, err
}

// span is the part of the store that is asked.
func (t *trial) span() string {
	q := t.question
	return fmt.Sprintf("tenant = %s AND now >= fromUnixTimestamp64Milli(toInt64(%d), 'UTC') AND now < fromUnixTimestamp64Milli(toInt64(%d), 'UTC')",
		quote(q.Tenant), q.Since.UnixMilli(), q.Until.UnixMilli())
}

// columnsFor lists those that the rule asks for, and those that tell where it fires.
func (t *trial) columnsFor(r *rule) []moment.Column {
	names := []string{"version", "cause", "cause_type", "historic", "now", "customer_id", "journey_id", "interaction_id", "interaction_channel", "turn_id"}
	if t.question.Words {
		names = append(names, "turn_text")
	}
	asked := columnsOf(r.When)
	return slices.DeleteFunc(slices.Concat(moment.Facts(), moment.Columns()), func(c moment.Column) bool {
		return !slices.Contains(names, c.Name()) && !slices.ContainsFunc(asked, func(a moment.Column) bool { return a.Name() == c.Name() })
	})
}

// keep keeps m among the latest examples, one a scope.
func (t *trial) keep(examples []Example, r *rule, m *moment.Moment) []Example {
	examples = slices.DeleteFunc(examples, func(x Example) bool {
		return r.Once == "journey" && x.Journey == m.Journey.ID || r.Once == "interaction" && x.Interaction == m.Interaction.ID
	})
	n := t.question.Examples
	if n == 0 || len(examples) == n && m.Now.Before(examples[n-1].At) {
		return examples
	}
	e := Example{At: m.Now, Customer: m.Customer.ID, Journey: m.Journey.ID, Interaction: m.Interaction.ID, Turn: m.Turn.ID,
		Channel: m.Interaction.Channel, Evidence: r.proof(m)}
	if t.question.Words {
		e.Words = m.Turn.Text
	}
	examples = append(examples, e)
	slices.SortStableFunc(examples, func(a, b Example) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.Interaction, b.Interaction)) })
	return examples[:min(n, len(examples))]
}

// disclosures listens to what the centre's side said where one was required,
// and looks where the interaction ended before the deadline.
func (t *trial) disclosures(ctx context.Context, a *discloseAction, required map[key]first) (*TriedDisclosures, error) {
	l, due := newLedger(), map[key]time.Time{}
	for _, f := range required {
		due[f.place] = f.at.Add(a.Within)
	}
	state := map[string]event.DisclosureState{}
	said := t.span() + " AND cause_type = 'turn' AND turn_role != 'customer' AND turn_text != '' ORDER BY now, version"
	err := t.history.Moments(ctx, columnsNamed("turn_id", "turn_text", "turn_role", "now", "interaction_id"), said, func(m *moment.Moment) error {
		id := m.Interaction.ID
		by, owes := due[t.key(id)]
		if !owes || m.Now.After(by) {
			return nil
		}
		if state[id] == "" {
			state[id] = event.DisclosureRequired
			l.put(event.Disclosure{ID: id, Interaction: id, State: event.DisclosureRequired, Due: by, Say: a.Say})
		}
		if len(l.hear(id, m.Turn.ID, m.Turn.Text, event.Role(m.Turn.Role), m.Now)) > 0 {
			state[id] = event.DisclosureMet
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	over := t.span() + " AND cause_type = 'interaction' AND interaction_ended"
	err = t.history.Moments(ctx, columnsNamed("now", "interaction_id"), over, func(m *moment.Moment) error {
		id := m.Interaction.ID
		if by, owes := due[t.key(id)]; owes && state[id] != event.DisclosureMet && m.Now.Before(by) {
			state[id] = event.DisclosureVoid
		}
		return nil
	})
	out := &TriedDisclosures{}
	for _, s := range state {
		switch s {
		case event.DisclosureMet:
			out.Met++
		case event.DisclosureVoid:
			out.Void++
		}
	}
	out.Missed = len(due) - out.Met - out.Void
	return out, err
}

func columnsNamed(names ...string) []moment.Column {
	return slices.DeleteFunc(moment.Columns(), func(c moment.Column) bool { return !slices.Contains(names, c.Name()) })
}

// judge counts what people thought of what rules of the same names did there.
func (t *trial) judge(ctx context.Context, tried []Tried) error {
	places := map[string]map[key]bool{}
	for _, r := range tried {
		places[r.Rule] = map[key]bool{}
		for _, f := range r.scopes {
			places[r.Rule][f.place] = true
		}
	}
	return t.history.Judged(ctx, t.question.Tenant, t.question.Since, t.question.Until, func(rule, interaction string, good bool) error {
		if !places[rule][t.key(interaction)] {
			return nil
		}
		k := slices.IndexFunc(tried, func(r Tried) bool { return r.Rule == rule })
		tried[k].Judged++
		if !good {
			tried[k].FalseAlarms++
		}
		return nil
	})
}
