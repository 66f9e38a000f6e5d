// Package bustest is the battery of tests that every broker must pass before
// Throughline may run on it: the embedded one and Apache Kafka.
//
// Enters: a running broker. Leaves: verdicts. Only tests import it.
package bustest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"throughline/bus"
	"throughline/event"
)

// Broker is a running cluster.
type Broker interface{ Addr() string }

// Breakable is a Broker that a test may kill and bring back at the same address.
type Breakable interface {
	Broker
	Kill()
	Restart(ctx context.Context) error
}

// item is the event of the tests.
type item struct {
	Key string `json:"key"`
	N   int    `json:"n"`
	Pad string `json:"pad,omitempty"`
}

func topic(t *testing.T, name string, compact bool) event.Topic[item] {
	safe := strings.NewReplacer("/", ".", " ", "_", "#", "-").Replace(t.Name())
	return event.Topic[item]{
		Source: event.Source[item]{Spec: event.Spec{Name: fmt.Sprintf("%s.%s.%x", safe, name, rand.Uint32()), Compact: compact, Retention: time.Hour}},
		Key:    func(i item) string { return i.Key },
	}
}

func dial(t *testing.T, b Broker) *bus.Bus {
	t.Helper()
	return dialWith(t, b, bus.Config{})
}

func dialWith(t *testing.T, b Broker, cfg bus.Config) *bus.Bus {
	t.Helper()
	cfg.Brokers, cfg.SessionTimeout, cfg.Metrics, cfg.Logger = []string{b.Addr()}, 6*time.Second, prometheus.NewRegistry(), slog.New(slog.DiscardHandler)
	c, err := bus.Dial(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = c.Close(ctx)
	})
	return c
}

// run runs s until the test ends or the returned function is called.
func run(t *testing.T, c *bus.Bus, s bus.Stage) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx, s) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			select {
			case err := <-done:
				if err != nil {
					t.Errorf("stage %s: %v", s.Name, err)
				}
			case <-time.After(20 * time.Second):
				t.Errorf("stage %s did not stop", s.Name)
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

func publish(t *testing.T, c *bus.Bus, msgs ...event.Message) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := c.Publish(ctx, msgs...); err != nil {
		t.Fatal(err)
	}
}

func ensure(t *testing.T, c *bus.Bus, specs ...event.Spec) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := c.Ensure(ctx, specs...); err != nil {
		t.Fatal(err)
	}
}

// eventually waits for ok; the bound only ends a test that has failed.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(45 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("never came true: %s", what)
}

// collector keeps what a stage saw, by key.
type collector struct {
	mu   sync.Mutex
	seen map[string][]int
	all  int
}

func (c *collector) take(i item) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil {
		c.seen = map[string][]int{}
	}
	c.seen[i.Key] = append(c.seen[i.Key], i.N)
	c.all++
}

func (c *collector) distinct() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, ns := range c.seen {
		m := map[int]bool{}
		for _, v := range ns {
			m[v] = true
		}
		n += len(m)
	}
	return n
}

// inOrder checks that each key's first sightings come in order; repeats are allowed.
func (c *collector) inOrder(t *testing.T) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, ns := range c.seen {
		next := 0
		for _, n := range ns {
			if n > next {
				t.Fatalf("key %s: saw %d before %d", key, n, next)
			}
			if n == next {
				next++
			}
		}
	}
}

// Run puts b through the battery.
func Run(t *testing.T, b Broker) {
	t.Run("order", func(t *testing.T) { testOrder(t, b) })
	t.Run("chain", func(t *testing.T) { testChain(t, b) })
	t.Run("retry", func(t *testing.T) { testRetry(t, b) })
	t.Run("dead", func(t *testing.T) { testDead(t, b) })
	t.Run("delivered again", func(t *testing.T) { testDelivered(t, b) })
	t.Run("batch", func(t *testing.T) { testBatchCulprit(t, b) })
	t.Run("state", func(t *testing.T) { testState(t, b) })
	t.Run("replay", func(t *testing.T) { testReplay(t, b) })
	t.Run("follow", func(t *testing.T) { testFollow(t, b) })
	t.Run("by time", func(t *testing.T) { testOffsetsAt(t, b) })
	t.Run("large", func(t *testing.T) { testLarge(t, b) })
	t.Run("rebalance", func(t *testing.T) { testRebalance(t, b) })
	t.Run("resume", func(t *testing.T) { testResume(t, b) })
	t.Run("needs", func(t *testing.T) { testNeeds(t, b) })
	t.Run("from now", func(t *testing.T) { testFromNow(t, b) })
	t.Run("partitions", func(t *testing.T) { testPartitionMismatch(t, b) })
	t.Run("partitions/shared", func(t *testing.T) { testSharedPartitions(t, b) })
	if breakable, ok := b.(Breakable); ok {
		t.Run("broken", func(t *testing.T) { testBroken(t, breakable) })
	}
}

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
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
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
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
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

func testReplay(t *testing.T, b Broker) {
	c := dial(t, b)
	in := topic(t, "in", true)
	ensure(t, c, in.Spec)
	publish(t, c, in.Message(item{Key: "a", N: 1}), in.Message(item{Key: "a", N: 2}), in.Tombstone("a", ""), in.Message(item{Key: "a", N: 3}))
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
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
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
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
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
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
	opened := make(chan struct{}, 64)
	stage := bus.Stage{Name: in.Name, FromNow: true,
		In: []bus.Input{bus.With(in.Source, func(c *collector, _ context.Context, i item) ([]event.Message, error) {
			c.take(i)
			return nil, nil
		})},
		Open: func(context.Context, *bus.Bus, int) (any, error) {
			opened <- struct{}{}
			return &got, nil
		},
	}
	stop := run(t, c, stage)
	for range 4 { // partitions
		<-opened
	}
	time.Sleep(500 * time.Millisecond) // the place is committed after the opening
	stop()
	publish(t, c, in.Message(item{Key: "k", N: 1}))
	run(t, c, stage)
	eventually(t, "what came while nobody ran is handled", func() bool { return got.distinct() == 1 })
	if first := got.seen["k"][0]; first != 1 {
		t.Errorf("began with event %d, want 1: what was there before is not for it", first)
	}
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
		ctx, cancel = context.WithTimeout(context.Background(), 60*time.Second)
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
