package dashboards

import (
	"context"
	"encoding/json"
	"slices"

	"throughline/event"
)

// Told is what was said in an interaction or on a journey, live and stored, for
// whoever summarises it.
type Told struct {
	State, Reason string           // how it stands, and why it ended
	Turns         []event.Features // oldest first
	Journey       *event.Journey   // what the journey holds of it; nil where that is not known
}

// toldAtMost is how many turns of an interaction are told: a summary reads the
// beginning and the end of more than it can take in.
const toldAtMost = 5 * maxLimit

// Interaction tells of one interaction of a tenant.
func (s *Server) Interaction(ctx context.Context, tenant, id string) (Told, error) {
	if err := s.ready(ctx); err != nil {
		return Told{}, err
	}
	i, err := s.interactionOf(ctx, tenant, id)
	if err != nil {
		return Told{}, err
	}
	told := Told{State: i.State, Reason: i.Reason}
	if told.Turns, err = s.allTurns(ctx, tenant, id); err != nil {
		return Told{}, err
	}
	told.Journey = s.journeyNow(ctx, tenant, i.Customer)
	return told, nil
}

// Journey tells of all interactions of a journey.
func (s *Server) Journey(ctx context.Context, tenant, id string) (Told, error) {
	if err := s.ready(ctx); err != nil {
		return Told{}, err
	}
	data, err := s.journeyOf(ctx, tenant, id)
	if err != nil {
		return Told{}, err
	}
	var j event.Journey
	if err := json.Unmarshal(data, &j); err != nil {
		return Told{}, err
	}
	told := Told{State: string(j.State), Reason: j.ResolvedBy, Journey: &j}
	for _, i := range j.Interactions {
		turns, err := s.allTurns(ctx, tenant, i.ID)
		if err != nil {
			return Told{}, err
		}
		told.Turns = append(told.Turns, turns...)
	}
	slices.SortStableFunc(told.Turns, func(a, b event.Features) int { return a.Turn.At.Compare(b.Turn.At) })
	return told, nil
}

// allTurns are the turns of an interaction, as far as they can be had.
func (s *Server) allTurns(ctx context.Context, tenant, id string) ([]event.Features, error) {
	var all []event.Features
	for p := (page{limit: maxLimit}); len(all) < toldAtMost; {
		list, err := s.turnsOf(ctx, tenant, id, p)
		if err != nil {
			return nil, err
		}
		for _, data := range list.Turns {
			var f event.Features
			if err := json.Unmarshal(data, &f); err != nil {
				return nil, err
			}
			all = append(all, f)
		}
		if list.Next == "" {
			break
		}
		p.after, _ = parseMark(list.Next)
	}
	return all, nil
}

// journeyNow is the journey that a customer is on, or nil.
func (s *Server) journeyNow(ctx context.Context, tenant, customer string) *event.Journey {
	l := s.hub.live
	s.hub.mu.RLock()
	customer = l.customer(customer)
	var data json.RawMessage
	if j := l.journeys.get(customer); j != nil && j.Tenant == tenant {
		data = j.data
	}
	s.hub.mu.RUnlock()
	if data == nil {
		var err error
		if data, err = s.storedJourney(ctx, QueryCustomerJourney, map[string]any{"tenant": tenant, "customer": customer}); err != nil {
			s.reached(err)
		}
	}
	var j event.Journey
	if data == nil || json.Unmarshal(data, &j) != nil {
		return nil
	}
	return &j
}
