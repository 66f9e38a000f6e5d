package journey

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"throughline/event"
)

// everything asks for the state of each journey.
func everything(*segment) bool { return true }

// states are what is published after a change: the journey that it was in, all
// that wanted asks for, and last the newest one, which the topic keeps. Journeys
// that are no more because others took their interactions are told too.
func (s *Shard) states(c *customer, cause event.Cause, wanted func(*segment) bool) []event.Message {
	into, _ := c.target()
	talks := c.talks()
	if into != "" {
		// What became of others is told there. Here only what is its own, which
		// the stage must find again, and nobody decides on it.
		talks = slices.DeleteFunc(talks, func(t event.InteractionState) bool { return t.Of != "" })
		cause.Features = nil
	}
	segments := s.cfg.stitch(c.id(), c.own.Tenant, talks)
	if len(segments) == 0 && len(c.ids) == 0 && !c.pending {
		return nil
	}
	current := event.ID("j", c.own.Tenant, c.id(), c.release.at.UTC().Format(time.RFC3339Nano))
	if n := len(segments); n > 0 {
		current = segments[n-1].id
	}
	stitched := event.Cause{Type: "stitch", ID: cause.ID}
	var msgs []event.Message
	for _, id := range c.ids {
		if !slices.ContainsFunc(segments, func(g *segment) bool { return g.id == id }) {
			j := event.Journey{ID: id, State: event.JourneyResolved, Opened: c.told, Updated: c.told, Into: into, Within: current}
			if n := len(segments); n > 0 {
				j.Opened, j.Updated = segments[n-1].talks[0].Started, segments[n-1].last
			}
			msgs = append(msgs, s.message(c, j, stitched))
		}
	}
	c.ids = nil
	for k, g := range segments {
		c.ids = append(c.ids, g.id)
		last, touched := k == len(segments)-1, cause.Interaction != "" && indexOf(g.talks, cause.Interaction) >= 0
		if !last && !touched && (wanted == nil || !wanted(g)) {
			continue
		}
		j := s.cfg.derive(g, s.now)
		j.Into = into
		why := cause
		if !touched && cause.Interaction != "" {
			why = stitched
		}
		for _, o := range segments {
			if o != g {
				j.Past = append(j.Past, s.cfg.past(o, s.now))
			}
		}
		msgs = append(msgs, s.message(c, j, why))
		if when := s.cfg.dues(g, s.now); len(when) > 0 && into == "" {
			s.due.add(when[0], c.id())
		}
	}
	if len(segments) == 0 {
		msgs = append(msgs, s.message(c, event.Journey{ID: current, State: event.JourneyResolved, Opened: c.release.at, Updated: c.release.at, Into: into}, cause))
	}
	c.told, c.pending = s.now, false
	return msgs
}

// message completes the state of one of c's journeys. What it holds is a copy:
// the shard goes on changing its own.
func (s *Shard) message(c *customer, j event.Journey, cause event.Cause) event.Message {
	c.version++
	j.Tenant, j.Customer, j.Version, j.Cause, j.Since = c.own.Tenant, c.id(), c.version, cause, c.release.at
	members := c.members()
	if j.ResolvedBy != byRelease { // that one is the person's who was here before
		for _, p := range members {
			j.Handle, j.Name = cmp.Or(j.Handle, p.Handle), cmp.Or(j.Name, p.Name)
		}
	}
	if j.Into == "" {
		j.Merged = c.merged()
	} else {
		members = members[:1]
	}
	keep := event.Keep{Archive: c.own.Archive, Handle: c.own.Handle, Name: c.own.Name, Named: c.named, Tags: c.own.Tags, Told: s.now, Version: c.own.Version, Seen: c.seen}
	for _, t := range c.own.Interactions {
		if indexOf(j.Interactions, t.ID) < 0 {
			keep.Others = append(keep.Others, t)
		}
	}
	for k, p := range members {
		for _, d := range p.Recent {
			if indexOf(j.Interactions, d.Interaction) >= 0 {
				j.Recent = append(j.Recent, d)
			} else if k == 0 {
				keep.Recent = append(keep.Recent, d)
			}
		}
		for _, t := range p.Tags {
			if indexOf(j.Interactions, t.Interaction) >= 0 && !slices.Contains(j.Tags, t.Tag) {
				j.Tags = append(j.Tags, t.Tag)
			}
		}
		j.Past = append(j.Past, p.Archive...)
	}
	slices.SortStableFunc(j.Recent, bySaid)
	for _, d := range j.Recent[:max(0, len(j.Recent)-maxRecent)] {
		if slices.ContainsFunc(c.own.Recent, func(o event.TurnDigest) bool { return o.ID == d.ID }) {
			keep.Recent = append(keep.Recent, d)
		}
	}
	j.Recent = newest(j.Recent, maxRecent)
	slices.SortFunc(j.Past, func(a, b event.PastJourney) int {
		return cmp.Or(a.Closed.Compare(b.Closed), strings.Compare(a.ID, b.ID))
	})
	j.Past = newest(j.Past, maxPast)
	j.Opted = opted(members)
	if s.scores != nil {
		j.Scores = s.scores.Score(&j)
	}
	for k := range j.Interactions {
		if j.Interactions[k].Of != "" {
			j.Interactions[k].Basis = nil // it is kept where it comes from
		}
	}
	j.Keep = &keep
	return event.Journeys().Message(j)
}

