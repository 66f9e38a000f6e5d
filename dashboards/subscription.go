package dashboards

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

var (
	// ErrBehind ends a subscription whose reader was slower than the events for
	// so long that they left memory. It may resume from its last id.
	ErrBehind = errors.New("the reader is too slow")
	// ErrStopped ends subscriptions when the hub stops.
	ErrStopped = errors.New("the hub has stopped")
)

const (
	batchEvents = 256 // handed over at once
	spanEvents  = 512 // read from Kafka at once
)

// Subscription is one reader of the stream. It holds no events of its own: it
// walks along those of the hub. It is not safe for concurrent use.
type Subscription struct {
	hub    *Hub
	tenant string
	filter Filter

	// Reset says why the reader must fetch a snapshot, since it could not be
	// resumed where it asked; empty: it was.
	Reset string

	number   uint64   // of the next event among the recent ones
	last     string   // position after the last event that was looked at
	catching bool     // the reader's position is not the hub's: ids are its own
	at       Position // of the reader, while catching
	walked   Position // of the hub where the reader walks, while catching
	behind   bool     // at is older than what is recent: Kafka comes first
	seen     *lately  // while behind: ids of the partition that is read again
	seenAt   place    // that partition, and the offset up to which seen knows it
}

// Subscribe opens a subscription of tenant's events that begins after from, or
// now where from is nil. It waits until the hub is ready.
func (h *Hub) Subscribe(ctx context.Context, tenant string, from Position, f Filter) (*Subscription, error) {
	select {
	case <-h.ready:
	case <-h.stopped:
		return nil, ErrStopped
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s := &Subscription{hub: h, tenant: tenant, filter: f}
	if from == nil {
		s.begin()
		return s, nil
	}
	why, err := h.unreachable(ctx, from)
	if err != nil {
		return nil, err
	}
	if why != "" {
		s.begin()
		s.Reset = why
		return s, nil
	}
	s.at, s.catching = from, true
	s.join()
	return s, nil
}

// begin puts s at what comes next.
func (s *Subscription) begin() {
	s.hub.mu.RLock()
	defer s.hub.mu.RUnlock()
	s.number, s.last = s.hub.recent.next(), s.hub.recent.head.String()
}

// join puts s among the recent events, if they go back far enough for it.
func (s *Subscription) join() {
	s.hub.mu.RLock()
	defer s.hub.mu.RUnlock()
	r := s.hub.recent
	s.behind = !s.at.covers(r.base)
	if !s.behind {
		s.number, s.walked = r.first, r.base.clone()
	}
}

// unreachable tells why the events after from cannot all be had, or raises from
// to where those of lossy and compacted topics begin: what is gone there has
// been replaced by what is still to come.
func (h *Hub) unreachable(ctx context.Context, from Position) (string, error) {
	h.mu.RLock()
	base, head := h.recent.base.clone(), h.recent.head.clone()
	h.mu.RUnlock()
	if !from.fits(head) {
		return "the id is of another stream", nil
	}
	gap := int64(0)
	for t, spec := range Topics() {
		if (Position{from[t]}).covers(Position{base[t]}) && (Position{head[t]}).covers(Position{from[t]}) {
			continue
		}
		first, end, err := h.bus.Bounds(ctx, spec.Name)
		if err != nil {
			return "", fmt.Errorf("resume stream: %w", err)
		}
		for p := range from[t] {
			switch {
			case from[t][p] > end[p]:
				return "the id is of another stream", nil
			case from[t][p] < first[p] && (spec.Lossy || spec.Compact):
				from[t][p] = first[p]
			case from[t][p] < first[p]:
				return "the id is older than the events that are kept", nil
			}
			gap += max(0, base[t][p]-from[t][p])
		}
	}
	if gap > int64(h.cfg.Replay) {
		return "the id is too many events ago", nil
	}
	return "", nil
}

// Position is the id from which the reader would go on if it broke off now.
func (s *Subscription) Position() string {
	if s.catching {
		return s.at.String()
	}
	return s.last
}

// Next returns the next events that the reader wants, as soon as there is one.
func (s *Subscription) Next(ctx context.Context) ([]*Event, error) {
	for {
		if s.behind {
			events, err := s.again(ctx)
			if err != nil || len(events) > 0 {
				return events, err
			}
			continue
		}
		events, wake, err := s.look()
		if err != nil {
			return nil, err
		}
		if events = coalesce(s.pick(events)); len(events) > 0 {
			return events, nil
		}
		if wake == nil {
			continue
		}
		select {
		case <-wake:
		case <-s.hub.stopped:
			return nil, ErrStopped
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// look takes the next recent events, or what to wait for where there are none.
func (s *Subscription) look() ([]*Event, <-chan struct{}, error) {
	h := s.hub
	h.mu.RLock()
	if s.number < h.recent.first {
		h.mu.RUnlock()
		return nil, nil, ErrBehind
	}
	if s.number < h.recent.next() {
		defer h.mu.RUnlock()
		return h.recent.from(s.number, batchEvents, make([]*Event, 0, min(batchEvents, h.recent.next()-s.number))), nil, nil
	}
	h.mu.RUnlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.number < h.recent.next() { // it came between the locks
		return nil, nil, nil
	}
	h.waiting = true
	return nil, h.wake, nil
}

// pick moves s over events and keeps those that its reader wants and has not seen.
func (s *Subscription) pick(events []*Event) []*Event {
	wanted := make([]*Event, 0, len(events))
	pushes := slices.Contains(s.filter.Topics, ContextEvent)
	for _, e := range events {
		s.number++
		s.last = e.ID
		if s.catching {
			s.walked.passed(e.at)
			if s.at.passed(e.at) {
				s.caughtUp()
				continue
			}
		}
		// It has no id of its own: who breaks off before e gets both again.
		if pushes && e.pushed != nil && s.wants(e.pushed) {
			wanted = append(wanted, e.pushed)
		}
		if s.wants(e) {
			if s.catching {
				e = e.sealed(s.at)
			}
			wanted = append(wanted, e)
		}
		if s.catching {
			s.caughtUp()
		}
	}
	return wanted
}

// caughtUp ends catching once the reader stands where the hub stood; from there
// on it shares the hub's ids.
func (s *Subscription) caughtUp() {
	if s.walked.covers(s.at) {
		s.catching, s.at, s.walked = false, nil, nil
	}
}

func (s *Subscription) wants(e *Event) bool {
	return !e.silent() && e.tenant == s.tenant && s.filter.wants(e) && !s.ofAnother(e)
}

// ofAnother tells whether e was of the person who had the handle of the wanted
// customer before.
func (s *Subscription) ofAnother(e *Event) bool {
	if s.filter.Customer == "" || e.when.IsZero() {
		return false
	}
	s.hub.mu.RLock()
	defer s.hub.mu.RUnlock()
	j := s.hub.live.journeys.get(e.customer)
	return j != nil && e.when.Before(j.Since)
}

// again reads one piece of what is no longer recent, of the first partition
// that lacks any.
func (s *Subscription) again(ctx context.Context) ([]*Event, error) {
	s.hub.mu.RLock()
	base := s.hub.recent.base.clone()
	s.hub.mu.RUnlock()
	for t := range s.at {
		for p, from := range s.at[t] {
			if from >= base[t][p] {
				continue
			}
			to := min(base[t][p], from+spanEvents)
			early := from
			if next := (place{t, p, from}); s.seen == nil || s.seenAt != next {
				first, _, err := s.hub.bus.Bounds(ctx, Topics()[t].Name)
				if err != nil {
					return nil, fmt.Errorf("resume stream: %w", err)
				}
				s.seen, early = newLately(), min(from, max(first[p], from-repeatWithin))
			}
			events, err := feeds()[t].read(ctx, s.hub, p, early, from, to, s.seen)
			if err != nil {
				return nil, err
			}
			s.seenAt = place{t, p, to}
			wanted := events[:0]
			for _, e := range events {
				if !s.at.passed(e.at) && s.wants(e) {
					wanted = append(wanted, e.sealed(s.at))
				}
			}
			s.at[t][p] = max(s.at[t][p], to)
			return coalesce(wanted), nil
		}
	}
	s.seen = nil
	s.join()
	return nil, nil
}

// coalesce keeps of several partials of one turn the last: it says all that the
// ones before it said. This is what keeps a slow reader close to the present.
func coalesce(events []*Event) []*Event {
	partials := 0
	for _, e := range events {
		if e.replaces != "" {
			partials++
		}
	}
	if partials < 2 {
		return events
	}
	newest := make(map[string]int, partials)
	for i, e := range events {
		if e.replaces != "" {
			newest[e.replaces] = i
		}
	}
	kept := events[:0]
	for i, e := range events {
		if e.replaces == "" || newest[e.replaces] == i {
			kept = append(kept, e)
		}
	}
	return kept
}
