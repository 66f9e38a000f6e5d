package moment

import "throughline/event"

// Change is a journey of which only what concerns its last change is decoded:
// half of what travels is the journey stage's own memory.
type Change struct {
	event.Journey
	Curve unread `json:"curve"`
	Keep  unread `json:"keep"`
}

// Changes is the topic of journeys, read as changes.
func Changes() event.Source[Change] { return event.Source[Change]{Spec: event.Journeys().Spec} }

// unread is a value that is passed over.
type unread struct{}

func (*unread) UnmarshalJSON([]byte) error { return nil }
