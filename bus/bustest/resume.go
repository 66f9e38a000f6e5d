package bustest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"throughline/bus"
	"throughline/event"
)

func testRebalance(t *testing.T, b Broker) {
	c, c2 := dial(t, b), dial(t, b)
	in := topic(t, "in", false)
	ensure(t, c, in.Spec)
	var got, second collector
	stage := func(into *collector) bus.Stage {
		return bus.Stage{Name: in.Name, In: []bus.Input{bus.Each(in.Source, func(_ context.Context, i item) ([]event.Message, error) {
			got.take(i)
			into.take(i)
			return nil, nil
		})}}
	}
	var first collector
	run(t, c, stage(&first))
	const keys, each = 16, 60
	var stop2 func()
	for n := range each {
		if n == each/3 {
			stop2 = run(t, c2, stage(&second))
		}
		if n == 2*each/3 {
			eventually(t, "the second member takes part", func() bool {
				publish(t, c, in.Message(item{Key: fmt.Sprint("probe", rand.IntN(64)), N: 0}))
				return second.distinct() > 0
			})
			stop2()
		}
		for k := range keys {
			publish(t, c, in.Message(item{Key: fmt.Sprint("k", k), N: n}))
		}
	}
	eventually(t, "nothing is lost over two rebalances", func() bool {
		got.mu.Lock()
		defer got.mu.Unlock()
		for k := range keys {
			m := map[int]bool{}
			for _, n := range got.seen[fmt.Sprint("k", k)] {
				m[n] = true
			}
			if len(m) != each {
				return false
			}
		}
		return true
	})
	got.inOrder(t)
}

// testResume stops a stage and checks that the next one goes on where it was.
func testResume(t *testing.T, b Broker) {
	c := dial(t, b)
	in := topic(t, "in", false)
	ensure(t, c, in.Spec)
	var got collector
	stage := bus.Stage{Name: in.Name, In: []bus.Input{bus.Each(in.Source, func(_ context.Context, i item) ([]event.Message, error) {
		got.take(i)
		return nil, nil
	})}}
	for round := range 4 {
		stop := run(t, c, stage)
		for n := range 25 {
			publish(t, c, in.Message(item{Key: "k", N: round*25 + n}))
		}
		eventually(t, "the round is handled", func() bool { return got.distinct() == (round+1)*25 })
		stop()
	}
	got.inOrder(t)
	if got.all != 100 {
		t.Errorf("handled %d events over 4 clean restarts, want 100", got.all)
	}
}

// testNeeds stops a stage that still works on an event: it, and all after it,
// must come again.
func testNeeds(t *testing.T, b Broker) {
	c := dial(t, b)
	in := topic(t, "in", false)
	ensure(t, c, in.Spec)
	var got collector
	holding := true
	stage := bus.Stage{Name: in.Name,
		Open: func(context.Context, *bus.Bus, int) (any, error) { return &got, nil },
		In: []bus.Input{bus.With(in.Source, func(c *collector, _ context.Context, i item) ([]event.Message, error) {
			c.take(i)
			return nil, nil
		})},
		Needs: func(any, string) (int64, bool) { return 3, holding },
	}
	stop := run(t, c, stage)
	for n := range 6 {
		publish(t, c, in.Message(item{Key: "k", N: n}))
	}
	eventually(t, "all are handled", func() bool { return got.distinct() == 6 })
	time.Sleep(300 * time.Millisecond) // commits happen meanwhile
	stop()
	got.mu.Lock()
	got.seen, got.all = nil, 0
	got.mu.Unlock()
	holding = false
	run(t, c, stage)
	eventually(t, "what was held comes again", func() bool { return got.distinct() == 3 })
	if first := got.seen["k"][0]; first != 3 {
		t.Errorf("begins again at %d, want 3", first)
	}
}

// testFromNow begins at the end, and goes on from there after a stop even where
// nothing came before it.
func testFromNow(t *testing.T, b Broker) {
	c := dial(t, b)
	in := topic(t, "in", false)
	ensure(t, c, in.Spec)
	publish(t, c, in.Message(item{Key: "k", N: 0}))
	var got collector
	// A partition ticks once it runs, and it runs once its place is committed.
	var ticked [4]atomic.Bool
	stage := bus.Stage{Name: in.Name, FromNow: true,
		In: []bus.Input{bus.With(in.Source, func(_ *atomic.Bool, _ context.Context, i item) ([]event.Message, error) {
			got.take(i)
			return nil, nil
		})},
		Open: func(_ context.Context, _ *bus.Bus, partition int) (any, error) { return &ticked[partition], nil },
		Tick: func(_ context.Context, state any, _ time.Time) ([]event.Message, error) {
			state.(*atomic.Bool).Store(true)
			return nil, nil
		},
		TickEvery: 10 * time.Millisecond,
	}
	stop := run(t, c, stage)
	eventually(t, "every partition runs", func() bool {
		for p := range ticked {
			if !ticked[p].Load() {
				return false
			}
		}
		return true
	})
	stop()
	publish(t, c, in.Message(item{Key: "k", N: 1}))
	run(t, c, stage)
	eventually(t, "what came while nobody ran is handled", func() bool { return got.distinct() == 1 })
	if first := got.seen["k"][0]; first != 1 {
		t.Errorf("began with event %d, want 1: what was there before is not for it", first)
	}
}
