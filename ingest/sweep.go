package ingest

import (
	"context"
	"fmt"
	"time"

	"throughline/event"
)

// The reasons that the sweep gives for an end.
const (
	ReasonIdle     = "idle"
	ReasonReleased = "released" // the customer's handle passed to somebody else
	ReasonCapacity = "capacity"
)

// sweepBatch bounds what one sweep publishes at once.
const sweepBatch = 1000

// ending makes the end of e by silence. It is the same whichever process makes
// it: the id hangs on the interaction, the time on its last turn.
func (s *Sessions) ending(e *session, reason string, now time.Time) event.Interaction {
	return event.Interaction{
		ID: endedID(e.id), Tenant: e.tenant, Customer: e.customer, Interaction: e.id, Channel: e.channel,
		Change: event.Ended, At: e.last.Add(min(s.Idle(e.channel), now.Sub(e.last))), Received: now,
		Reason: reason, Account: e.account, Role: event.System,
	}
}

// of gives the ends of the open conversations of a customer.
func (s *Sessions) of(tenant, customer string, now time.Time) []event.Interaction {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []event.Interaction
	for _, e := range s.threads {
		if e.tenant == tenant && e.customer == customer && e.ended.IsZero() {
			end := s.ending(e, ReasonReleased, now)
			end.At = now
			out = append(out, end)
		}
	}
	return out
}

// due lists the ends of sessions that are over, longest silent first.
func (s *Sessions) due(now time.Time) []event.Interaction {
	s.mu.Lock()
	defer s.mu.Unlock()
	for back := s.ended.Back(); back != nil; back = s.ended.Back() {
		e := back.Value.(*session)
		if now.Sub(e.ended) < keepEnded && s.ended.Len() <= s.cfg.MaxSessions {
			break
		}
		s.ended.Remove(back)
		delete(s.byID, e.id)
	}
	var due []event.Interaction
	for _, l := range s.silent {
		for at := l.Back(); at != nil && len(due) < sweepBatch; at = at.Prev() {
			e := at.Value.(*session)
			reason := ReasonIdle
			if !s.over(e, now) {
				if s.open-len(due) <= s.cfg.MaxSessions {
					break // whoever is nearer to the front spoke later
				}
				reason = ReasonCapacity
			}
			due = append(due, s.ending(e, reason, now))
		}
	}
	return due
}

// Sweep ends the interactions that are over, and returns how many. Run calls it
// from time to time.
func (s *Sessions) Sweep(ctx context.Context, p Publisher) (int, error) {
	total := 0
	for {
		due := s.due(s.cfg.Now())
		if len(due) == 0 {
			return total, nil
		}
		msgs := make([]event.Message, len(due))
		for i, d := range due {
			msgs[i] = event.Interactions().Message(d)
		}
		if err := p.Publish(ctx, msgs...); err != nil {
			return total, fmt.Errorf("end interactions: %w", err)
		}
		for _, d := range due {
			s.memory.put(d.ID, d.Interaction)
			s.end(d.Interaction, d.Received)
		}
		total += len(due)
	}
}
