package bustest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"throughline/bus"
	"throughline/event"
)

func testOrder(t *testing.T, b Broker) {
	c := dial(t, b)
	in := topic(t, "in", false)
	ensure(t, c, in.Spec)
	var got collector
	run(t, c, bus.Stage{Name: in.Name, In: []bus.Input{bus.Each(in.Source, func(_ context.Context, i item) ([]event.Message, error) {
		got.take(i)
		return nil, nil
	})}})
	const keys, each = 17, 120
	var wg sync.WaitGroup
	for k := range keys {
		wg.Go(func() {
			for n := range each {
				publish(t, c, in.Message(item{Key: fmt.Sprint("k", k), N: n}))
			}
		})
	}
	wg.Wait()
	eventually(t, "all events are handled", func() bool { return got.distinct() == keys*each })
	got.inOrder(t)
	if got.all != keys*each {
		t.Errorf("handled %d events, want each once: %d", got.all, keys*each)
	}
}

// testChain sends events through three stages, as the pipeline does.
func testChain(t *testing.T, b Broker) {
	c := dial(t, b)
	one, two, three := topic(t, "1", false), topic(t, "2", false), topic(t, "3", false)
	ensure(t, c, one.Spec, two.Spec, three.Spec)
	pass := func(from, to event.Topic[item]) bus.Stage {
		return bus.Stage{Name: from.Name, Out: []event.Spec{to.Spec},
			In: []bus.Input{bus.Each(from.Source, func(_ context.Context, i item) ([]event.Message, error) {
				return []event.Message{to.Message(i)}, nil
			})}}
	}
	var got collector
	run(t, c, pass(one, two))
	run(t, c, pass(two, three))
	run(t, c, bus.Stage{Name: three.Name, In: []bus.Input{bus.Each(three.Source, func(_ context.Context, i item) ([]event.Message, error) {
		got.take(i)
		return nil, nil
	})}})
	msgs := make([]event.Message, 0, 2000)
	for n := range 200 {
		for k := range 10 {
			msgs = append(msgs, one.Message(item{Key: fmt.Sprint("k", k), N: n}))
		}
	}
	publish(t, c, msgs...)
	eventually(t, "all events pass", func() bool { return got.distinct() == len(msgs) })
	got.inOrder(t)
}

func testLarge(t *testing.T, b Broker) {
	c := dial(t, b)
	in := topic(t, "in", false)
	ensure(t, c, in.Spec)
	var got collector
	run(t, c, bus.Stage{Name: in.Name, In: []bus.Input{bus.Each(in.Source, func(_ context.Context, i item) ([]event.Message, error) {
		if i.N%2 == 1 && len(i.Pad) != 3<<20 {
			t.Errorf("a large event came with %d bytes", len(i.Pad))
		}
		got.take(i)
		return nil, nil
	})}})
	big := strings.Repeat("x", 3<<20)
	var msgs []event.Message
	for n := range 10 {
		i := item{Key: "k", N: n}
		if n%2 == 1 {
			i.Pad = big
		}
		msgs = append(msgs, in.Message(i))
	}
	publish(t, c, msgs...)
	eventually(t, "large events pass", func() bool { return got.distinct() == 10 })
	got.inOrder(t)
	err := c.Publish(context.Background(), in.Message(item{Key: "k", Pad: strings.Repeat("x", bus.DefaultMaxMessageBytes)}))
	if !errors.Is(err, bus.ErrTooLarge) {
		t.Errorf("publishing too much: %v, want ErrTooLarge", err)
	}
}
