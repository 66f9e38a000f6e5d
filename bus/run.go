package bus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"throughline/event"
)

const (
	defaultMaxBatch = 256
	commitEvery     = 200 * time.Millisecond
	commitRetry     = 30 * time.Second     // at most, where it is refused again and again
	handleSlice     = 5 * time.Millisecond // results are published at least this often
	finishWithin    = 5 * time.Second      // what a stopping partition may take to publish and commit
)

// Run takes part in the consumer group of s until ctx ends; it returns nil then.
// It outlives brokers that go away and rebalances.
func (b *Bus) Run(ctx context.Context, s Stage) error {
	if err := s.check(); err != nil {
		return err
	}
	if s.MaxBatch == 0 {
		s.MaxBatch = defaultMaxBatch
	}
	topics := make([]string, len(s.In))
	specs := append([]event.Spec(nil), s.Out...)
	for i, in := range s.In {
		topics[i] = in.topic.Name
		specs = append(specs, in.topic)
	}
	if err := b.Ensure(ctx, specs...); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("stage %s: %w", s.Name, err)
	}
	start := kafka.FirstOffset
	if s.FromNow {
		start = kafka.LastOffset
	}
	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: s.Name, Brokers: b.cfg.Brokers, Dialer: b.dialer, Topics: topics,
		GroupBalancers:    []kafka.GroupBalancer{orderedRange{}},
		SessionTimeout:    b.cfg.SessionTimeout,
		HeartbeatInterval: b.cfg.SessionTimeout / 5,
		RebalanceTimeout:  finishWithin + b.cfg.SessionTimeout,
		JoinGroupBackoff:  500 * time.Millisecond,
		StartOffset:       start,
	})
	if err != nil {
		return fmt.Errorf("stage %s: %w", s.Name, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = group.Close() })
	defer func() {
		stop()
		_ = group.Close() // closing twice is allowed and waits for the partitions
	}()
	pause := newBackoff(50*time.Millisecond, 2*time.Second)
	for {
		gen, err := group.Next(ctx)
		if ctx.Err() != nil || errors.Is(err, kafka.ErrGroupClosed) {
			return nil
		}
		if err != nil {
			b.log.Warn("joining the group failed, trying again", "stage", s.Name, "error", err)
			if !pause.wait(ctx) {
				return nil
			}
			continue
		}
		pause = newBackoff(50*time.Millisecond, 2*time.Second)
		b.assign(gen, s)
	}
}

// assign starts one goroutine for each partition of a generation.
func (b *Bus) assign(gen *kafka.Generation, s Stage) {
	offsets := map[int][]int64{} // partition → offset of each input, −1 where not assigned
	for i, in := range s.In {
		for _, a := range gen.Assignments[in.topic.Name] {
			if offsets[a.ID] == nil {
				offsets[a.ID] = make([]int64, len(s.In))
				for j := range offsets[a.ID] {
					offsets[a.ID][j] = notAssigned
				}
			}
			offsets[a.ID][i] = a.Offset
		}
	}
	for p, from := range offsets {
		run := &partitionRun{bus: b, stage: s, partition: p, from: from, done: make([]int64, len(s.In)), committed: make([]int64, len(s.In)), held: make([]fetched, len(s.In)),
			commit: func(next map[string]map[int]int64) error { return b.commit(gen, next) }}
		gen.Start(run.run)
	}
}

const notAssigned = -100

// partitionRun handles one partition number of all inputs of a stage, in one goroutine.
type partitionRun struct {
	bus       *Bus
	stage     Stage
	partition int
	from      []int64
	commit    func(map[string]map[int]int64) error

	state     any
	done      []int64 // next offset to handle, by input; 0: nothing handled yet
	committed []int64
	held      []fetched        // by input: what waits for company, see Stage.Linger
	lags      []*lag           // by input; nil where not assigned
	due       <-chan time.Time // commits
	refused   time.Duration    // how long to leave the broker alone, which took no commit
	until     time.Time        // when that is over
}

