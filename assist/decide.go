package assist

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"throughline/event"
	"throughline/moment"
)

// Decision is a rule that fired, with what it wants done.
type Decision struct {
	Rule       string
	Alerts     []event.Alert // one an action
	Suggestion *event.Suggestion
	Disclosure *event.Disclosure

	errorOfRule error
}

// Err tells why a rule could not be evaluated.
func (d Decision) Err() error { return d.errorOfRule }

// Decide evaluates every rule on a moment. It knows no memory: whoever calls it
// drops what was done before, which has the same id. A rule that fails to
// evaluate gives a Decision with an error and no effect.
func (p *Policy) Decide(m *moment.Moment) []Decision {
	var out []Decision
	for k := range p.rules {
		r := &p.rules[k]
		holds, err := r.holds(m)
		if err == nil && !holds {
			continue
		}
		d := Decision{Rule: r.Name}
		if err == nil {
			err = r.act(p.Version, &d, m)
		}
		if err != nil {
			d = Decision{Rule: r.Name, errorOfRule: fmt.Errorf("rule %s: %w", r.Name, err)}
		}
		out = append(out, d)
	}
	return out
}

// holds tells whether the rule fires on m.
func (r *rule) holds(m *moment.Moment) (bool, error) {
	switch {
	case r.On == "turn" && m.Type != "turn", r.On == "interaction" && m.Type != "interaction", m.Historic && !r.History:
		return false, nil
	}
	v, err := r.When.eval(m)
	if err != nil {
		return false, fmt.Errorf("evaluate when: %w", err)
	}
	holds, _ := v.(bool)
	return holds, nil
}

// scope is what the rule decides once for.
func (r *rule) scope(m *moment.Moment) string {
	switch {
	case r.Once == "turn":
		return m.Cause
	case r.Once == "journey" || m.Interaction.ID == "":
		return m.Journey.ID
	}
	return m.Interaction.ID
}

// id of what the rule has done in its scope. It is made of what the rule says
// and not of the policy's version: putting another version in force does not
// repeat what an unchanged rule has done.
func (r *rule) id(prefix string, kind string, m *moment.Moment) string {
	return event.ID(prefix, m.Tenant, r.meaning, kind, r.scope(m))
}

func (r *rule) act(version string, d *Decision, m *moment.Moment) error {
	because := event.Rule{Name: r.Name, Version: version, Evidence: r.proof(m)}
	for _, a := range r.actions() {
		switch a := a.(type) {
		case alarm:
			alert := event.Alert{ID: r.id("a", string(a.kind()), m), Tenant: m.Tenant, Customer: m.Customer.ID, Journey: m.Journey.ID,
				Interaction: m.Interaction.ID, Turn: m.Turn.ID, Channel: event.Channel(m.Interaction.Channel), At: m.Now,
				Action: a.kind(), Queue: m.Interaction.Queue, Rule: because}
			if err := a.fill(&alert, m); err != nil {
				return fmt.Errorf("render %s.title: %w", a.name(), err)
			}
			d.Alerts = append(d.Alerts, alert)
		case *adviceAction:
			s, err := r.advise(a, m)
			if err != nil {
				return err
			}
			s.Rule, d.Suggestion = because, s
		case *discloseAction:
			title, err := a.Title.render(m)
			if err != nil {
				return fmt.Errorf("render disclose.title: %w", err)
			}
			d.Disclosure = &event.Disclosure{ID: r.id("d", a.name(), m), Tenant: m.Tenant, Customer: m.Customer.ID, Journey: m.Journey.ID,
				Interaction: m.Interaction.ID, Channel: event.Channel(m.Interaction.Channel), Agent: m.Interaction.Agent, State: event.DisclosureRequired,
				At: m.Now, Due: m.Now.Add(a.Within), Severity: a.Severity, Title: title, Say: a.Say, Rule: because}
		}
	}
	return nil
}

func (r *rule) advise(a *adviceAction, m *moment.Moment) (*event.Suggestion, error) {
	title, err := a.Title.render(m)
	if err != nil {
		return nil, fmt.Errorf("render suggest.title: %w", err)
	}
	body, err := a.Body.render(m)
	if err != nil {
		return nil, fmt.Errorf("render suggest.body: %w", err)
	}
	s := &event.Suggestion{ID: r.id("s", a.name(), m), Tenant: m.Tenant, Customer: m.Customer.ID, Journey: m.Journey.ID,
		Interaction: m.Interaction.ID, Turn: m.Turn.ID, Channel: event.Channel(m.Interaction.Channel), Agent: m.Interaction.Agent, At: m.Now,
		Kind: a.Kind, Title: title, Body: body, Rank: a.Rank, Source: "policy"}
	if a.Expires > 0 {
		s.Expires = m.Now.Add(a.Expires)
	}
	return s, nil
}

// field is one value that a condition asks for.
type field struct {
	name string // as in the rule: turn.sentiment
	of   func(*moment.Moment) any
}

// fieldsOf lists what a condition asks for, in the order of the columns. The
// words of a turn are no evidence: evidence is references and figures.
func fieldsOf(e expression) []field {
	var out []field
	for _, c := range moment.Columns() {
		name := c.Part + "." + c.Field
		if name != "turn.text" && c.Part != "" && e.mentions(name) {
			out = append(out, field{name, c.Of})
		}
	}
	return out
}

// proof is what the decision was made on: the values the condition asked for,
// and which change of the journey it was.
func (r *rule) proof(m *moment.Moment) map[string]string {
	e := map[string]string{"journey_version": strconv.FormatUint(m.Version, 10), "cause": m.Cause, "at": m.Now.Format(time.RFC3339Nano)}
	if m.Model != "" {
		e["model"] = m.Model
	}
	for _, f := range r.evidence {
		switch v := f.of(m).(type) {
		case float64:
			e[f.name] = strconv.FormatFloat(v, 'g', 4, 64)
		case []string:
			e[f.name] = strings.Join(v, ", ")
		case time.Time:
			e[f.name] = v.Format(time.RFC3339Nano)
		default:
			e[f.name] = fmt.Sprint(v)
		}
	}
	return e
}
