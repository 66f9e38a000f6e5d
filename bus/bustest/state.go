package bustest

import (
	"context"
	"fmt"
	"testing"

	"throughline/bus"
	"throughline/event"
)

// shard counts per key and remembers by a compacted topic.
type shard struct{ counts map[string]int }

func testState(t *testing.T, b Broker) {
	c := dial(t, b)
	in, other, store := topic(t, "in", false), topic(t, "other", false), topic(t, "store", true)
	ensure(t, c, in.Spec, other.Spec, store.Spec)
	stage := bus.Stage{
		Name: in.Name, Out: []event.Spec{store.Spec},
		Open: func(ctx context.Context, b *bus.Bus, p int) (any, error) {
			s := &shard{counts: map[string]int{}}
			_, err := bus.Replay(ctx, b, store.Source, p, func(r bus.Record[item]) error {
				if r.Deleted {
					delete(s.counts, r.Key)
				} else {
					s.counts[r.Key] = r.Value.N
				}
				return nil
			})
			return s, err
		},
	}
	add := func(s *shard, _ context.Context, i item) ([]event.Message, error) {
		s.counts[i.Key] += i.N
		return []event.Message{store.Message(item{Key: i.Key, N: s.counts[i.Key]})}, nil
	}
	stage.In = []bus.Input{bus.With(in.Source, add), bus.With(other.Source, add)}
	// A second member all along: each key's two inputs must still meet in one place.
	run(t, dial(t, b), stage)
	total := func() (sum int) {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		last := map[string]int{}
		n, err := c.Partitions(ctx, store.Name)
		for p := 0; p < n && err == nil; p++ {
			_, err = bus.Replay(ctx, c, store.Source, p, func(r bus.Record[item]) error { last[r.Key] = r.Value.N; return nil })
		}
		if err != nil {
			t.Error(err)
		}
		for _, v := range last {
			sum += v
		}
		return sum
	}
	for round := range 3 {
		stop := run(t, c, stage)
		for k := range 9 {
			publish(t, c, in.Message(item{Key: fmt.Sprint("k", k), N: 1}), other.Message(item{Key: fmt.Sprint("k", k), N: 10}))
		}
		eventually(t, "state survives restarts", func() bool { return total() == (round+1)*9*11 })
		stop()
	}
}