func (r *partitionRun) run(ctx context.Context) {
	log := r.bus.log.With("stage", r.stage.Name, "partition", r.partition)
	if !r.open(ctx) || !r.settleStart(ctx) {
		return
	}
	in := make(chan fetched)
	var readers sync.WaitGroup
	rctx, stopReading := context.WithCancel(ctx)
	r.lags = make([]*lag, len(r.stage.In))
	for i, input := range r.stage.In {
		if r.from[i] != notAssigned {
			var forget func()
			r.lags[i], forget = r.bus.metrics.newLag(r.stage.Name, input.topic.Name, r.partition)
			defer forget()
			r.readAhead(rctx, &readers, i, in)
		}
	}
	defer readers.Wait()
	defer stopReading()
	commits := time.NewTicker(commitEvery)
	defer commits.Stop()
	r.due = commits.C
	var ticks, linger <-chan time.Time
	if r.stage.Tick != nil {
		t := time.NewTicker(r.stage.TickEvery)
		defer t.Stop()
		ticks = t.C
	}
	for {
		select {
		case <-ctx.Done():
			r.save(log.Error)
			return
		case <-r.due:
			r.saveDue(log.Warn)
		case now := <-ticks:
			r.tick(ctx, now)
		case f := <-in:
			if held := &r.held[f.input]; r.stage.Linger > 0 {
				r.decode(f)
				if held.recs = append(held.recs, f.recs...); len(held.recs) < r.stage.MaxBatch {
					held.input = f.input
					if linger == nil {
						linger = time.After(r.stage.Linger)
					}
					continue
				}
				f.recs, held.recs = held.recs, nil
			}
			if !r.handle(ctx, f) {
				r.save(log.Error)
				return
			}
		case <-linger:
			linger = nil
			for i := range r.held {
				f := r.held[i]
				r.held[i].recs = nil
				if len(f.recs) > 0 && !r.handle(ctx, f) {
					r.save(log.Error)
					return
				}
			}
		}
	}
}

// decode does as they come what would be much at once when the batch is full.
func (r *partitionRun) decode(f fetched) {
	ahead := r.stage.In[f.input].decode
	if ahead == nil {
		return
	}
	var pace Pace
	for i := range f.recs {
		f.recs[i].decoded = ahead(f.recs[i])
		pace.Step()
	}
}

