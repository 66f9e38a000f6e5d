package bustest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"throughline/bus"
	"throughline/event"
)

func testDead(t *testing.T, b Broker) {
	c := dial(t, b)
	in := topic(t, "in", false)
	ensure(t, c, in.Spec)
	var got collector
	run(t, c, bus.Stage{Name: in.Name, In: []bus.Input{bus.Each(in.Source, func(_ context.Context, i item) ([]event.Message, error) {
		switch i.N {
		case 1:
			return nil, bus.Permanent(errors.New("no such tenant"))
		case 2:
			var nothing *item
			_ = nothing.N // a bug in a handler must not stop the stage
		}
		got.take(i)
		return nil, nil
	})}})
	// A wrong type in a field is set aside as well.
	wrong := event.Message{Topic: in.Spec, Key: "k", Value: map[string]any{"key": "k", "n": "four"}}
	publish(t, c, in.Message(item{Key: "k", N: 0}), in.Message(item{Key: "k", N: 1}), in.Message(item{Key: "k", N: 2}), wrong, in.Message(item{Key: "k", N: 5}))
	eventually(t, "the others are handled", func() bool { return got.distinct() == 2 })
	deads := 0
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	n, err := c.Partitions(ctx, in.Dead().Name)
	if err != nil {
		t.Fatal(err)
	}
	for p := range n {
		_, err := bus.Replay(ctx, c, event.Source[map[string]any]{Spec: in.Dead()}, p, func(r bus.Record[map[string]any]) error {
			if r.Key != "k" || r.Value["key"] != "k" {
				t.Errorf("set aside as %v, want the original", r.Value)
			}
			deads++
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if deads != 3 {
		t.Errorf("%d events set aside, want 3", deads)
	}
}

// testDelivered sets an event aside, mends what was wrong and delivers it again.
func testDelivered(t *testing.T, b Broker) {
	c := dial(t, b)
	in := topic(t, "in", false)
	in.By = func(item) string { return "elsewhere" } // the partition is not the one of the key
	store := topic(t, "store", true)
	ensure(t, c, in.Spec, store.Spec)
	var got collector
	var mended atomic.Bool
	var places sync.Map
	run(t, c, bus.Stage{Name: in.Name, In: []bus.Input{bus.Batch(in.Source, func(_ any, _ context.Context, recs []bus.Record[item]) ([]event.Message, error) {
		for _, r := range recs {
			if r.Value.N == 1 && !mended.Load() {
				return nil, bus.Permanent(errors.New("no such tenant"))
			}
			places.Store(r.Partition, true)
			got.take(r.Value)
		}
		return nil, nil
	})}})
	began := time.Now().Add(-time.Minute)
	for n := range 3 {
		publish(t, c, in.Message(item{Key: "k", N: n}))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	letters := func() []bus.Letter {
		all, err := c.Letters(ctx, in.Spec, began)
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	eventually(t, "one event is set aside, the others are handled", func() bool { return got.distinct() == 2 && len(letters()) == 1 })
	l := letters()[0]
	if l.Stage != in.Name || l.Reason != "no such tenant" || l.Bytes == 0 || l.Delivered || l.At.Before(began) {
		t.Errorf("the letter says %q of %q at %v, %d bytes, delivered %v", l.Reason, l.Stage, l.At, l.Bytes, l.Delivered)
	}
	if later, err := c.Letters(ctx, in.Spec, time.Now().Add(time.Hour)); err != nil || len(later) != 0 {
		t.Errorf("%d letters of the future, %v", len(later), err)
	}
	if err := c.Deliver(ctx, l); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it comes back, since nothing was mended", func() bool { return len(letters()) == 2 })
	if all := letters(); !all[0].Delivered || all[1].Delivered {
		t.Errorf("delivered: %v and %v, want the first alone", all[0].Delivered, all[1].Delivered)
	}
	mended.Store(true)
	if err := c.Deliver(ctx, letters()[1]); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is handled", func() bool { return got.distinct() == 3 })
	if all := letters(); len(all) != 2 || !all[1].Delivered {
		t.Errorf("%d letters, the last delivered: %v", len(all), all[len(all)-1].Delivered)
	}
	n := 0
	places.Range(func(any, any) bool { n++; return true })
	if n != 1 {
		t.Errorf("the events of one customer were handled in %d partitions", n)
	}
	if err := c.Deliver(ctx, bus.Letter{Topic: store.Spec}); err == nil || !strings.Contains(err.Error(), "would replace a newer one") {
		t.Errorf("an old state is delivered over a newer one: %v", err)
	}
}
