package ingest

import (
	"cmp"
	"container/list"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"throughline/bus"
	"throughline/event"
)

// quiet is the silence after which a partition counts as restored although its
// last offset was not seen: retention or an undecodable event may stand there.
const quiet = 2 * time.Second

// publishing is how much earlier than its interaction's start a turn may seem to have
// been published, by the clocks of two processes.
const publishing = time.Minute

// Run restores the interactions, follows the topics and ends what is over. It
// returns nil when ctx ends. Ready is closed in between.
func (s *Sessions) Run(ctx context.Context, b *bus.Bus) error {
	g, inner := errgroup.WithContext(ctx)
	g.Go(func() error {
		// Interactions first: an end must be known before the turns it covers.
		first, end, err := b.AwaitBounds(inner, event.Interactions().Name)
		if err != nil {
			return err
		}
		if err := follow(inner, g, b, event.Interactions().Source, first, end, func(r bus.Record[event.Interaction]) {
			s.readChange(r.Value, r.Offset)
		}); err != nil {
			return err
		}
		if err := s.restoreTurns(inner, g, b); err != nil {
			return err
		}
		s.sortBySilence()
		close(s.ready)
		return s.sweepAlways(inner, b)
	})
	if err := g.Wait(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("ingest sessions: %w", err)
	}
	return nil
}

// sortBySilence puts the sessions in the order that the sweep relies on: while
// partitions are restored side by side they come in any order.
func (s *Sessions) sortBySilence() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ch, l := range s.silent {
		all := make([]*session, 0, l.Len())
		for at := l.Front(); at != nil; at = at.Next() {
			all = append(all, at.Value.(*session))
		}
		slices.SortFunc(all, func(a, b *session) int { return cmp.Compare(b.last.UnixNano(), a.last.UnixNano()) })
		sorted := list.New()
		for _, e := range all {
			e.element = sorted.PushBack(e)
		}
		s.silent[ch] = sorted
	}
}

func (s *Sessions) sweepAlways(ctx context.Context, p Publisher) error {
	tick := time.NewTicker(s.cfg.SweepEvery)
	defer tick.Stop()
	for {
		if _, err := s.Sweep(ctx, p); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "interactions were not ended, will try again", "component", "ingest", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// restoreTurns reads the turns that are needed, and goes on with what comes. An
// interaction that was silent since before them may have been alive until then.
func (s *Sessions) restoreTurns(ctx context.Context, g *errgroup.Group, b *bus.Bus) error {
	first, end, err := b.AwaitBounds(ctx, event.Turns().Name)
	if err != nil {
		return err
	}
	from, err := s.needed(ctx, b, first, end)
	if err != nil {
		return err
	}
	oldest := make([]time.Time, len(from)) // each is written by its partition's reader alone, before its end is reached
	if err := follow(ctx, g, b, event.Turns(), from, end, func(r bus.Record[event.Turn]) {
		if r.Offset < end[r.Partition] && oldest[r.Partition].IsZero() {
			oldest[r.Partition] = r.Value.Received
		}
		s.readTurn(r.Value)
	}); err != nil {
		return err
	}
	for p := range from {
		if from[p] > first[p] {
			s.aliveUntil(oldest[p])
		}
	}
	return nil
}

// needed tells from where on turns must be read: enough of them to know
// redeliveries by, and every one that a watcher wants of a known interaction.
func (s *Sessions) needed(ctx context.Context, b *bus.Bus, first, end []int64) ([]int64, error) {
	from := make([]int64, len(end))
	for p := range end {
		from[p] = max(first[p], end[p]-int64(s.cfg.Memory/len(end)))
	}
	since, wanted := s.watchedSince()
	if !wanted {
		return from, nil
	}
	at, err := b.OffsetsAt(ctx, event.Turns().Name, since.Add(-publishing))
	if err != nil {
		return nil, err
	}
	for p := range from {
		from[p] = max(first[p], min(from[p], at[p]))
	}
	return from, nil
}

// follow reads src between two offsets of each partition into visit, and returns
// when that is done; the followers go on in g.
func follow[T any](ctx context.Context, g *errgroup.Group, b *bus.Bus, src event.Source[T], from, end []int64, visit func(bus.Record[T])) error {
	parts := make([]*restoring, len(end))
	for p := range end {
		r := &restoring{end: end[p], done: make(chan struct{})}
		r.saw(from[p] - 1)
		parts[p] = r
		g.Go(func() error {
			return bus.Follow(ctx, b, src, p, from[p], func(rec bus.Record[T]) error {
				if !rec.Deleted {
					visit(rec)
				}
				r.saw(rec.Offset)
				return nil
			})
		})
	}
	for _, r := range parts {
		if err := r.wait(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// restoring is a partition on its way to end.
type restoring struct {
	end  int64
	last atomic.Int64 // UnixNano of the last event
	once sync.Once
	done chan struct{}
}

func (r *restoring) saw(offset int64) {
	r.last.Store(time.Now().UnixNano())
	if offset >= r.end-1 {
		r.once.Do(func() { close(r.done) })
	}
}

func (r *restoring) wait(ctx context.Context, b *bus.Bus) error {
	tick := time.NewTicker(quiet / 4)
	defer tick.Stop()
	for {
		select {
		case <-r.done:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			silent := time.Since(time.Unix(0, r.last.Load())) > quiet
			if silent && b.Ready(ctx) == nil {
				return nil
			}
		}
	}
}
