package journey

import (
	"cmp"
	"slices"
	"time"

	"throughline/event"
)

const (
	maxIntents = 20 // open and lately closed
	maxShown   = 24 // facts
)

// The ways in which a journey is resolved.
const (
	byThanks  = "thanks"
	bySilence = "silence"
	byRelease = "released"
)

// derive computes everything that is shown of a journey, as docs/metrics.md
// defines it. Nothing else goes in than what was noted of its interactions and
// the moment, so joined journeys count like any other.
func (c Config) derive(s *segment, now time.Time) event.Journey {
	j := event.Journey{ID: s.id, Opened: s.talks[0].Started, Updated: s.last, Interactions: slices.Clone(s.talks), Intents: newest(s.intents(), maxIntents)}
	for k := range j.Interactions {
		i := &j.Interactions[k]
		j.Turns += i.Turns
		if i.Basis != nil {
			j.Curve = append(j.Curve, i.Basis.Points...)
		}
	}
	slices.SortFunc(j.Curve, earlier)
	j.Curve = shorten(j.Curve, maxPoints)
	j.Sentiment = summarise(j.Curve, j.Opened, j.Updated)
	c.stateOf(&j, s, now)
	c.continuity(&j, s)
	return j
}

// stateOf tells who has the next word, or since when nobody has.
func (c Config) stateOf(j *event.Journey, s *segment, now time.Time) {
	var customer, centre time.Time
	contacts := 0
	for _, t := range s.talks {
		if t.Basis != nil {
			customer, centre = later(customer, t.Basis.Customer), later(centre, t.Basis.Centre)
		}
		if t.Customer > 0 && t.Direction != "outbound" {
			contacts++
		}
	}
	j.State = event.JourneyOpen
	if centre.After(customer) {
		j.State = event.JourneyWaiting
	}
	if when := s.thanked(); !when.IsZero() {
		j.State, j.Resolved, j.ResolvedBy = event.JourneyResolved, when, byThanks
	} else if when, is := c.resolved(s, now); is {
		j.State, j.Resolved, j.ResolvedBy = event.JourneyResolved, when, bySilence
	}
	switch {
	case contacts > 1:
		j.FirstContact = new(bool)
	case contacts == 1 && !j.Resolved.IsZero() && !now.Before(j.Resolved.Add(c.Reopen)):
		yes := true
		j.FirstContact = &yes
	}
}

// dues are the moments after now at which time alone changes what s shows.
func (c Config) dues(s *segment, now time.Time) []time.Time {
	var out []time.Time
	silence := s.last.Add(c.ResolveAfter)
	ended := s.ended(silence)
	resolved := s.thanked()
	if resolved.IsZero() && ended {
		resolved = silence
		out = append(out, silence)
	}
	if !resolved.IsZero() {
		out = append(out, resolved.Add(c.Reopen))
	}
	return slices.DeleteFunc(out, func(at time.Time) bool { return !at.After(now) })
}

// continuity tells how well the centre went on from where it was: what was
// carried over a change of channel and how soon an agent picked it up, what was
// asked again, and the facts that need not be.
func (c Config) continuity(j *event.Journey, s *segment) {
	pickups, sum := 0, 0
	for k := range j.Interactions {
		i := &j.Interactions[k]
		if k == 0 || j.Interactions[k-1].Channel == i.Channel {
			continue
		}
		before := segment{talks: s.talks[:k]}
		i.Carried = before.open(i.Started)
		if i.Pickup = pickup(i.Basis, i.Carried); i.Pickup != nil {
			pickups++
			sum += *i.Pickup
		}
	}
	if pickups > 0 {
		mean := float64(sum) / float64(pickups)
		j.Pickup = &mean
	}
	var all []event.Fact
	for _, t := range s.talks {
		if t.Basis != nil {
			all = append(all, t.Basis.Facts...)
		}
	}
	slices.SortFunc(all, byTime)
	for _, i := range items() {
		known, again := known(i, all)
		for _, ask := range again {
			j.Reasks++
			j.Interactions[indexOf(j.Interactions, ask.Interaction)].Reasks++
		}
		if known != nil {
			known.Kind, known.About = answered, i.about
			j.Facts = append(j.Facts, *known)
		}
	}
	for _, f := range all {
		if f.Kind == promised {
			j.Facts = append(j.Facts, f)
		}
	}
	slices.SortFunc(j.Facts, func(a, b event.Fact) int { return cmp.Or(byTime(a, b), cmp.Compare(a.Kind, b.Kind)) })
	j.Facts = newest(j.Facts, maxShown)
}

// known finds the last answer to an item, and the questions for it that came
// when it was answered before.
func known(i item, all []event.Fact) (last *event.Fact, again []event.Fact) {
	var ask *event.Fact
	for k := range all {
		f := all[k]
		switch {
		case f.Kind == asked && f.About == i.about:
			if last != nil {
				again = append(again, f)
			}
			ask = &all[k]
		case f.Kind == given && i.answers(f, ask):
			last = &f
			if i.loose || f.About == bare {
				ask = nil // the next date or number answers something else
			}
		}
	}
	return last, again
}