// open makes the partition's state, however long its source is away.
func (r *partitionRun) open(ctx context.Context) bool {
	if r.stage.Open == nil {
		return true
	}
	pause := newBackoff(50*time.Millisecond, 5*time.Second)
	for {
		state, err := r.stage.Open(ctx, r.bus, r.partition)
		if err == nil {
			r.state = state
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		r.bus.log.Warn("opening a partition failed, trying again", "stage", r.stage.Name, "partition", r.partition, "error", err)
		if !pause.wait(ctx) {
			return false
		}
	}
}

// settleStart turns "the end" into an offset and commits it before anything is
// read: a partition that was quiet until the process stopped would else begin at
// a later end, and miss what came between.
func (r *partitionRun) settleStart(ctx context.Context) bool {
	topics := map[string]map[int]int64{}
	for i, in := range r.stage.In {
		if r.from[i] != kafka.LastOffset {
			continue
		}
		_, end, err := r.bus.bounds(ctx, in.topic.Name, r.partition)
		if err != nil {
			return false // only when ctx ended
		}
		r.from[i] = end
		topics[in.topic.Name] = map[int]int64{r.partition: end}
	}
	pause := newBackoff(50*time.Millisecond, 2*time.Second)
	for len(topics) > 0 {
		if err := r.commit(topics); err == nil {
			return true
		}
		if !pause.wait(ctx) {
			return false
		}
	}
	return true
}

// saveDue commits on time, and less and less often where that fails: a broker may
// refuse for hours, while its disk is full, and each time is told to the log.
func (r *partitionRun) saveDue(report func(string, ...any)) {
	now := time.Now()
	switch {
	case now.Before(r.until):
	case r.save(report):
		r.refused = 0
	default:
		r.refused = min(max(2*r.refused, commitEvery), commitRetry)
		r.until = now.Add(r.refused)
	}
}

// save commits what is handled; false: that was refused.
func (r *partitionRun) save(report func(string, ...any)) bool {
	topics, next := map[string]map[int]int64{}, slices.Clone(r.done)
	for i, in := range r.stage.In {
		if r.stage.Needs != nil {
			if first, held := r.stage.Needs(r.state, in.topic.Name); held {
				next[i] = min(next[i], first)
			}
		}
		if next[i] > r.committed[i] {
			topics[in.topic.Name] = map[int]int64{r.partition: next[i]}
		}
	}
	if len(topics) == 0 {
		return true
	}
	if err := r.commit(topics); err != nil {
		report("committing offsets failed; events will be handled again", "error", err)
		return false
	}
	for i := range next {
		r.committed[i] = max(r.committed[i], next[i])
	}
	return true
}

func (r *partitionRun) tick(ctx context.Context, now time.Time) {
	outs, err := guard(func() ([]event.Message, error) { return r.stage.Tick(ctx, r.state, now) })
	if err == nil {
		pctx, cancel := finishing(ctx) // as handle does: the state has changed
		err = r.bus.publish(pctx, untraced(outs))
		cancel()
	}
	if err != nil && ctx.Err() == nil {
		r.bus.log.Error("tick failed, trying again at the next", "stage", r.stage.Name, "partition", r.partition, "error", err)
	}
}

func untraced(msgs []event.Message) []outgoing {
	outs := make([]outgoing, len(msgs))
	for i, m := range msgs {
		outs[i] = outgoing{Message: m}
	}
	return outs
}

// handle works through what a fetch brought. False: ctx ended before all of it
// was handled and its results stored.
func (r *partitionRun) handle(ctx context.Context, f fetched) bool {
	input := r.stage.In[f.input]
	recs := f.recs
	for len(recs) > 0 {
		started := time.Now()
		outs, n := r.step(ctx, input, recs)
		if n == 0 {
			return false
		}
		// Results of a stopping stage are still stored: the state has changed.
		pctx, cancel := finishing(ctx)
		err := r.bus.publish(pctx, outs)
		cancel()
		if err != nil {
			if IsPermanent(err) {
				// One result is too large or cannot be encoded. Its input is
				// set aside whole rather than half of its effects kept.
				if r.setAside(ctx, input, recs[:n], err) {
					r.done[f.input] = recs[n-1].offset + 1
					recs = recs[n:]
					continue
				}
			}
			return false
		}
		r.done[f.input] = recs[n-1].offset + 1
		r.lags[f.input].handled(r.done[f.input])
		r.bus.metrics.handled.WithLabelValues(r.stage.Name, input.topic.Name).Add(float64(n))
		r.bus.metrics.handleSeconds.WithLabelValues(r.stage.Name, input.topic.Name).Observe(time.Since(started).Seconds())
		r.bus.metrics.age.WithLabelValues(r.stage.Name, input.topic.Name).Observe(time.Since(recs[n-1].time).Seconds())
		recs = recs[n:]
		select {
		case <-r.due: // one fetch may take a slow handler an hour
			r.saveDue(r.bus.log.Warn)
		default:
		}
	}
	return true
}

func finishing(ctx context.Context) (context.Context, context.CancelFunc) {
	fctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		t := time.AfterFunc(finishWithin, cancel)
		context.AfterFunc(fctx, func() { t.Stop() })
	})
	return fctx, func() { stop(); cancel() }
}

// step handles the first records of recs and returns their results and number;
// 0 means that ctx ended first.
func (r *partitionRun) step(ctx context.Context, input Input, recs []raw) ([]outgoing, int) {
	recs = recs[:min(len(recs), r.stage.MaxBatch)]
	if !input.single {
		return r.attempt(ctx, input, recs)
	}
	var outs []outgoing
	started := time.Now()
	for i := range recs {
		if i > 0 && time.Since(started) > handleSlice {
			return outs, i
		}
		more, n := r.attempt(ctx, input, recs[i:i+1])
		if n == 0 {
			return outs, i
		}
		outs = append(outs, more...)
	}
	return outs, len(recs)
}

