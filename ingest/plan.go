package ingest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"throughline/event"
	"throughline/governance"
)

// historicAttr marks the start of a backfilled interaction.
const historicAttr = "historic"

// plan is what one Accept will publish and then note. Nothing outside of it
// changes before Kafka has acknowledged.
type plan struct {
	intake   *Intake
	now      time.Time
	receipts []Receipt

	facts   []event.Message     // consents that words gave, and their audit
	msgs    []event.Message     // everything else
	raw     []event.Turn        // new turns, as said
	changes []event.Interaction // new changes
	fresh   map[string]string   // new ids → interaction
	opened  map[string]string   // thread → interaction opened here
}

func (p *plan) add(ctx context.Context, a Arrival) (Receipt, error) {
	switch {
	case a.Turn != nil:
		return p.turn(ctx, a, *a.Turn)
	case a.Change != nil:
		return p.change(a, *a.Change)
	case a.Consent != nil:
		return p.consent(a, *a.Consent)
	case a.Identity != nil:
		return p.identity(a, *a.Identity)
	}
	return Receipt{}, ErrNobody
}

// known tells whether id was stored before, or is about to be.
func (p *plan) known(id string) (interaction string, ok bool) {
	if interaction, ok = p.fresh[id]; ok {
		return interaction, true
	}
	return p.intake.sessions.memory.find(id)
}

func (p *plan) turn(ctx context.Context, a Arrival, t event.Turn) (Receipt, error) {
	t.Tenant, t.Received = a.Tenant, p.now
	if t.At.IsZero() {
		t.At = p.now
	}
	if interaction, ok := p.known(t.ID); ok {
		p.mend(a, interaction, t.ID, t.At, direction(t.Role))
		return Receipt{ID: t.ID, Customer: a.customer(), Interaction: interaction, Duplicate: true}, nil
	}
	var err error
	switch {
	case t.Interaction != "":
		var found Interaction
		if found, err = p.find(a, t.Interaction); err == nil {
			t.Customer, t.Channel = found.Customer, found.Channel
		}
	case a.customer() == "":
		err = ErrNobody
	default:
		t.Customer, t.Channel = a.customer(), a.Channel
		p.introduce(a, t.At)
		if t.Historic {
			t.Interaction = p.historic(a, t)
		} else {
			t.Interaction = p.join(a, t.ID, t.At, direction(t.Role))
		}
	}
	if err != nil {
		return Receipt{}, err
	}
	v, err := p.intake.gate.Turn(ctx, t)
	if err != nil {
		return Receipt{}, fmt.Errorf("clear turn: %w", err)
	}
	p.msgs = append(p.msgs, governance.Turns().Message(v.Cleared))
	for _, c := range v.Consents {
		p.facts = append(p.facts, event.Consents().Message(c))
	}
	for _, e := range v.Audit {
		p.facts = append(p.facts, event.Audits().Message(e))
	}
	p.raw = append(p.raw, t)
	p.fresh[t.ID] = t.Interaction
	return Receipt{ID: t.ID, Customer: t.Customer, Interaction: t.Interaction}, nil
}

// direction is how an interaction began, by who spoke first.
func direction(r event.Role) string {
	if r == event.Agent || r == event.Bot {
		return "outbound"
	}
	return "inbound"
}

// find returns the open interaction that an arrival of its tenant names.
func (p *plan) find(a Arrival, id string) (Interaction, error) {
	found, ok := p.intake.sessions.Find(id)
	if !ok || found.Tenant != a.Tenant || found.Ended {
		return found, ErrNotOpen
	}
	return found, nil
}

// join returns the interaction that a's thread is in, and opens it if there is
// none. Its id is made of the thread and of what opens it.
func (p *plan) join(a Arrival, first string, at time.Time, direction string) string {
	thread := threadKey(a.Tenant, a.Channel, a.Account, a.customer())
	if id, ok := p.opened[thread]; ok {
		return id
	}
	id, over := p.intake.sessions.current(thread, p.now)
	if id != "" {
		return id
	}
	if over != nil {
		p.publish(*over)
	}
	id = event.ID("i", thread, first)
	p.open(a, id, at, direction, nil)
	p.opened[thread] = id
	return id
}

