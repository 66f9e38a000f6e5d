package summary

import (
	"time"

	"throughline/event"
)

// Part says what a sentence of a summary tells.
type Part string

// The parts, in the order in which they are told.
const (
	Reason   Part = "reason"   // why the customer came
	Detail   Part = "detail"   // what else matters of what the customer said
	Done     Part = "done"     // what the centre did or answered
	Promised Part = "promised" // what the centre committed itself to
	Outcome  Part = "outcome"  // how the customer left
	Open     Part = "open"     // what nobody has answered or settled
)

func parts() []Part { return []Part{Reason, Detail, Done, Promised, Outcome, Open} }

// Conversation is what is summarised.
type Conversation struct {
	ID    string           // of the interaction or journey
	Turns []event.Features // oldest first
	// What the journey knows, each with its turn; empty where there is no journey.
	Promises []event.Fact
	Open     []event.OpenIntent
	State    string // of the interaction (open, held, ended, failed, abandoned) or of the journey
	Why      string // why it ended
	// Resolved is how probably the journey is resolved, 0 to 1; nil where that is not known.
	Resolved *float64
}

// Summary is what a conversation was about.
type Summary struct {
	Of        string     `json:"of"` // the interaction or journey
	Sentences []Sentence `json:"sentences"`
	Text      string     `json:"text"`            // the sentences in one paragraph, each with who speaks
	State     string     `json:"state,omitempty"` // how the conversation stands: open, held, ended, failed or abandoned
	Why       string     `json:"why,omitempty"`   // why it ended
	// Sentiment is of the customer's last turn with words to score, −1 to 1;
	// absent where there is none.
	Sentiment *float64 `json:"sentiment,omitempty"`
	// Resolved is how probably the journey is resolved, 0 to 1, as the journey has
	// it (docs/metrics.md); absent where that is not known.
	Resolved *float64 `json:"resolved,omitempty"`
	Turns    int      `json:"turns"` // turns with words that were read
	// By is who made it: "extract" and the model of texts that ranked the
	// sentences, or "model" and the language model's name.
	By    string `json:"by"`
	Model string `json:"model"`
	// Refused says why the language model's summary is not this one: it did not
	// answer, or said what stands in no turn. Absent where none was asked.
	Refused string    `json:"refused,omitempty"`
	Made    time.Time `json:"made"`
}

// The makers of summaries.
const (
	ByExtract = "extract"
	ByModel   = "model"
)

// Sentence is one sentence of a summary with its proof.
type Sentence struct {
	Part Part `json:"part"`
	// Text stands in the turn word for word where the maker is "extract".
	Text  string     `json:"text"`
	Turn  string     `json:"turn"`           // the turn that proves it
	More  []string   `json:"more,omitempty"` // further turns that prove it, of a language model's sentence
	Role  event.Role `json:"role"`           // who speaks in the turn
	At    time.Time  `json:"at"`             // when
	Open  bool       `json:"open,omitempty"` // what is wanted here is not settled
	order int        // among the conversation's sentences
}

// who names a role to a reader.
func who(r event.Role) string {
	switch r {
	case event.Customer:
		return "Customer"
	case event.Agent:
		return "Agent"
	case event.Bot:
		return "Bot"
	}
	return ""
}
