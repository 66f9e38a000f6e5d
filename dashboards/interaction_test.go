package dashboards

import (
	"testing"
	"time"

	"throughline/event"
)

// TestWhoHasIt: a call is with whoever took it last, though the words of the
// agent before are understood after that.
func TestWhoHasIt(t *testing.T) {
	began := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	i := &Interaction{}
	said := func(agent string, at time.Duration) {
		i.turn(event.Features{Turn: event.Turn{Role: event.Agent, Agent: agent, At: began.Add(at)}})
	}
	said("a1", 5*time.Second)
	i.change(event.Interaction{Change: event.Transferred, Agent: "a2", At: began.Add(time.Minute)})
	said("a1", 58*time.Second)
	if i.Agent != "a2" {
		t.Errorf("%s has the call, want a2", i.Agent)
	}
	if said("a3", 70*time.Second); i.Agent != "a3" {
		t.Errorf("%s has the call, want a3", i.Agent)
	}
}