// historic places a backfilled message: one interaction per thread and day
// (UTC), which is over as soon as it is known.
func (p *plan) historic(a Arrival, t event.Turn) string {
	day := t.At.UTC().Truncate(24 * time.Hour)
	id := event.ID("i", threadKey(a.Tenant, a.Channel, a.Account, a.customer()), historicAttr, day.Format(time.DateOnly))
	if _, ok := p.known(startedID(id)); ok {
		return id
	}
	p.open(a, id, day, direction(t.Role), map[string]string{historicAttr: "true"})
	p.publish(event.Interaction{ID: endedID(id), Tenant: a.Tenant, Customer: a.customer(), Interaction: id,
		Channel: a.Channel, Change: event.Ended, At: day.Add(24 * time.Hour), Received: p.now,
		Reason: historicAttr, Account: a.Account, Role: event.System})
	return id
}

// open publishes the start of an interaction.
func (p *plan) open(a Arrival, id string, at time.Time, direction string, attrs map[string]string) {
	i := a.Opening
	i.ID, i.Tenant, i.Customer, i.Interaction = startedID(id), a.Tenant, a.customer(), id
	i.Channel, i.Change, i.At, i.Received, i.Account = a.Channel, event.Started, at, p.now, a.Account
	i.Name = a.Person.Name
	if len(a.Person.Handles) > 0 {
		i.Handle = a.Person.Handles[0].Masked()
	}
	if i.Direction == "" {
		i.Direction = direction
	}
	if attrs != nil {
		i.Attrs = attrs
	}
	p.publish(p.intake.gate.Interaction(i))
}

// mend publishes the start of an interaction again where the process died
// between the first message and the start, whose topics are not one. Only the
// message that opened it can tell.
func (p *plan) mend(a Arrival, interaction, first string, at time.Time, direction string) {
	if a.customer() == "" || interaction != event.ID("i", threadKey(a.Tenant, a.Channel, a.Account, a.customer()), first) {
		return
	}
	if _, ok := p.known(startedID(interaction)); !ok {
		p.open(a, interaction, at, direction, nil)
	}
}

func (p *plan) publish(i event.Interaction) {
	p.msgs = append(p.msgs, event.Interactions().Message(i))
	p.changes = append(p.changes, i)
	p.fresh[i.ID] = i.Interaction
}

func (p *plan) change(a Arrival, c event.Interaction) (Receipt, error) {
	c.Tenant, c.Received = a.Tenant, p.now
	if c.At.IsZero() {
		c.At = p.now
	}
	if c.Interaction != "" {
		switch {
		case c.Change.Terminal():
			c.ID = endedID(c.Interaction)
		case c.Change == event.Started:
			c.ID = startedID(c.Interaction)
		}
	}
	if interaction, ok := p.known(c.ID); ok {
		p.mend(a, interaction, c.Message, c.At, "outbound")
		return Receipt{ID: c.ID, Customer: a.customer(), Interaction: interaction, Duplicate: true}, nil
	}
	if err := p.place(a, &c); err != nil {
		return Receipt{}, err
	}
	r := Receipt{ID: c.ID, Customer: c.Customer, Interaction: c.Interaction}
	if c.Change == event.Started {
		return r, nil // place has published it
	}
	p.publish(p.intake.gate.Interaction(c))
	return r, nil
}

// place fills in which interaction c belongs to.
func (p *plan) place(a Arrival, c *event.Interaction) error {
	if c.Interaction != "" && !a.Opens {
		found, err := p.find(a, c.Interaction)
		c.Customer, c.Channel, c.Account = found.Customer, found.Channel, found.Account
		return err
	}
	if a.customer() == "" {
		return ErrNobody
	}
	c.Customer, c.Channel, c.Account = a.customer(), a.Channel, a.Account
	p.introduce(a, c.At)
	if c.Interaction != "" {
		if _, ok := p.known(startedID(c.Interaction)); ok {
			return nil
		}
		at := c.At
		if c.Measures != nil && c.Change.Terminal() { // its start was missed; the end tells how long it was
			at = at.Add(-time.Duration(c.Measures.DurationMS) * time.Millisecond)
		}
		p.open(a, c.Interaction, at, c.Direction, nil)
		return nil
	}
	if interaction, ok := p.known(c.Message); ok && c.Message != "" {
		c.Interaction = interaction
		return nil
	}
	// The first thing heard of a message that another system sent.
	c.Interaction = p.join(a, c.Message, c.At, "outbound")
	return nil
}

