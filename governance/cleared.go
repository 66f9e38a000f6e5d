package governance

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"throughline/event"
)

// ErrNotCleared is what an empty Cleared answers when somebody tries to encode it.
var ErrNotCleared = errors.New("governance: this turn has not passed the gate")

// Cleared is a turn that has passed a Gate. Its fields are not exported and
// nothing else makes one, so the compiler keeps raw turns from the topics.
type Cleared struct {
	turn   event.Turn
	passed bool
}

// Turn is what was cleared; a copy, so that nothing can be put back into it.
func (c Cleared) Turn() event.Turn { return clone(c.turn) }

// MarshalJSON encodes the turn. A Cleared that no gate has made is an error.
func (c Cleared) MarshalJSON() ([]byte, error) {
	if !c.passed {
		return nil, ErrNotCleared
	}
	return json.Marshal(c.turn)
}

// Turns is the topic of final utterances and messages, to write to.
func Turns() event.Topic[Cleared] {
	return event.Topic[Cleared]{Source: event.Source[Cleared]{Spec: event.Turns().Spec}, Key: byCustomer}
}

// PartialTurns is the topic of growing transcripts, to write to.
func PartialTurns() event.Topic[Cleared] {
	return event.Topic[Cleared]{Source: event.Source[Cleared]{Spec: event.PartialTurns().Spec}, Key: byCustomer}
}

func byCustomer(c Cleared) string { return c.turn.Customer }

// clone copies t with everything it points to.
func clone(t event.Turn) event.Turn {
	t.Words = slices.Clone(t.Words)
	t.Attrs = maps.Clone(t.Attrs)
	t.Raw = slices.Clone(t.Raw)
	t.Redacted = slices.Clone(t.Redacted)
	if t.Media != nil {
		m := *t.Media
		t.Media = &m
	}
	if t.Acoustics != nil {
		a := *t.Acoustics
		t.Acoustics = &a
	}
	return t
}
