package journey

import (
	"context"
	"slices"
	"time"

	"throughline/event"
	"throughline/journey/score"
)

// Shard holds the journeys of one partition's customers. Its methods are called
// by one goroutine at a time. An event that comes again changes nothing, and
// publishes again whatever a crash may have kept from the topics.
type Shard struct {
	cfg       Config
	social    map[string]bool
	customers map[string]*customer
	due       dues
	scores    *score.Model // nil: journeys carry none
	now       time.Time    // of the last Tick; what is resolved by silence is so as of then
	looked    time.Time    // when somebody was looked for to forget
}

// OpenShard makes an empty Shard whose journeys carry scores, by the model that
// cfg names.
func OpenShard(cfg Config) (*Shard, error) {
	scores, err := score.Open(cfg.Scores)
	if err != nil {
		return nil, err
	}
	s := NewShard(cfg)
	s.scores = scores
	return s, nil
}

// NewShard makes an empty Shard without scores.
func NewShard(cfg Config) *Shard {
	cfg = cfg.withDefaults()
	s := &Shard{cfg: cfg, social: map[string]bool{}, customers: map[string]*customer{}}
	for _, name := range cfg.Social {
		s.social[name] = true
	}
	return s
}

func (s *Shard) customer(tenant, id string) *customer {
	c := s.customers[id]
	if c == nil {
		c = newCustomer(tenant, id)
		s.customers[id] = c
	}
	return c
}

// Turn applies a turn with its features.
func (s *Shard) Turn(_ context.Context, f event.Features) ([]event.Message, error) {
	t := f.Turn
	c := s.customer(t.Tenant, t.Customer)
	cause := event.Cause{Type: "turn", ID: t.ID, Features: &f, Interaction: t.Interaction}
	fold := func(p *event.Part) {
		note(talkOf(p, t.Interaction, t.Channel, t.At), f, s.social)
		p.Recent = remember(p.Recent, digest(f))
	}
	if era := c.before(t.Interaction, t.At, true); era != nil {
		return s.late(c, era, f.ID, cause, fold), nil
	}
	return s.fold(c, f.ID, cause, fold), nil
}

// Change applies a change of an interaction.
func (s *Shard) Change(_ context.Context, i event.Interaction) ([]event.Message, error) {
	if i.Change == event.Delivery || i.Change.Terminal() {
		if c := s.customers[i.Customer]; c == nil || len(c.own.Interactions)+len(c.former) == 0 {
			// The end of something that began before this customer was known, a
			// delivery notice of an unknown message: nothing to follow.
			return nil, nil
		}
	}
	c := s.customer(i.Tenant, i.Customer)
	cause := event.Cause{Type: "interaction", ID: i.ID, Change: i.Change, Interaction: i.Interaction}
	fold := func(p *event.Part) {
		if i.Name != "" && p == &c.own {
			c.named = later(c.named, i.At)
		}
		if i.Handle != "" {
			p.Handle = i.Handle
		}
		if i.Name != "" {
			p.Name = i.Name
		}
		apply(talkOf(p, i.Interaction, i.Channel, i.At), i)
	}
	if era := c.before(i.Interaction, i.At, false); era != nil {
		return s.late(c, era, i.ID, cause, fold), nil
	}
	return s.fold(c, i.ID, cause, fold), nil
}

// fold applies an event to what is c's own.
func (s *Shard) fold(c *customer, id string, cause event.Cause, apply func(*event.Part)) []event.Message {
	if seen(c.seen, id) {
		var msgs []event.Message
		if c.pending {
			msgs = s.states(c, cause, nil)
		}
		return append(msgs, owed(c, c.id(), cause)...)
	}
	apply(&c.own)
	c.seen = mark(c.seen, id)
	c.own.Version++
	s.settle(&c.own)
	return append(s.states(c, cause, nil), owed(c, c.id(), cause)...)
}

// late applies an event to what was of the person who had the handle before.
func (s *Shard) late(c *customer, era *event.Part, id string, cause event.Cause, apply func(*event.Part)) []event.Message {
	if !seen(era.Seen, id) {
		era.Interactions, era.Recent = slices.Clone(era.Interactions), slices.Clone(era.Recent)
		apply(era)
		era.Seen = mark(era.Seen, id)
		era.Version++
	}
	return append([]event.Message{event.JourneyParts().Message(*era)}, owed(c, era.Origin, cause)...)
}

// owed are the parts of one origin that c sends on, with what changed them;
// every origin's if none is named.
func owed(c *customer, origin string, cause event.Cause) []event.Message {
	if len(c.links)+len(c.former) == 0 {
		return nil
	}
	var msgs []event.Message
	for _, p := range c.outgoing() {
		if origin == "" || p.Origin == origin {
			p.Cause = cause
			msgs = append(msgs, event.JourneyParts().Message(p))
		}
	}
	slices.SortFunc(msgs, func(a, b event.Message) int {
		if a.Key < b.Key {
			return -1
		}
		return 1
	})
	return msgs
}

