package whatsapp

import (
	"strconv"
	"time"

	"throughline/event"
	"throughline/ingest"
)

// history reads messages from before we were connected. They are stored and
// scored, and nobody is alarmed by them.
func (p *parser) history(en entry, v *value, h *history, at string) error {
	if len(h.Errors) > 0 {
		if err := p.failure(en, h.Errors); err != nil {
			return err
		}
	}
	for i, th := range h.Threads {
		at := at + "/threads/" + strconv.Itoa(i)
		waID := th.ID
		if phone(waID) == "" {
			waID = th.Context.WaID
		}
		who := v.person(waID, th.Context.UserID, false)
		if err := known(who, at+"/id"); err != nil {
			return err
		}
		for j, raw := range th.Messages {
			if err := p.message(v, raw, at+"/messages/"+strconv.Itoa(j), origin{historic: true, customer: who}); err != nil {
				return err
			}
		}
	}
	return nil
}

// preference reads that somebody stopped or resumed marketing messages.
func (p *parser) preference(v *value, s *preference, at string) error {
	when, err := stamp(s.Timestamp, at+"/timestamp")
	if err != nil {
		return err
	}
	if err := identifier(at+"/value", s.Value); err != nil {
		return err
	}
	who := v.person(s.WaID, s.UserID, false)
	if err := known(who, at+"/wa_id"); err != nil {
		return err
	}
	a := p.arrival(v, who)
	a.Consent = &event.Consent{
		ID:      event.ID("k", p.tenant, p.customer(who), s.Category, s.Value, strconv.FormatInt(when.Unix(), 10)),
		Purpose: event.Market, Channel: event.WhatsApp, Allowed: s.Value != "stop", Basis: "consent",
		Evidence: "whatsapp user_preferences " + cut(s.Value, 64), At: when,
	}
	p.out = append(p.out, a)
	return nil
}

// systemChange joins the customer before a change of number or user id with the
// one after it.
func (p *parser) systemChange(v *value, m *message, old ingest.Person, t event.Turn, at string) error {
	var s system
	if err := p.decode(m.System, at+"/system", &s); err != nil {
		return err
	}
	waID := s.WaID
	if waID == "" {
		waID = s.NewWaID
	}
	if waID == "" && s.Type == "user_changed_user_id" {
		waID = m.From // the number stays, and stays what the customer is known by
	}
	switch s.Type {
	case "user_changed_number", "customer_changed_number", "user_changed_user_id":
		p.merge(v, old, person(waID, s.UserID, "", ""), t.At, s.Type, s.Type != "user_changed_user_id")
	}
	return nil
}

// userIDUpdate reads that a business-scoped user id was replaced by another.
func (p *parser) userIDUpdate(v *value, u *userIDUpdate, at string) error {
	when, err := stamp(u.Timestamp, at+"/timestamp")
	if err != nil {
		return err
	}
	if err := identifier(at+"/user_id/previous", u.UserID.Previous); err != nil {
		return err
	}
	if err := identifier(at+"/user_id/current", u.UserID.Current); err != nil {
		return err
	}
	p.merge(v, person("", u.UserID.Previous, "", ""), person(u.WaID, u.UserID.Current, "", ""), when, "user_id_update", false)
	return nil
}

// merge says that every customer that old's handles make became the one that
// now's first handle makes. A number that was left may be given to somebody else:
// what comes by it from then on is not theirs. WhatsApp counts in seconds, and
// its notice belongs to what was before.
func (p *parser) merge(v *value, old, now ingest.Person, when time.Time, why string, left bool) {
	if len(now.Handles) == 0 {
		return
	}
	into := p.customer(now)
	for _, h := range append(old.Handles, now.Handles[1:]...) {
		from := event.CustomerID(p.tenant, h)
		if from == into {
			continue
		}
		a := p.arrival(v, ingest.Person{})
		a.Identity = &event.Identity{ID: event.ID("n", p.tenant, from, "into", into), Customer: from, Into: into,
			By: string(event.WhatsApp), Why: why, At: when}
		if left && h.Kind == event.Phone {
			a.Identity.ID = event.ID("n", p.tenant, from, "released", when.Format(time.RFC3339))
			a.Identity.Released, a.Identity.At = true, when.Add(time.Second)
		}
		p.out = append(p.out, a)
	}
	h := now.Handles[0].Canonical()
	a := p.arrival(v, ingest.Person{})
	a.Identity = &event.Identity{ID: event.ID("n", p.tenant, into, string(h.Kind), h.Value, old.Name), Customer: into, Handle: &h,
		Name: old.Name, By: string(event.WhatsApp), Why: why, At: when}
	p.out = append(p.out, a)
}
