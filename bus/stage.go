package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"throughline/event"
)

// Stage is one step of the pipeline, declared as a value: who it is, what it
// reads, what it writes. Its handlers are plain functions of domain types. A
// handler returns the messages to publish; nil error commits. An error made by
// Permanent sends the event to <topic>.dead; any other error is retried in
// order, with backoff, for as long as it takes.
type Stage struct {
	// Name is the consumer group: processes that run the same stage share the partitions.
	Name string
	// In lists the inputs. Inputs keyed alike are handed to one goroutine a
	// partition, so a handler never runs twice at once on one partition's state.
	In []Input
	// Out lists what the handlers may publish.
	Out []event.Spec
	// Open makes the state of one partition when it is assigned: restored from
	// a compacted topic, say. It is retried until it works. Nil: no state.
	Open func(ctx context.Context, b *Bus, partition int) (any, error)
	// Tick, if set, is called on the state about once every TickEvery, for what
	// happens by time alone.
	Tick      func(ctx context.Context, state any, now time.Time) ([]event.Message, error)
	TickEvery time.Duration
	// Needs, if set, gives the first offset of an input's topic that the state
	// still works on, for stages whose results come later than their handlers
	// return; offsets are committed up to there only. False: nothing is held.
	Needs func(state any, topic string) (offset int64, ok bool)
	// Linger waits this long for a larger batch; only stages that pay a lot for
	// each batch want it.
	Linger time.Duration
	// FromNow lets a group that is new begin with what is published from now on,
	// not with all that its topics still hold.
	FromNow bool
	// MaxBatch bounds the events handled before their results are published; 0 is 256.
	MaxBatch int
}

// Input is one topic of a Stage and what handles its events.
type Input struct {
	topic  event.Spec
	handle func(ctx context.Context, state any, recs []raw) ([]event.Message, error)
	decode func(raw) any // gives the Record for raw.decoded; nil: handle finds what is wrong
	single bool          // handle takes one event at a time
}

// Topic is what the input reads.
func (i Input) Topic() event.Spec { return i.topic }

// Record is an event with its place on the topic. Deleted marks a tombstone:
// the key's value is gone and Value is the zero T. T may name fewer fields than
// the event has; what it leaves out is skipped, which is much cheaper.
type Record[T any] struct {
	Topic     string
	Partition int
	Offset    int64
	Key       string
	Time      time.Time // when it was published
	Value     T
	Bytes     []byte // Value as it lies on the topic; not to be changed
	Deleted   bool
}

// Each declares an input whose events are handled one by one by a function
// without state.
func Each[T any](src event.Source[T], handle func(context.Context, T) ([]event.Message, error)) Input {
	return With(src, func(_ any, ctx context.Context, v T) ([]event.Message, error) { return handle(ctx, v) })
}

// With declares an input whose events are handled one by one, together with the
// partition's state that Stage.Open made. A method expression such as
// (*Shard).Turn fits.
func With[S, T any](src event.Source[T], handle func(S, context.Context, T) ([]event.Message, error)) Input {
	return Input{topic: src.Spec, single: true, handle: func(ctx context.Context, state any, recs []raw) ([]event.Message, error) {
		s, err := stateAs[S](state)
		if err != nil {
			return nil, err
		}
		rec, err := decode[T](recs[0])
		if err != nil || rec.Deleted {
			return nil, err
		}
		return handle(s, ctx, rec.Value)
	}}
}

// Batch declares an input whose events are handled many at a time, with their
// places, for stages that write blocks. When the handler returns a permanent
// error for a batch it is called again with each event alone, so that only the
// culprit is set aside.
func Batch[S, T any](src event.Source[T], handle func(S, context.Context, []Record[T]) ([]event.Message, error)) Input {
	ahead := func(r raw) any {
		if rec, err := decode[T](r); err == nil {
			return rec
		}
		return nil
	}
	return Input{topic: src.Spec, decode: ahead, handle: func(ctx context.Context, state any, recs []raw) ([]event.Message, error) {
		s, err := stateAs[S](state)
		if err != nil {
			return nil, err
		}
		values := make([]Record[T], 0, len(recs))
		var pace Pace
		for _, r := range recs {
			rec, ok := r.decoded.(Record[T])
			if !ok {
				if rec, err = decode[T](r); err != nil {
					return nil, err
				}
				pace.Step()
			}
			values = append(values, rec)
		}
		return handle(s, ctx, values)
	}}
}

func stateAs[S any](state any) (S, error) {
	s, ok := state.(S)
	if !ok && state != nil {
		return s, Permanent(fmt.Errorf("stage state: handler wants %T, Open made %T", s, state))
	}
	return s, nil
}

type permanent struct{ err error }

func (p permanent) Error() string { return p.err.Error() }
func (p permanent) Unwrap() error { return p.err }

// Permanent marks err as one that no retry can heal.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return permanent{err}
}

// IsPermanent tells whether err was marked by Permanent.
func IsPermanent(err error) bool {
	_, ok := errors.AsType[permanent](err)
	return ok
}

func (s Stage) check() error {
	if s.Name == "" || len(s.In) == 0 {
		return errors.New("stage: Name and In are required")
	}
	for _, in := range s.In {
		if in.topic.Name == "" || in.handle == nil {
			return fmt.Errorf("stage %s: an input has no topic or handler", s.Name)
		}
	}
	if s.Tick != nil && s.TickEvery <= 0 {
		return fmt.Errorf("stage %s: TickEvery must be more than 0", s.Name)
	}
	return nil
}
