package bus

import (
	"context"
	"fmt"
	"time"

	"throughline/event"
)

// Replay reads partition of src from its start to where it ends now, in order,
// and returns the offset after the last. It is how a stage restores what it
// keeps on a compacted topic. Events that cannot be decoded are skipped, counted
// and logged: one of them must not keep a stage from starting.
func Replay[T any](ctx context.Context, b *Bus, src event.Source[T], partition int, visit func(Record[T]) error) (int64, error) {
	first, end, err := b.bounds(ctx, src.Name, partition)
	if err != nil {
		return 0, fmt.Errorf("replay %s/%d: %w", src.Name, partition, err)
	}
	if first >= end {
		return end, nil
	}
	return end, b.span(ctx, src.Name, partition, first, end, func(r raw) error {
		rec, err := decode[T](r)
		if err != nil {
			b.metrics.dead.WithLabelValues("replay", src.Name).Inc()
			b.log.Error("event skipped in a replay", "topic", src.Name, "partition", partition, "offset", r.offset, "error", err)
			return nil
		}
		return visit(rec)
	})
}

// span reads [from, end). Where the broker has nothing to give below end,
// compaction removed the last records, and the reading is done.
func (b *Bus) span(ctx context.Context, topic string, partition int, from, end int64, visit func(raw) error) error {
	f := &fetcher{bus: b, topic: topic, partition: partition, next: from, wait: 200 * time.Millisecond}
	pause := newBackoff(20*time.Millisecond, 2*time.Second)
	for f.next < end {
		recs, high, err := f.fetch(ctx)
		if err != nil {
			if !pause.wait(ctx) {
				return fmt.Errorf("read %s/%d: %w", topic, partition, err)
			}
			continue
		}
		if len(recs) == 0 && high >= end {
			return nil
		}
		for _, r := range recs {
			if r.offset >= end {
				return nil
			}
			if err := visit(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// Bounds returns, for each partition of topic, the first offset and the one
// after the last.
func (b *Bus) Bounds(ctx context.Context, topic string) (first, end []int64, err error) {
	n, err := b.Partitions(ctx, topic)
	if err != nil {
		return nil, nil, err
	}
	first, end = make([]int64, n), make([]int64, n)
	for p := range n {
		if first[p], end[p], err = b.bounds(ctx, topic, p); err != nil {
			return nil, nil, fmt.Errorf("offsets of %s/%d: %w", topic, p, err)
		}
	}
	return first, end, nil
}

// AwaitBounds is Bounds, asked until the cluster answers: it may come later than
// we do.
func (b *Bus) AwaitBounds(ctx context.Context, topic string) (first, end []int64, err error) {
	for {
		if first, end, err = b.Bounds(ctx, topic); err == nil {
			return first, end, nil
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
}

// OffsetsAt returns, for each partition of topic, the offset of the first event
// that was published at a moment or later; where there is none, the one after
// the last.
func (b *Bus) OffsetsAt(ctx context.Context, topic string, at time.Time) ([]int64, error) {
	n, err := b.Partitions(ctx, topic)
	if err != nil {
		return nil, err
	}
	offsets := make([]int64, n)
	for p := range n {
		pause := newBackoff(20*time.Millisecond, time.Second)
		for {
			if offsets[p], err = b.askOffsetAt(ctx, topic, p, at); err == nil {
				break
			}
			if !pause.wait(ctx) {
				return nil, fmt.Errorf("offset of %s/%d by time: %w", topic, p, err)
			}
		}
	}
	return offsets, nil
}

// Follow reads partition of src from an offset on and waits for more, until ctx
// ends or visit returns an error. It belongs to no consumer group: every
// follower sees everything. Events that cannot be decoded are skipped and counted.
func Follow[T any](ctx context.Context, b *Bus, src event.Source[T], partition int, from int64, visit func(Record[T]) error) error {
	f := &fetcher{bus: b, topic: src.Name, partition: partition, next: from}
	var failed error
	f.run(ctx, func(recs []raw, _ int64) bool {
		for _, r := range recs {
			rec, err := decode[T](r)
			if err != nil {
				b.metrics.dead.WithLabelValues("follow", src.Name).Inc()
				continue
			}
			if failed = visit(rec); failed != nil {
				return false
			}
		}
		return true
	})
	if failed != nil {
		return failed
	}
	return ctx.Err()
}
