package outgoing

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"throughline/event"
)

// maxBody bounds what is sent, in bytes.
const maxBody = 64 << 10

// Payload is the body of a request in the format standard.
type Payload struct {
	Type      string    `json:"type"`      // policy.alert, policy.escalate, policy.route, policy.disclosure, policy.tag, policy.webhook or policy.suggestion
	Timestamp time.Time `json:"timestamp"` // when it was decided
	Data      Notice    `json:"data"`
}

// Notice is what a target is told of an alert or a suggestion: ids, names and
// figures. A person's words are in it only where the target includes them.
type Notice struct {
	ID          string         `json:"id"` // of the event, the same at each attempt
	Tenant      string         `json:"tenant"`
	Customer    string         `json:"customer"`
	Journey     string         `json:"journey"`
	Interaction string         `json:"interaction"`
	Turn        string         `json:"turn,omitempty"`
	Channel     event.Channel  `json:"channel"`
	At          time.Time      `json:"at"`
	Action      event.Action   `json:"action"` // or suggestion
	Severity    event.Severity `json:"severity,omitempty"`
	Queue       string         `json:"queue,omitempty"`    // where the interaction is or, for a route, where it shall go
	Skill       string         `json:"skill,omitempty"`    // of a route: what whoever takes it must know
	Priority    int            `json:"priority,omitempty"` // of a route: higher goes first
	Tags        []string       `json:"tags,omitempty"`     // what the journey is marked with
	Agent       string         `json:"agent,omitempty"`    // of a suggestion: who has the customer
	Due         time.Time      `json:"due,omitzero"`       // of a disclosure: until when it must have been said
	Expires     time.Time      `json:"expires,omitzero"`   // of a suggestion
	Rule        event.Rule     `json:"rule"`
	Stale       bool           `json:"stale,omitempty"` // it was decided too long ago to act on it unasked
	Link        string         `json:"link,omitempty"`  // to the interaction on the live screen
	Title       string         `json:"title,omitempty"` // where the target includes it
	Body        string         `json:"body,omitempty"`  // where the target includes it

	target string    // of a webhook action
	key    string    // place on the topic
	since  time.Time // when it was published
}

// suggestion stands as the action of a Notice that is advice to an agent.
const suggestion event.Action = "suggestion"

func ofAlert(a event.Alert) Notice {
	return Notice{ID: a.ID, Tenant: a.Tenant, Customer: a.Customer, Journey: a.Journey, Interaction: a.Interaction, Turn: a.Turn,
		Channel: a.Channel, At: a.At, Action: cmp.Or(a.Action, event.ActionAlert), Severity: a.Severity, Queue: a.Queue, Skill: a.Skill,
		Priority: a.Priority, Tags: a.Tags, Due: a.Due, Rule: a.Rule, Title: a.Title, target: a.Target}
}

func ofSuggestion(s event.Suggestion) Notice {
	return Notice{ID: s.ID, Tenant: s.Tenant, Customer: s.Customer, Journey: s.Journey, Interaction: s.Interaction, Turn: s.Turn,
		Channel: s.Channel, At: s.At, Action: suggestion, Agent: s.Agent, Expires: s.Expires, Rule: s.Rule, Title: s.Title, Body: s.Body}
}

// wants tells whether t is told of n.
func (t *Target) wants(n Notice) bool {
	if len(t.Tenants) > 0 && !slices.Contains(t.Tenants, n.Tenant) {
		return false
	}
	if n.target != "" {
		return n.target == t.Name
	}
	pass := func(filter []string, v string) bool { return len(filter) == 0 || slices.Contains(filter, v) }
	return pass(t.Queues, n.Queue) && pass(t.Rules, n.Rule.Name) &&
		(n.Action == suggestion || len(t.Actions) == 0 || slices.Contains(t.Actions, n.Action)) &&
		(n.Severity == "" || len(t.Severities) == 0 || slices.Contains(t.Severities, n.Severity))
}

// encode is the body as this target reads it.
func (t *target) encode(n Notice) ([]byte, error) {
	if !slices.Contains(t.Include, "title") {
		n.Title = ""
	}
	if !slices.Contains(t.Include, "body") {
		n.Body = ""
	}
	if t.screen != "" && n.Interaction != "" {
		n.Link = strings.TrimRight(t.screen, "/") + "/#/i/" + url.PathEscape(n.Interaction)
	}
	var v any = Payload{Type: "policy." + string(n.Action), Timestamp: n.At, Data: n}
	switch t.Format {
	case Slack:
		v = slackMessage(n)
	case Generic:
		v = n
	}
	body, err := json.Marshal(v)
	if err == nil && len(body) > maxBody {
		err = fmt.Errorf("the body has %d bytes, at most %d are sent", len(body), maxBody)
	}
	return body, err
}