// attempt handles recs as one: it retries what may heal, and sets aside what
// cannot. It returns 0 when ctx ended.
func (r *partitionRun) attempt(ctx context.Context, input Input, recs []raw) ([]outgoing, int) {
	pause := newBackoff(50*time.Millisecond, 15*time.Second)
	for tries := 0; ; tries++ {
		hctx, end := startSpan(ctx, r.stage.Name, recs[0])
		msgs, err := guard(func() ([]event.Message, error) { return input.handle(hctx, r.state, recs) })
		end(err)
		switch {
		case err == nil:
			headers := injectTrace(hctx)
			outs := make([]outgoing, len(msgs))
			for i, m := range msgs {
				outs[i] = outgoing{Message: m, headers: headers}
			}
			return outs, len(recs)
		case IsPermanent(err) && len(recs) > 1:
			return r.oneByOne(ctx, input, recs)
		case IsPermanent(err):
			if !r.setAside(ctx, input, recs, err) {
				return nil, 0
			}
			return nil, 1
		case ctx.Err() != nil:
			return nil, 0
		}
		r.bus.metrics.retries.WithLabelValues(r.stage.Name, input.topic.Name).Inc()
		if tries%10 == 0 {
			r.bus.log.Warn("handling failed, trying again", "stage", r.stage.Name, "topic", input.topic.Name,
				"partition", r.partition, "offset", recs[0].offset, "tries", tries+1, "error", err)
		}
		if !pause.wait(ctx) {
			return nil, 0
		}
	}
}

func (r *partitionRun) oneByOne(ctx context.Context, input Input, recs []raw) ([]outgoing, int) {
	var outs []outgoing
	for i := range recs {
		more, n := r.attempt(ctx, input, recs[i:i+1])
		if n == 0 {
			return outs, i
		}
		outs = append(outs, more...)
	}
	return outs, len(recs)
}

// setAside writes recs to the dead-letter topic as they came, with the reason.
func (r *partitionRun) setAside(ctx context.Context, input Input, recs []raw, cause error) bool {
	dead := input.topic.Dead()
	outs := make([]outgoing, len(recs))
	for i, rec := range recs {
		value := rec.value
		if value == nil {
			value = []byte("null")
		}
		outs[i] = outgoing{
			Message: event.Message{Topic: dead, Key: string(rec.key)},
			encoded: value,
			headers: append(rec.headers[:len(rec.headers):len(rec.headers)],
				kafka.Header{Key: headerError, Value: []byte(cause.Error())},
				kafka.Header{Key: headerStage, Value: []byte(r.stage.Name)},
				kafka.Header{Key: headerTopic, Value: []byte(rec.topic)},
				kafka.Header{Key: headerPartition, Value: fmt.Append(nil, rec.partition)},
				kafka.Header{Key: headerOffset, Value: fmt.Append(nil, rec.offset)}),
		}
	}
	if err := r.bus.publish(ctx, outs); err != nil {
		if ctx.Err() == nil {
			r.bus.log.Error("setting an event aside failed", "stage", r.stage.Name, "topic", input.topic.Name, "error", err)
		}
		return false
	}
	r.bus.metrics.dead.WithLabelValues(r.stage.Name, input.topic.Name).Add(float64(len(recs)))
	r.bus.log.Error("event set aside", "stage", r.stage.Name, "topic", input.topic.Name, "dead", dead.Name,
		"partition", r.partition, "offset", recs[0].offset, "error", cause)
	return true
}

// guard turns a panic of a handler into a permanent error. The panic's value is
// not kept, since it may quote the event; the stack is.
func guard(f func() ([]event.Message, error)) (msgs []event.Message, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = Permanent(fmt.Errorf("handler panicked (%T)\n%s", p, debug.Stack()))
		}
	}()
	return f()
}

// orderedRange gives one member the same partitions of every topic, which is
// what keyed state needs. kafka-go's range balancer deals partitions in the
// order that the metadata happens to list them, so they are sorted first.
type orderedRange struct{ kafka.RangeGroupBalancer }

func (r orderedRange) AssignGroups(members []kafka.GroupMember, partitions []kafka.Partition) kafka.GroupMemberAssignments {
	partitions = slices.Clone(partitions)
	slices.SortFunc(partitions, func(a, b kafka.Partition) int { return cmp.Compare(a.ID, b.ID) })
	return r.RangeGroupBalancer.AssignGroups(members, partitions)
}
