package journey

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"throughline/event"
)

// A handle that passes to somebody else (a number that is given out again) takes
// nothing of the person before with it. What that person did becomes a part of
// its own, which goes to the customer that the person is known as now, if
// anybody knows, and is kept aside for events that come late. It is kept aside
// first: only once the topic has it does it leave the handle's own state, so
// that no crash can lose it.

// eraMark stands in the origin of such a part, between the customer and the time.
const eraMark = "~"

func eraOf(customer string, at time.Time) string {
	return customer + eraMark + strconv.FormatInt(at.UnixMilli(), 10)
}

// split gives what was of the person before at, apart from what is left. Named
// is when the name was given.
func split(own event.Part, named, at time.Time) (era, left event.Part) {
	left = event.Part{Tenant: own.Tenant, Origin: own.Origin, Path: own.Path, Version: own.Version, Handle: own.Handle}
	era = event.Part{Tenant: own.Tenant, Origin: eraOf(own.Origin, at), Path: []string{own.Origin}, Into: own.Origin, Linked: at, Version: own.Version,
		Handle: own.Handle, Archive: own.Archive}
	if named.After(at) {
		left.Name = own.Name
	} else {
		era.Name = own.Name
	}
	for _, t := range own.Interactions {
		if !t.Started.Before(at) {
			left.Interactions = append(left.Interactions, t)
			continue
		}
		if t.Ended.IsZero() {
			t.Ended, t.Outcome, t.Reason = later(at, t.Last), event.Ended, byRelease
		}
		era.Interactions = append(era.Interactions, t)
	}
	for _, d := range own.Recent {
		if indexOf(era.Interactions, d.Interaction) >= 0 {
			era.Recent = append(era.Recent, d)
		} else {
			left.Recent = append(left.Recent, d)
		}
	}
	for _, g := range own.Consents {
		if g.At.After(at) {
			left.Consents = append(left.Consents, g)
		} else {
			era.Consents = append(era.Consents, g)
		}
	}
	for _, t := range own.Tags {
		if indexOf(era.Interactions, t.Interaction) >= 0 {
			era.Tags = append(era.Tags, t)
		} else {
			left.Tags = append(left.Tags, t)
		}
	}
	return era, left
}

// part takes what was of the person before out of c, and tells whether there was
// anything.
func (c *customer) part(at time.Time) bool {
	if at.IsZero() {
		return false
	}
	era, left := split(c.own, c.named, at)
	if len(era.Interactions) == 0 && len(era.Archive) == 0 && len(era.Consents) == 0 && (era.Name == "" || c.named.IsZero()) {
		return false
	}
	c.own = left
	era.Seen = c.seen           // an event may come again that was applied before it was told apart
	if k := c.era(at); k >= 0 { // some of it was there before
		old := &c.former[k]
		for _, t := range old.Interactions {
			if i := indexOf(era.Interactions, t.ID); i < 0 {
				era.Interactions = append(era.Interactions, t)
			} else if t.Turns > era.Interactions[i].Turns {
				era.Interactions[i] = t
			}
		}
		slices.SortFunc(era.Interactions, byStart)
		if len(old.Recent) > len(era.Recent) {
			era.Recent = old.Recent
		}
		if len(era.Archive) == 0 {
			era.Archive = old.Archive
		}
		for _, g := range old.Consents {
			if !slices.ContainsFunc(era.Consents, func(o event.ConsentGiven) bool { return o.Purpose == g.Purpose && o.Channel == g.Channel }) {
				era.Consents = append(era.Consents, g)
			}
		}
		era.Tags = append(era.Tags, old.Tags...)
		era.Name, era.Seen, era.Version = cmp.Or(era.Name, old.Name), newest(slices.Concat(old.Seen, c.seen), 8*maxSeen), max(era.Version, old.Version)+1
		*old = era
		return true
	}
	c.former = append(c.former, era)
	return true
}

func (c *customer) era(at time.Time) int {
	return slices.IndexFunc(c.former, func(p event.Part) bool { return p.Origin == eraOf(c.id(), at) })
}

// before finds the part of the person who had the handle when something
// happened, nil where that is who has it now. What happened in an interaction
// of theirs is theirs, but for words said after the release.
func (c *customer) before(interaction string, at time.Time, said bool) *event.Part {
	if c.release.at.IsZero() {
		return nil
	}
	k := c.era(c.release.at)
	if k < 0 { // it has not left the handle's own state yet, and leaves with it
		return nil
	}
	era := &c.former[k]
	if at.Before(c.release.at) || !said && indexOf(era.Interactions, interaction) >= 0 {
		return era
	}
	return nil
}

// keepEra takes a stored part back. It tells whether it is of the last release.
func (c *customer) keepEra(p event.Part) bool {
	p.Cause = event.Cause{}
	if k := slices.IndexFunc(c.former, func(o event.Part) bool { return o.Origin == p.Origin }); k < 0 {
		c.former = append(c.former, p)
	} else if p.Version >= c.former[k].Version {
		c.former[k] = p
	}
	return p.Origin == eraOf(c.id(), c.release.at)
}

// isEra tells whether p is a part of a released handle that its own shard keeps.
func isEra(p event.Part) bool { return p.Into == p.Sender() && strings.Contains(p.Origin, eraMark) }

// released lets go of what was of the person who had the handle before, now that
// it is kept aside: their journeys close, their consents are forgotten.
func (s *Shard) released(c *customer, cause event.Cause) []event.Message {
	c.part(c.release.at)
	era := c.former[c.era(c.release.at)]
	var msgs []event.Message
	segments := s.cfg.stitch(c.id(), c.own.Tenant, era.Interactions)
	for _, closing := range segments {
		j := s.cfg.derive(closing, c.release.at)
		j.State, j.Resolved, j.ResolvedBy, j.Into = event.JourneyResolved, c.release.at, byRelease, c.heir()
		j.Handle, j.Name = era.Handle, era.Name
		msgs = append(msgs, s.message(c, j, cause))
		c.ids = slices.DeleteFunc(slices.Clone(c.ids), func(id string) bool { return id == closing.id })
	}
	for _, g := range era.Consents {
		again := func(o event.ConsentGiven) bool { return o.Purpose == g.Purpose && o.Channel == g.Channel }
		if !slices.ContainsFunc(c.own.Consents, again) {
			key := event.Consent{Tenant: c.own.Tenant, Customer: c.id(), Purpose: g.Purpose, Channel: g.Channel}.Key()
			msgs = append(msgs, event.Consents().Tombstone(key, c.id()))
		}
	}
	c.pending = true // there is a state to tell even where nobody has come yet
	return append(append(msgs, s.states(c, cause, everything)...), owed(c, "", cause)...)
}
