package bustest

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"throughline/bus"
	"throughline/event"
)

func testRetry(t *testing.T, b Broker) {
	c := dial(t, b)
	in := topic(t, "in", false)
	ensure(t, c, in.Spec)
	var got collector
	var failures atomic.Int32
	run(t, c, bus.Stage{Name: in.Name, In: []bus.Input{bus.Each(in.Source, func(_ context.Context, i item) ([]event.Message, error) {
		if i.N == 3 && failures.Add(1) <= 3 {
			return nil, errors.New("the store is away")
		}
		got.take(i)
		return nil, nil
	})}})
	for n := range 8 {
		publish(t, c, in.Message(item{Key: "k", N: n}))
	}
	eventually(t, "the event heals", func() bool { return got.distinct() == 8 })
	got.inOrder(t)
	if failures.Load() != 4 {
		t.Errorf("handler was tried %d times at the failing event, want 4", failures.Load())
	}
}

func testBatchCulprit(t *testing.T, b Broker) {
	c := dial(t, b)
	in := topic(t, "in", false)
	ensure(t, c, in.Spec)
	var got collector
	msgs := make([]event.Message, 0, 100)
	for n := range 100 {
		msgs = append(msgs, in.Message(item{Key: "k", N: n}))
	}
	publish(t, c, msgs...)
	run(t, c, bus.Stage{Name: in.Name, Linger: 20 * time.Millisecond, MaxBatch: 30, In: []bus.Input{bus.Batch(in.Source, func(_ any, _ context.Context, recs []bus.Record[item]) ([]event.Message, error) {
		for _, r := range recs {
			if r.Value.N == 42 {
				return nil, bus.Permanent(errors.New("not storable"))
			}
		}
		for i, r := range recs {
			if i > 0 && r.Offset != recs[i-1].Offset+1 {
				t.Errorf("offset %d follows %d", r.Offset, recs[i-1].Offset)
			}
			got.take(r.Value)
		}
		return nil, nil
	})}})
	eventually(t, "all but the culprit are handled", func() bool { return got.distinct() == 99 })
}

func testBroken(t *testing.T, b Breakable) {
	c := dial(t, b)
	in, out := topic(t, "in", false), topic(t, "out", false)
	ensure(t, c, in.Spec, out.Spec)
	var got collector
	run(t, c, bus.Stage{Name: in.Name, Out: []event.Spec{out.Spec}, In: []bus.Input{bus.Each(in.Source, func(_ context.Context, i item) ([]event.Message, error) {
		return []event.Message{out.Message(i)}, nil
	})}})
	run(t, c, bus.Stage{Name: out.Name, In: []bus.Input{bus.Each(out.Source, func(_ context.Context, i item) ([]event.Message, error) {
		got.take(i)
		return nil, nil
	})}})
	publish(t, c, in.Message(item{Key: "k", N: 0}))
	eventually(t, "the chain runs", func() bool { return got.distinct() == 1 })
	for round := range 2 {
		b.Kill()
		ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
		err := c.Publish(ctx, in.Message(item{Key: "k", N: 2*round + 1}))
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("publishing to a dead broker: %v, want a deadline", err)
		}
		ctx, cancel = context.WithTimeout(context.Background(), patience)
		if err := b.Restart(ctx); err != nil {
			cancel()
			t.Fatal(err)
		}
		cancel()
		publish(t, c, in.Message(item{Key: "k", N: 2*round + 1}), in.Message(item{Key: "k", N: 2*round + 2}))
		eventually(t, "the chain runs again", func() bool { return got.distinct() == 2*round+3 })
	}
	got.inOrder(t)
}
