package journey

import (
	"time"

	"throughline/event"
)

const (
	forgetEvery  = time.Hour // between two looks for customers to forget
	forgetAtOnce = 5000      // customers, so that a look stays short
)

// forget lets go of customers who have been silent for Config.Forget: their state
// leaves memory and the topic, and what happened stays in ClickHouse. Consents
// hold until they are withdrawn. Who was ever merged, or had a handle before
// somebody else, stays, because others' journeys hang on it.
func (s *Shard) forget() []event.Message {
	if s.now.Sub(s.looked) < forgetEvery {
		return nil
	}
	s.looked = s.now
	var msgs []event.Message
	for id, c := range s.customers {
		if !c.alone() || s.now.Sub(c.last()) <= s.cfg.Forget {
			continue
		}
		delete(s.customers, id)
		for _, g := range c.own.Consents {
			kept := s.customer(c.own.Tenant, id)
			kept.own.Consents = append(kept.own.Consents, g)
		}
		if msgs = append(msgs, event.Journeys().Tombstone(id, "")); len(msgs) == forgetAtOnce {
			s.looked = time.Time{} // the rest in the next round
			break
		}
	}
	return msgs
}

// alone tells whether nobody else's journey hangs on c.
func (c *customer) alone() bool {
	return len(c.links)+len(c.held)+len(c.former) == 0 && c.release.at.IsZero() && !c.pending && len(c.own.Interactions) > 0
}

// last is when something happened to c last.
func (c *customer) last() time.Time {
	var last time.Time
	for _, t := range c.own.Interactions {
		last = later(last, t.Last)
	}
	return last
}
