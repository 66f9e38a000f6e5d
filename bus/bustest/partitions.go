package bustest

import (
	"context"
	"strings"
	"testing"

	"throughline/bus"
)

func testPartitionMismatch(t *testing.T, b Broker) {
	c := dial(t, b)
	in := topic(t, "in", false)
	ensure(t, c, in.Spec)
	odd := in.Spec
	odd.Partitions = 7
	err := c.Ensure(context.Background(), odd)
	if err == nil || !strings.Contains(err.Error(), "set kafka.partitions to 4") {
		t.Errorf("got %v, want an error that names the setting and the fix", err)
	}
}

// testSharedPartitions: who is not told a number takes that of the topics that
// are there, since a stage's inputs must agree.
func testSharedPartitions(t *testing.T, b Broker) {
	in, out := topic(t, "in", false), topic(t, "out", false)
	told := dialWith(t, b, bus.Config{Partitions: 3})
	ensure(t, told, in.Spec)
	for name, cfg := range map[string]bus.Config{"untold": {}, "of another mind": {Fresh: 2}} {
		c := dialWith(t, b, cfg)
		ensure(t, c, in.Spec, out.Spec)
		if n, err := c.Partitions(context.Background(), out.Name); err != nil || n != 3 {
			t.Errorf("%s: a new topic has %d partitions (%v), want 3", name, n, err)
		}
	}
	alone := topic(t, "alone", false)
	fresh := dialWith(t, b, bus.Config{Fresh: 2})
	ensure(t, fresh, alone.Spec)
	if n, err := fresh.Partitions(context.Background(), alone.Name); err != nil || n != 2 {
		t.Errorf("where no topic is there, %d partitions (%v), want 2", n, err)
	}
}
