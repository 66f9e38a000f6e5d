package event

import "time"

// Rule names the rule that decided something, and its policy's version.
type Rule struct {
	Name     string            `json:"name"`
	Version  string            `json:"version"`
	Evidence map[string]string `json:"evidence,omitempty"` // expression values that made it true; references, not words
}

// Severity of an alert.
type Severity string

// The severities.
const (
	Info     Severity = "info"
	Warning  Severity = "warning"
	Critical Severity = "critical"
)

// Action is what a rule of the policy wants done.
type Action string

// The actions. Each is an Alert event; suggestions are events of their own.
const (
	ActionAlert    Action = "alert"      // tell a supervisor
	ActionEscalate Action = "escalate"   // hand the interaction to a supervisor
	ActionRoute    Action = "route"      // to a queue, skill and priority
	ActionDisclose Action = "disclosure" // what the agent had to say by a deadline was not said
	ActionTag      Action = "tag"        // mark the journey
	ActionWebhook  Action = "webhook"    // tell an outgoing target
)

// Alarms tells whether somebody has to look: the other actions are done by
// those who take them up, and are told for the record.
func (a Action) Alarms() bool {
	return a == ActionAlert || a == ActionEscalate || a == ActionDisclose
}

// Alert is what a rule decided: an alarm to supervisors, or something to be done.
type Alert struct {
	ID          string    `json:"id"` // hash of journey, rule and cause
	Tenant      string    `json:"tenant"`
	Customer    string    `json:"customer"`
	Journey     string    `json:"journey"`
	Interaction string    `json:"interaction"`
	Turn        string    `json:"turn,omitempty"`
	Channel     Channel   `json:"channel"`
	At          time.Time `json:"at"`
	Severity    Severity  `json:"severity"`
	Title       string    `json:"title"`
	Action      Action    `json:"action"`
	Queue       string    `json:"queue,omitempty"`    // where the interaction is, or, for ActionRoute and ActionEscalate, where it shall go
	Skill       string    `json:"skill,omitempty"`    // for ActionRoute: what whoever takes it must know
	Priority    int       `json:"priority,omitempty"` // for ActionRoute: higher goes first
	Tags        []string  `json:"tags,omitempty"`     // for ActionTag: what the journey is marked with
	Target      string    `json:"target,omitempty"`   // for ActionWebhook: the name of the outgoing target
	Due         time.Time `json:"due,omitzero"`       // for ActionDisclose: until when the words had to be said
	Rule        Rule      `json:"rule"`
}

// DisclosureState is what became of a disclosure.
type DisclosureState string

// The states of a disclosure. Missed and void are settled, and become met where
// words said in time come late.
const (
	DisclosureRequired DisclosureState = "required" // the deadline is yet to come
	DisclosureMet      DisclosureState = "met"      // said in time
	DisclosureMissed   DisclosureState = "missed"   // not said in time; an Alert says so too
	DisclosureVoid     DisclosureState = "void"     // the interaction ended before the deadline
)

// Disclosure is something that a rule requires the centre's side to say in an
// interaction by a deadline. The latest event of an ID is what became of it.
type Disclosure struct {
	ID          string          `json:"id"` // hash of rule and scope
	Tenant      string          `json:"tenant"`
	Customer    string          `json:"customer"`
	Journey     string          `json:"journey"`
	Interaction string          `json:"interaction"`
	Channel     Channel         `json:"channel"`
	Agent       string          `json:"agent,omitempty"` // who had the customer, by id
	State       DisclosureState `json:"state"`
	At          time.Time       `json:"at"`             // when it was required
	Due         time.Time       `json:"due"`            // until when it has to be said
	Turn        string          `json:"turn,omitempty"` // for met: the turn that said it
	Said        time.Time       `json:"said,omitzero"`  // for met: when
	Severity    Severity        `json:"severity"`       // of the alert should it be missed
	Title       string          `json:"title"`          // of that alert
	Say         []string        `json:"say"`            // the phrases, one of which must be said
	Rule        Rule            `json:"rule"`
}

// Suggestion is advice to the agent who has the customer now.
type Suggestion struct {
	ID          string    `json:"id"`
	Tenant      string    `json:"tenant"`
	Customer    string    `json:"customer"`
	Journey     string    `json:"journey"`
	Interaction string    `json:"interaction"`
	Turn        string    `json:"turn,omitempty"`
	Channel     Channel   `json:"channel"`
	Agent       string    `json:"agent,omitempty"`
	At          time.Time `json:"at"`
	Kind        string    `json:"kind"` // next_best_action, reply, knowledge, context
	Title       string    `json:"title"`
	Body        string    `json:"body,omitempty"`
	Rank        float64   `json:"rank"` // higher first
	Expires     time.Time `json:"expires,omitzero"`
	Rule        Rule      `json:"rule"`
	Source      string    `json:"source"` // policy, knowledge, model name
}

// Feedback is what became of a suggestion or alert.
type Feedback struct {
	ID          string    `json:"id"`
	Tenant      string    `json:"tenant"`
	Customer    string    `json:"customer"`
	Suggestion  string    `json:"suggestion"` // or alert id
	Agent       string    `json:"agent,omitempty"`
	At          time.Time `json:"at"`
	Displayed   bool      `json:"displayed,omitempty"`
	Clicked     bool      `json:"clicked,omitempty"`
	Correctness string    `json:"correctness,omitempty"` // NOT, PARTIALLY, FULLY
	Outcome     string    `json:"outcome,omitempty"`     // accepted, edited, dismissed, acknowledged
}