// past is a journey in one line.
func (c Config) past(s *segment, now time.Time) event.PastJourney {
	j := c.derive(s, now)
	p := event.PastJourney{ID: j.ID, Opened: j.Opened, Closed: j.Updated, Sentiment: j.Sentiment.Overall}
	for _, o := range j.Intents {
		if !slices.Contains(p.Intents, o.Name) {
			p.Intents = append(p.Intents, o.Name)
		}
	}
	return p
}

// opted is what a person allows, by purpose, or by purpose/channel where that
// was said of one channel: the last word of whichever of their handles.
func opted(members []event.Part) map[string]bool {
	var out map[string]bool
	last := map[string]time.Time{}
	for _, p := range members {
		for _, g := range p.Consents {
			key := string(g.Purpose)
			if g.Channel != "" {
				key += "/" + string(g.Channel)
			}
			at, said := last[key]
			if said && (g.At.Before(at) || g.At.Equal(at) && g.Allowed) {
				continue
			}
			if out == nil {
				out = map[string]bool{}
			}
			last[key], out[key] = g.At, g.Allowed
		}
	}
	return out
}

// settle puts own journeys aside to which no rule can join anything any more,
// each as one line.
func (s *Shard) settle(own *event.Part) {
	if len(own.Interactions) < 2 {
		return
	}
	last := own.Interactions[0].Last
	for _, t := range own.Interactions {
		last = later(last, t.Last)
	}
	oldest := own.Interactions[0]
	if last.Sub(oldest.Last) <= s.cfg.horizon() && len(own.Interactions) <= maxInteractions {
		return
	}
	for _, g := range s.cfg.stitch(own.Origin, own.Tenant, own.Interactions) {
		over := len(own.Interactions) - maxInteractions
		whole := last.Sub(g.last) > s.cfg.horizon()
		if !whole && over <= 0 {
			continue
		}
		if whole || over >= len(g.talks) {
			own.Archive = newest(insert(own.Archive, s.cfg.past(g, last), func(a, b event.PastJourney) int { return a.Closed.Compare(b.Closed) }), maxPast)
			over = len(g.talks)
		}
		// Of a journey with very many the first names it, and stays.
		gone := g.talks[min(1, len(g.talks)-over) : min(1, len(g.talks)-over)+over]
		own.Interactions = slices.DeleteFunc(slices.Clone(own.Interactions), func(t event.InteractionState) bool { return indexOf(gone, t.ID) >= 0 })
	}
}

// Tick tells what time alone changed: journeys resolved by silence, first
// contacts that turned out to be enough, and customers to forget.
func (s *Shard) Tick(_ context.Context, now time.Time) ([]event.Message, error) {
	s.now = later(s.now, now)
	var msgs []event.Message
	for _, id := range s.due.take(s.now) {
		c := s.customers[id]
		if c == nil {
			continue
		}
		since := c.told
		if !since.Before(s.now) && !c.pending {
			continue // told in this round
		}
		due := func(g *segment) bool {
			return slices.ContainsFunc(s.cfg.dues(g, since), func(at time.Time) bool { return !at.After(s.now) })
		}
		msgs = append(msgs, s.states(c, event.Cause{Type: "time", ID: event.ID("r", id, s.now.Format(time.RFC3339Nano))}, due)...)
	}
	return append(msgs, s.forget()...), nil
}
