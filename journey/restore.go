package journey

import (
	"slices"
	"strings"
	"throughline/event"
	"time"
)

// remembered is what a state is restored from. The rest of it, which is about
// half, is derived anew and not decoded.
type remembered struct {
	ID           string                   `json:"id"`
	Tenant       string                   `json:"tenant"`
	Version      uint64                   `json:"version"`
	Within       string                   `json:"within"`
	Interactions []event.InteractionState `json:"interactions"`
	Recent       []event.TurnDigest       `json:"recent"`
	Keep         *event.Keep              `json:"keep"`
}

func (r remembered) journey() event.Journey {
	return event.Journey{ID: r.ID, Tenant: r.Tenant, Version: r.Version, Within: r.Within, Interactions: r.Interactions, Recent: r.Recent, Keep: r.Keep}
}

// Restore puts back a state read from the journeys topic; the last one wins.
func (s *Shard) Restore(id string, j event.Journey, deleted bool) {
	if deleted {
		delete(s.customers, id)
		return
	}
	c := s.customer(j.Tenant, id)
	c.version = j.Version
	c.ids = []string{j.ID}
	c.pending = j.Within != ""
	own := event.Part{Tenant: j.Tenant, Origin: id, Path: []string{id}, Consents: c.own.Consents}
	keep := event.Keep{}
	if j.Keep != nil {
		keep = *j.Keep
	}
	own.Handle, own.Name, own.Archive, own.Tags, own.Version = keep.Handle, keep.Name, keep.Archive, keep.Tags, keep.Version
	c.seen, c.told, c.named = keep.Seen, keep.Told, keep.Named
	own.Interactions = keep.Others
	for _, t := range j.Interactions {
		if t.Of == "" {
			own.Interactions = append(own.Interactions, stored(t))
		}
	}
	slices.SortFunc(own.Interactions, byStart)
	own.Recent = keep.Recent
	for _, d := range j.Recent {
		if indexOf(own.Interactions, d.Interaction) >= 0 {
			own.Recent = append(own.Recent, d)
		}
	}
	slices.SortFunc(own.Recent, bySaid)
	c.own = own
}

// stored is an interaction without what is derived anew each time.
func stored(t event.InteractionState) event.InteractionState {
	t.Joined, t.JoinedBy, t.Carried, t.Pickup, t.Reasks = "", "", nil, nil, 0
	return t
}

// RestoreIdentity puts back who is who, as the topic of identities has it.
func (s *Shard) RestoreIdentity(i event.Identity) {
	if s.tells(i) {
		s.customer(i.Tenant, i.Customer).learn(i)
	}
}

// RestoreConsent puts back a consent, or forgets the one of a key.
func (s *Shard) RestoreConsent(key string, e event.Consent, deleted bool) {
	if !deleted {
		s.customer(e.Tenant, e.Customer).consent(e)
		return
	}
	names := strings.Split(key, "/")
	if len(names) < 4 {
		return
	}
	names = newest(names, 3)
	if c := s.customers[names[0]]; c != nil {
		c.own.Consents = slices.DeleteFunc(slices.Clone(c.own.Consents), func(g event.ConsentGiven) bool {
			return string(g.Purpose) == names[1] && string(g.Channel) == names[2]
		})
	}
}

// RestorePart puts back a part that others sent, or that was kept aside.
func (s *Shard) RestorePart(p event.Part) {
	c := s.customer(p.Tenant, p.Into)
	if isEra(p) {
		c.keepEra(p)
		return
	}
	c.hold(p)
}

// Begin ends the restoring, at a moment: from here on events are applied.
func (s *Shard) Begin(now time.Time) {
	s.now = now
	for id, c := range s.customers {
		if k := c.era(c.release.at); k >= 0 && c.part(c.release.at) {
			c.pending = true
		}
		if c.pending {
			s.due.add(now, id)
		}
		for _, g := range s.cfg.stitch(id, c.own.Tenant, c.talks()) {
			if !slices.Contains(c.ids, g.id) {
				c.ids = append(c.ids, g.id)
			}
			if when := s.cfg.dues(g, c.told); len(when) > 0 {
				s.due.add(when[0], id)
			}
		}
	}
}

// Journey is the state of a customer's newest journey; nil where there is none.
func (s *Shard) Journey(id string) *event.Journey {
	c := s.customers[id]
	if c == nil || len(c.talks()) == 0 {
		return nil
	}
	all := s.cfg.stitch(id, c.own.Tenant, c.talks())
	j := s.cfg.derive(all[len(all)-1], s.now)
	j.Tenant, j.Customer, j.Version = c.own.Tenant, id, c.version
	return &j
}
