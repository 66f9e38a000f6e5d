package dashboards

import (
	"slices"
	"testing"

	"throughline/event"
)

// TestTrouble: an open call says whose audio does not come, until it does or the
// call ends. Rows that were given out do not change.
func TestTrouble(t *testing.T) {
	i := Interaction{State: StateOpen}
	measured := func(leg string, role event.Role, attr, value string) {
		i.change(event.Interaction{Change: event.Measured, Role: role, Attrs: map[string]string{"leg": leg, attr: value}})
	}
	measured("1", event.Customer, "problem", "no audio")
	measured("2", event.UnknownRole, "problem", "no audio")
	measured("1", event.Customer, "mos", "4.20")
	given := i
	both := []Trouble{{Leg: "1", Role: event.Customer, What: "no audio"}, {Leg: "2", What: "no audio"}}
	if !slices.Equal(i.Trouble, both) {
		t.Errorf("two legs without audio: %+v", i.Trouble)
	}
	measured("1", event.Customer, "problem", "audio stopped")
	measured("2", event.UnknownRole, "problem_over", "no audio")
	if !slices.Equal(i.Trouble, []Trouble{{Leg: "1", Role: event.Customer, What: "audio stopped"}}) || !slices.Equal(given.Trouble, both) {
		t.Errorf("after one came back: %+v, and %+v was given out", i.Trouble, given.Trouble)
	}
	i.change(event.Interaction{Change: event.Ended, Reason: "hung up"})
	measured("1", event.Customer, "problem", "no audio") // it comes late
	if i.Trouble != nil {
		t.Errorf("after the end: %+v", i.Trouble)
	}
}
