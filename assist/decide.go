package assist

import (
	"fmt"
	"time"

	"throughline/event"
)

// Decision is a rule that fired.
type Decision struct {
	Rule        string
	Alert       *event.Alert
	Suggestion  *event.Suggestion
	id          string // of the rule's effect in its scope
	errorOfRule error
}

// Decide evaluates every rule on a change. It knows no memory: whoever calls it
// drops decisions whose id was acted on before. A rule that fails to evaluate
// gives a Decision with Err set and no effect.
func (p *Policy) Decide(j event.Journey) []Decision {
	s, where := see(j)
	onTurn := j.Cause.Features != nil
	historic := onTurn && j.Cause.Features.Turn.Historic
	var out []Decision
	for k := range p.rules {
		r := &p.rules[k]
		if r.On == "turn" && !onTurn || r.On == "interaction" && j.Cause.Type != "interaction" || historic && !r.History {
			continue
		}
		v, err := r.When.eval(s)
		if err != nil {
			out = append(out, Decision{Rule: r.Name, errorOfRule: fmt.Errorf("rule %s: evaluate when: %w", r.Name, err)})
			continue
		}
		if fired, _ := v.(bool); !fired {
			continue
		}
		d := Decision{Rule: r.Name, id: event.ID("d", p.Version, r.Name, j.ID, r.scope(j, where))}
		if err := r.act(p.Version, &d, s, j, where); err != nil {
			out = append(out, Decision{Rule: r.Name, errorOfRule: fmt.Errorf("rule %s: %w", r.Name, err)})
			continue
		}
		out = append(out, d)
	}
	return out
}

// Err tells why a rule could not be evaluated.
func (d Decision) Err() error { return d.errorOfRule }

func (r *rule) scope(j event.Journey, where event.InteractionState) string {
	switch r.Once {
	case "turn":
		return j.Cause.ID
	case "journey":
		return j.ID
	}
	return where.ID
}

func (r *rule) act(version string, d *Decision, s subject, j event.Journey, where event.InteractionState) error {
	because := event.Rule{Name: r.Name, Version: version, Evidence: evidence(s, j)}
	turn := ""
	if j.Cause.Features != nil {
		turn = j.Cause.ID
	}
	if r.Alert != nil {
		title, err := r.Alert.Title.render(s)
		if err != nil {
			return fmt.Errorf("render alert.title: %w", err)
		}
		d.Alert = &event.Alert{ID: "a" + d.id[1:], Tenant: j.Tenant, Customer: j.Customer, Journey: j.ID, Interaction: where.ID, Turn: turn,
			Channel: where.Channel, At: s.now, Severity: r.Alert.Severity, Title: title, Action: event.ActionAlert, Queue: where.Queue, Rule: because}
	}
	if r.Suggest != nil {
		title, err := r.Suggest.Title.render(s)
		if err != nil {
			return fmt.Errorf("render suggest.title: %w", err)
		}
		body, err := r.Suggest.Body.render(s)
		if err != nil {
			return fmt.Errorf("render suggest.body: %w", err)
		}
		d.Suggestion = &event.Suggestion{ID: "s" + d.id[1:], Tenant: j.Tenant, Customer: j.Customer, Journey: j.ID, Interaction: where.ID, Turn: turn,
			Channel: where.Channel, Agent: where.Agent, At: s.now, Kind: r.Suggest.Kind, Title: title, Body: body, Rank: r.Suggest.Rank,
			Source: "policy", Rule: because}
		if r.Suggest.Expires > 0 {
			d.Suggestion.Expires = s.now.Add(r.Suggest.Expires)
		}
	}
	return nil
}

// evidence is what the decision was made on: figures and names, never words.
func evidence(s subject, j event.Journey) map[string]string {
	e := map[string]string{"journey_version": fmt.Sprint(j.Version), "cause": j.Cause.ID, "journey_sentiment": fmt.Sprintf("%.2f", s.journey.Sentiment)}
	if s.turn.Scored {
		e["turn_sentiment"] = fmt.Sprintf("%.2f", s.turn.Sentiment)
	}
	if len(s.turn.Intents) > 0 {
		e["turn_intent"] = s.turn.Intents[0]
	}
	if s.interaction.Change != "" {
		e["change"] = s.interaction.Change
	}
	if j.Cause.Features != nil {
		e["model"] = j.Cause.Features.Model
	}
	e["at"] = s.now.UTC().Format(time.RFC3339)
	return e
}
