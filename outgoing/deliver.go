package outgoing

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"throughline/bus"
	"throughline/event"
)

// The pauses of one event between its attempts, with full jitter.
const (
	leastRetry = 500 * time.Millisecond
	mostRetry  = time.Minute
)

// shard delivers what one partition brings to one target. Customers go side by
// side, each in its order; a batch is over when all of it is accepted or
// refused, and only then its place is committed. So what a process that died
// had not finished is sent again, with the same ids.
type shard struct {
	target  *target
	mu      sync.Mutex
	settled map[string]error // of the batch in hand, by place: nil was accepted
}

func (s *shard) alerts(ctx context.Context, recs []bus.Record[event.Alert]) ([]event.Message, error) {
	return nil, s.deliver(ctx, notices(recs, ofAlert))
}

func (s *shard) suggestions(ctx context.Context, recs []bus.Record[event.Suggestion]) ([]event.Message, error) {
	return nil, s.deliver(ctx, notices(recs, ofSuggestion))
}

func notices[T any](recs []bus.Record[T], of func(T) Notice) []Notice {
	out := make([]Notice, 0, len(recs))
	for _, r := range recs {
		if !r.Deleted {
			n := of(r.Value)
			n.key, n.since = fmt.Sprintf("%s/%d", r.Topic, r.Offset), r.Time
			out = append(out, n)
		}
	}
	return out
}

// deliver returns when every notice is settled, or ctx ends. The bus calls it
// again with each notice alone where one was refused: those are known then.
func (s *shard) deliver(ctx context.Context, all []Notice) error {
	if len(all) == 0 {
		return nil
	}
	s.mu.Lock()
	if _, again := s.settled[all[0].key]; !again {
		clear(s.settled)
	}
	lanes := map[string][]Notice{}
	for _, n := range all {
		if _, done := s.settled[n.key]; done {
			continue
		}
		if !s.target.wants(n) {
			s.target.passOver(ctx, n)
			s.settled[n.key] = nil
			continue
		}
		lanes[n.Customer] = append(lanes[n.Customer], n)
	}
	s.mu.Unlock()
	forget := s.target.waits(lanes)
	defer forget()

	var running sync.WaitGroup
	for _, lane := range lanes {
		running.Go(func() {
			for _, n := range lane {
				err := s.target.send(ctx, n)
				if ctx.Err() != nil && err != nil && !bus.IsPermanent(err) {
					return
				}
				s.mu.Lock()
				s.settled[n.key] = err
				s.mu.Unlock()
				s.target.arrived(n)
			}
		})
	}
	running.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range all {
		if s.settled[n.key] != nil {
			return s.settled[n.key]
		}
	}
	return ctx.Err()
}

// send repeats n until it is accepted, with the error that sets it aside where
// it never will be, or until ctx ends.
func (t *target) send(ctx context.Context, n Notice) error {
	expiry := n.since.Add(t.MaxAge)
	began, before := time.Now(), t.breaker.taken()
	var last error
	for tries := 0; ; tries++ {
		if n.Stale = t.stale(n); n.Stale && t.Stale == "refuse" {
			return t.setAside(n, fmt.Errorf("stale: decided more than %v ago", t.StaleAfter), last)
		}
		err := errTooOld
		if last == nil || time.Now().Before(expiry) { // what was never tried is tried, however old
			err = t.breaker.enter(ctx, expiry, last == nil)
		}
		if errors.Is(err, errTooOld) {
			return t.setAside(n, fmt.Errorf("older than max_age, %v", t.MaxAge), last)
		}
		if err != nil {
			return err
		}
		started := time.Now()
		v := t.attempt(ctx, n, started)
		if v.err != nil && ctx.Err() != nil {
			v = verdict{result: held, err: ctx.Err()} // we hung up: that says nothing of the target
		}
		t.breaker.leave(v)
		t.note(ctx, n, v, time.Since(started))
		switch {
		case v.result == accepted:
			return nil
		case v.result == refused:
			return t.setAside(n, errors.New("refused"), v.err)
		case v.answered && v.result == failed && time.Since(began) > t.Patience && t.breaker.taken() > before:
			return t.setAside(n, fmt.Errorf("failed for %v while others were accepted", t.Patience), v.err)
		}
		last = v.err
		if v.result == failed && !pause(ctx, jittered(leastRetry, mostRetry, tries), expiry) {
			return ctx.Err()
		}
	}
}

// stale tells whether it is too late to act on n without looking again.
func (t *target) stale(n Notice) bool {
	switch n.Action {
	case event.ActionRoute, event.ActionEscalate, event.ActionDisclose:
		return time.Since(n.At) > t.StaleAfter
	case suggestion:
		return !n.Expires.IsZero() && time.Now().After(n.Expires)
	}
	return false
}

// pause waits, at most until expiry; false: ctx ended.
func pause(ctx context.Context, d time.Duration, expiry time.Time) bool {
	timer := time.NewTimer(min(d, max(time.Until(expiry), 0)))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
