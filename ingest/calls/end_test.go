package calls

import (
	"context"
	"errors"
	"testing"

	"throughline/event"
	"throughline/governance"
)

type nowhere struct{}

func (nowhere) Publish(context.Context, ...event.Message) error { return nil }

// TestBeginMeetsTheEnd: a dialog that begins as the last one of its session lets go
// is not given a call that takes no leg any more.
func TestBeginMeetsTheEnd(t *testing.T) {
	gate, err := governance.NewGate(governance.Config{}, governance.NewLedger(governance.Config{}))
	if err != nil {
		t.Fatal(err)
	}
	d, err := New(Config{}, Parts{Gate: gate, Bus: nowhere{}})
	if err != nil {
		t.Fatal(err)
	}
	desc := Description{Tenant: "acme", Source: "test", ID: "one"}
	var c *Call
	for range 2 { // two dialogs
		if c, err = d.Begin(t.Context(), desc); err != nil {
			t.Fatal(err)
		}
	}
	if c.letGo() {
		t.Error("the first of two holders is the last")
	}
	if !c.letGo() {
		t.Error("the second of two holders is not the last")
	}
	if _, err := d.Begin(t.Context(), desc); !errors.Is(err, ErrEnded) { // before finish
		t.Errorf("a call that ends is given: %v", err)
	}
	c.finish(event.Ended, "hung up")
}
