package bustest

import (
	"context"
	"testing"
	"time"

	"throughline/bus"
	"throughline/event"
)

// testReady: who asks whether Kafka answers is told of now, and who comes before
// it waits for it, whether told a number of partitions or not.
func testReady(t *testing.T, b Breakable) {
	c := dial(t, b)
	ready := func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		return c.Ready(ctx)
	}
	eventually(t, "a running broker is ready", func() bool { return ready() == nil })
	b.Kill()
	if ready() == nil {
		t.Error("a dead broker is called ready")
	}
	in := topic(t, "in", false)
	early := map[string]*bus.Bus{"untold": dial(t, b), "told": dialWith(t, b, bus.Config{Partitions: bus.DefaultPartitions})}
	type ended struct {
		who string
		err error
	}
	done := make(chan ended, len(early))
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for who, c := range early {
		go func() { done <- ended{who, c.Ensure(ctx, in.Spec)} }()
	}
	stopped, stop := context.WithTimeout(ctx, 300*time.Millisecond)
	defer stop()
	if err := dial(t, b).Ensure(stopped, event.Spec{Name: in.Name}); err == nil {
		t.Error("topics are there before the broker")
	}
	if err := b.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	for range early {
		if e := <-done; e.err != nil {
			t.Errorf("%s: who came before the broker: %v", e.who, e.err)
		}
	}
	eventually(t, "the broker is ready again", func() bool { return ready() == nil })
}