// Consent applies what somebody allows or refuses.
func (s *Shard) Consent(_ context.Context, e event.Consent) ([]event.Message, error) {
	c := s.customer(e.Tenant, e.Customer)
	c.consent(e)
	c.own.Version++
	cause := event.Cause{Type: "consent", ID: e.ID}
	return append(s.states(c, cause, nil), owed(c, c.id(), cause)...), nil
}

func (c *customer) consent(e event.Consent) {
	if !e.At.After(c.release.at) {
		return // it was given by somebody else
	}
	said := event.ConsentGiven{Purpose: e.Purpose, Channel: e.Channel, Allowed: e.Allowed, At: e.At}
	k := slices.IndexFunc(c.own.Consents, func(g event.ConsentGiven) bool { return g.Purpose == e.Purpose && g.Channel == e.Channel })
	list := slices.Clone(c.own.Consents)
	switch {
	case k < 0:
		list = append(list, said)
	case e.At.After(list[k].At) || e.At.Equal(list[k].At) && !e.Allowed:
		list[k] = said
	}
	c.own.Consents = list
}

// Identity applies who is who.
func (s *Shard) Identity(_ context.Context, i event.Identity) ([]event.Message, error) {
	if !s.tells(i) {
		return nil, nil
	}
	c := s.customer(i.Tenant, i.Customer)
	known := c.own.Name
	c.learn(i)
	cause := event.Cause{Type: "identity", ID: i.ID}
	switch {
	case i.Released:
		if !i.At.Equal(c.release.at) {
			return nil, nil // a later one is known
		}
		era, _ := split(c.own, c.named, i.At)
		era.Seen = c.seen
		if k := c.era(i.At); k >= 0 {
			era = c.former[k]
		}
		era.Cause = cause
		return []event.Message{event.JourneyParts().Message(era)}, nil
	case i.Into != "":
		c.own.Version++
		return append(append(s.states(c, cause, everything), owed(c, "", cause)...), withdrawals(c, cause, c.all()...)...), nil
	case c.own.Name != known:
		c.own.Version++
		return append(s.states(c, cause, nil), owed(c, c.id(), cause)...), nil
	}
	return nil, nil
}

// tells says whether i is worth a place in memory: that a handle exists is not,
// and the name of somebody who never came is heard again when they do.
func (s *Shard) tells(i event.Identity) bool {
	return i.Into != "" || i.Released || s.customers[i.Customer] != nil
}

// learn notes an identity, in whatever order they come.
func (c *customer) learn(i event.Identity) {
	switch {
	case i.Released:
		if i.At.After(c.release.at) {
			c.release = release{at: i.At, into: i.Into}
		}
	case i.Into != "" && i.Into != i.Customer:
		if c.links == nil {
			c.links = map[string]link{}
		}
		l := c.links[i.Into]
		if i.Undo {
			l.not = later(l.not, i.At)
		} else if i.At.After(l.at) {
			l.at, l.by, l.why = i.At, i.By, i.Why
		}
		c.links[i.Into] = l
	case i.Name != "" && c.own.Name == "" && i.At.After(c.release.at):
		c.own.Name, c.named = i.Name, i.At
	}
}

func withdrawals(c *customer, cause event.Cause, sent ...event.Part) []event.Message {
	var msgs []event.Message
	for _, p := range c.withdrawn(sent...) {
		p.Cause = cause
		msgs = append(msgs, event.JourneyParts().Message(p))
	}
	return msgs
}

// Part applies what the events of a customer made who became one of this
// shard's, or takes a part back that this shard keeps aside.
func (s *Shard) Part(_ context.Context, p event.Part) ([]event.Message, error) {
	c := s.customer(p.Tenant, p.Into)
	cause := p.Cause
	if isEra(p) {
		if !c.keepEra(p) {
			return nil, nil
		}
		return s.released(c, cause), nil
	}
	before, _ := c.target()
	_, known := c.held[p.Key()]
	c.hold(p)
	target, _ := c.target()
	if target != before {
		msgs := append(s.states(c, cause, everything), owed(c, "", cause)...)
		return append(msgs, withdrawals(c, cause, c.all()...)...), nil
	}
	var msgs []event.Message
	switch {
	case !known || p.Gone:
		msgs = s.states(c, cause, everything)
	case target == "":
		msgs = s.states(c, cause, nil)
	}
	if p.Gone || c.has(p) {
		msgs = append(msgs, owed(c, p.Origin, cause)...)
	}
	if newest, _ := c.linked(c.release.at, time.Time{}); p.Gone || newest != target {
		msgs = append(msgs, withdrawals(c, cause, p)...)
	}
	return msgs, nil
}
