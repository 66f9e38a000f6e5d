package journey

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"throughline/event"
)

const (
	maxInteractions = 50 // of one customer's own; older ones are only in ClickHouse
	maxPast         = 10 // earlier journeys
	maxHops         = 16 // merges that a part goes along
)

// customer is what a shard knows of one customer id: what its own events made,
// who it became, and the parts of those who became it.
type customer struct {
	own     event.Part // Origin is the id; Path holds it alone
	seen    []byte
	named   time.Time // when own's name was given, as far as it is known
	version uint64
	links   map[string]link       // by the customer that this one became
	held    map[string]event.Part // by key; gone ones too, so that older ones are known as such
	former  []event.Part          // what was of released handles, kept for late events
	release release
	ids     []string  // of the journeys that stand under this customer
	told    time.Time // up to when what time alone changes was told
	pending bool      // the state on the topic is not the newest
}

// link is the last that was said of two customers being one.
type link struct {
	at  time.Time // of the merge
	not time.Time // of its undo
	by  string
	why string
}

func (l link) holds() bool { return l.at.After(l.not) }

// release is when the handle passed to somebody else, and who the person before
// is known as now.
type release struct {
	at   time.Time
	into string
}

func newCustomer(tenant, id string) *customer {
	return &customer{own: event.Part{Tenant: tenant, Origin: id, Path: []string{id}}}
}

func (c *customer) id() string { return c.own.Origin }

// linked is the merge in force, by its time: what came before a release was
// about somebody else. Of two at one moment the higher id counts.
func (c *customer) linked(after, until time.Time) (into string, l link) {
	for to, k := range c.links {
		if !k.holds() || !k.at.After(after) || !until.IsZero() && k.at.After(until) {
			continue
		}
		if c := k.at.Compare(l.at); into == "" || c > 0 || c == 0 && to > into {
			into, l = to, k
		}
	}
	return into, l
}

// target is the customer that c is part of now; empty: c stands for itself. In a
// ring of merges, which nobody meant, the one with the lowest id stands.
func (c *customer) target() (string, link) {
	into, l := c.linked(c.release.at, time.Time{})
	if into == "" {
		return "", l
	}
	for _, p := range c.held {
		if p.Gone || p.Origin != into || !p.Linked.After(c.release.at) {
			continue
		}
		if c.id() < slices.Min(p.Path) {
			return "", link{}
		}
	}
	return into, l
}

// heir is the customer that the person before a release is known as.
func (c *customer) heir() string {
	if c.release.into != "" {
		return c.release.into
	}
	into, _ := c.linked(time.Time{}, c.release.at)
	return into
}

// hold keeps a part, unless a newer one is here. Whatever path they came by, of
// one origin and sender the newest counts.
func (c *customer) hold(p event.Part) {
	if old, ok := c.held[p.Key()]; ok && old.Version > p.Version {
		return
	}
	if c.held == nil {
		c.held = map[string]event.Part{}
	}
	p.Cause = event.Cause{}
	c.held[p.Key()] = p
}

// members are the parts that belong to c now, one an origin, its own first.
func (c *customer) members() []event.Part {
	return append([]event.Part{c.own}, c.among(func(p event.Part) bool { return p.Linked.After(c.release.at) })...)
}

// among are the parts held that match, one an origin: of several paths the one
// with the newest.
func (c *customer) among(match func(event.Part) bool) []event.Part {
	var out []event.Part
	for _, p := range c.held {
		if p.Gone || p.Origin == c.id() || !match(p) {
			continue
		}
		k := slices.IndexFunc(out, func(o event.Part) bool { return o.Origin == p.Origin })
		switch {
		case k < 0:
			out = append(out, p)
		case p.Version > out[k].Version || p.Version == out[k].Version && p.Key() < out[k].Key():
			out[k] = p
		}
	}
	slices.SortFunc(out, func(a, b event.Part) int { return cmp.Compare(a.Origin, b.Origin) })
	return out
}

// has tells whether p is the one that counts of those held of its origin.
func (c *customer) has(p event.Part) bool {
	return slices.ContainsFunc(c.among(func(o event.Part) bool { return o.Origin == p.Origin }), func(o event.Part) bool { return o.Key() == p.Key() })
}

// talks are the interactions of all members in the order in which they began.
func (c *customer) talks() []event.InteractionState {
	var out []event.InteractionState
	for k, p := range c.members() {
		for _, t := range p.Interactions {
			if k > 0 {
				t.Of, t.Joined = p.Origin, because(p)
			}
			out = append(out, t)
		}
	}
	slices.SortFunc(out, byStart)
	return out
}

// because tells in words why p's customer is this one.
func because(p event.Part) string {
	why := "joined by " + p.By
	if p.Why != "" {
		why += ": " + p.Why
	}
	return why
}

// outgoing are the parts that c owes to others, by key.
func (c *customer) outgoing() map[string]event.Part {
	out := map[string]event.Part{}
	send := func(p event.Part, into string, linked time.Time, by, why string, hop bool) {
		if hop {
			p.Path = append(slices.Clone(p.Path), c.id())
		}
		if into == "" || into == p.Origin || slices.Contains(p.Path, into) || len(p.Path) > maxHops {
			return
		}
		p.Into, p.Linked, p.By, p.Why = into, linked, by, why
		p.Interactions, p.Recent = slices.Clone(p.Interactions), slices.Clone(p.Recent)
		out[p.Key()] = p
	}
	target, l := c.target()
	heir := ""
	if !c.release.at.IsZero() {
		heir = c.heir()
	}
	send(c.own, target, l.at, l.by, l.why, false)
	for _, p := range c.among(func(p event.Part) bool { return p.Linked.After(c.release.at) }) {
		send(p, target, l.at, l.by, l.why, true)
	}
	// They were one with whoever had the handle before.
	for _, p := range c.among(func(p event.Part) bool { return !p.Linked.After(c.release.at) }) {
		send(p, heir, c.release.at, p.By, p.Why, true)
	}
	for _, p := range c.former {
		send(p, heir, c.release.at, "release", "the handle passed to somebody else", false)
	}
	return out
}

// withdrawn are the parts that c may have sent before and no longer owes, to
// every customer that it was ever said to have become.
func (c *customer) withdrawn(sent ...event.Part) []event.Part {
	owed := c.outgoing()
	out := map[string]event.Part{}
	for _, p := range sent {
		path := p.Path
		if p.Origin != c.id() {
			path = append(slices.Clone(path), c.id())
		}
		for into := range c.links {
			g := event.Part{Tenant: p.Tenant, Origin: p.Origin, Path: path, Into: into, Version: p.Version, Gone: true}
			if _, owes := owed[g.Key()]; !owes && !slices.Contains(path, into) && len(path) <= maxHops {
				out[g.Key()] = g
			}
		}
	}
	return slices.SortedFunc(maps.Values(out), func(a, b event.Part) int { return strings.Compare(a.Key(), b.Key()) })
}

// all are the parts that c has, live or gone, its own first.
func (c *customer) all() []event.Part {
	return append([]event.Part{c.own}, slices.Collect(maps.Values(c.held))...)
}

// merged names the customers who became this one. The person who had the handle
// before is none of them.
func (c *customer) merged() []string {
	var out []string
	for _, p := range c.members()[1:] {
		if !strings.Contains(p.Origin, eraMark) {
			out = append(out, p.Origin)
		}
	}
	return out
}
