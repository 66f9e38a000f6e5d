package bustest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"throughline/bus"
)

func testReplay(t *testing.T, b Broker) {
	c := dial(t, b)
	in := topic(t, "in", true)
	ensure(t, c, in.Spec)
	publish(t, c, in.Message(item{Key: "a", N: 1}), in.Message(item{Key: "a", N: 2}), in.Tombstone("a", ""), in.Message(item{Key: "a", N: 3}))
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	n, err := c.Partitions(ctx, in.Name)
	if err != nil {
		t.Fatal(err)
	}
	last, deleted := 0, false
	for p := range n {
		end, err := bus.Replay(ctx, c, in.Source, p, func(r bus.Record[item]) error {
			last = r.Value.N
			deleted = deleted || r.Deleted
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if end < 0 {
			t.Errorf("partition %d ends at %d", p, end)
		}
	}
	if last != 3 || !deleted {
		t.Errorf("last value %d (want 3), tombstone seen %v", last, deleted)
	}
}

func testFollow(t *testing.T, b Broker) {
	c := dial(t, b)
	in := topic(t, "in", false)
	ensure(t, c, in.Spec)
	publish(t, c, in.Message(item{Key: "a", N: 0}))
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	first, end, err := c.Bounds(ctx, in.Name)
	if err != nil {
		t.Fatal(err)
	}
	var got collector
	fctx, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	total := int64(0)
	for p := range end {
		total += end[p] - first[p]
		wg.Go(func() {
			err := bus.Follow(fctx, c, in.Source, p, first[p], func(r bus.Record[item]) error { got.take(r.Value); return nil })
			if !errors.Is(err, context.Canceled) {
				t.Errorf("follow ended with %v", err)
			}
		})
	}
	if total != 1 {
		t.Errorf("bounds span %d events, want 1", total)
	}
	for n := 1; n < 50; n++ {
		publish(t, c, in.Message(item{Key: "a", N: n}))
	}
	eventually(t, "the follower sees all", func() bool { return got.distinct() == 50 })
	got.inOrder(t)
	stop()
	wg.Wait()
}

// testOffsetsAt finds where a moment lies on a topic, before, between and after
// its events.
func testOffsetsAt(t *testing.T, broker Broker) {
	c, in := dial(t, broker), topic(t, "in", false)
	ensure(t, c, in.Spec)
	put := func(from, to int) {
		for k := from; k < to; k++ {
			publish(t, c, in.Message(item{Key: fmt.Sprint(k), N: k}))
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	before := time.Now().Add(-time.Minute)
	put(0, 20)
	_, mid, err := c.Bounds(ctx, in.Name)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(20 * time.Millisecond) // Kafka's clock is in milliseconds
	between := time.Now()
	time.Sleep(20 * time.Millisecond)
	put(20, 40)
	first, end, err := c.Bounds(ctx, in.Name)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct {
		at      time.Time
		offsets []int64
	}{"before": {before, first}, "between": {between, mid}, "after": {time.Now().Add(time.Minute), end}} {
		if got, err := c.OffsetsAt(ctx, in.Name, want.at); err != nil || !slices.Equal(got, want.offsets) {
			t.Errorf("%s: offsets %v, want %v (%v)", name, got, want.offsets, err)
		}
	}
}
