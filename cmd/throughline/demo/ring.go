package demo

import (
	"context"

	"throughline/event"
)

// ring plays a call: its person calls the centre, and the controller copies what
// both say to the recording server.
func (s *show) ring(ctx context.Context, c cast, l *ledger, k call) error {
	r := recording{session: c.session(k), number: c.people[k.Who].phone, line: s.day.Number.Shows, agent: k.Agent}
	for who, to := range map[event.Role]*[]byte{event.Customer: &r.customer, event.Agent: &r.heard} {
		var err error
		if *to, err = k.sound(who); err != nil {
			return err
		}
	}
	s.tell("%s  %-8s  %s", k.At, event.Voice, k.Title)
	if err := s.phones.record(ctx, r); err != nil {
		return err
	}
	l.rang(k.ID)
	return nil
}

// session is the id of a call's communication session.
func (c cast) session(k call) string { return c.run + "-" + k.ID }

// speechless is why calls do not become words at this moment.
func (s *show) speechless() string {
	if s.target.Speech == nil {
		return ""
	}
	return s.target.Speech()
}