// introduce publishes the handles of a's person that were not published lately,
// and that they belong to one customer. A handle that comes without a name never
// replaces the same one with a name.
func (p *plan) introduce(a Arrival, at time.Time) {
	customer, name := a.customer(), a.Person.Name
	by := string(a.Channel)
	for i, h := range a.Person.Handles {
		h = h.Canonical()
		owner := event.CustomerID(a.Tenant, h)
		nameless := event.ID("n", a.Tenant, owner, string(h.Kind), h.Value)
		id := nameless
		if name != "" {
			id = event.ID("n", a.Tenant, owner, string(h.Kind), h.Value, name)
		}
		if _, ok := p.known(id); !ok {
			p.fresh[id], p.fresh[nameless] = "", ""
			p.msgs = append(p.msgs, event.Identities().Message(event.Identity{ID: id, Tenant: a.Tenant, Customer: owner,
				Handle: &h, Name: name, By: by, Why: "came with a message", At: at}))
		}
		if i == 0 || owner == customer {
			continue
		}
		id = event.ID("n", a.Tenant, owner, "into", customer)
		if _, ok := p.known(id); !ok {
			p.fresh[id] = ""
			p.msgs = append(p.msgs, event.Identities().Message(event.Identity{ID: id, Tenant: a.Tenant, Customer: owner,
				Into: customer, By: by, Why: "one message carried both handles", At: at}))
		}
	}
}

func (p *plan) consent(a Arrival, c event.Consent) (Receipt, error) {
	c.Tenant = a.Tenant
	if c.Customer == "" {
		c.Customer = a.customer()
	}
	if c.Customer == "" {
		return Receipt{}, ErrNobody
	}
	if c.At.IsZero() {
		c.At = p.now
	}
	r := Receipt{ID: c.ID, Customer: c.Customer}
	if _, r.Duplicate = p.known(c.ID); !r.Duplicate {
		p.introduce(a, c.At)
		p.msgs = append(p.msgs, event.Consents().Message(c))
		p.fresh[c.ID] = ""
	}
	return r, nil
}

func (p *plan) identity(a Arrival, i event.Identity) (Receipt, error) {
	i.Tenant = a.Tenant
	if i.Customer == "" {
		i.Customer = a.customer()
	}
	if i.Customer == "" {
		return Receipt{}, ErrNobody
	}
	if i.At.IsZero() {
		i.At = p.now
	}
	r := Receipt{ID: i.ID, Customer: i.Customer}
	if _, r.Duplicate = p.known(i.ID); !r.Duplicate {
		if i.Released {
			p.part(i)
		}
		p.msgs = append(p.msgs, event.Identities().Message(i))
		p.fresh[i.ID] = ""
	}
	return r, nil
}

// part ends the conversations of a handle that passed to somebody else, so that
// the next message by it begins one of its own.
func (p *plan) part(i event.Identity) {
	for _, over := range p.intake.sessions.of(i.Tenant, i.Customer, p.now) {
		p.publish(over)
	}
	for _, c := range slices.Clone(p.changes) {
		if c.Change == event.Started && c.Customer == i.Customer && threaded(c) {
			over := c
			over.ID, over.Change, over.At, over.Reason, over.Role = endedID(c.Interaction), event.Ended, p.now, ReasonReleased, event.System
			p.publish(over)
		}
	}
	for thread, id := range p.opened {
		if slices.ContainsFunc(p.changes, func(c event.Interaction) bool { return c.Interaction == id && c.Customer == i.Customer }) {
			delete(p.opened, thread)
		}
	}
}

// commit notes what Kafka has acknowledged.
func (p *plan) commit() {
	s := p.intake.sessions
	for _, c := range p.changes {
		s.apply(c, notReadYet)
	}
	for _, t := range p.raw {
		s.touch(t.Interaction, t.Received)
	}
	for id, interaction := range p.fresh {
		s.memory.put(id, interaction)
	}
}
