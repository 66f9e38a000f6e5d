package whatsapp

import (
	"strconv"

	"throughline/event"
	"throughline/ingest"
)

// status reads what became of a message that we sent: sent, delivered, read,
// played, failed, in any order.
func (p *parser) status(en entry, v *value, s *status, at string) error {
	when, err := p.statusHead(s, at)
	if err != nil {
		return err
	}
	recipient := s.RecipientID
	if s.Participant != "" {
		recipient = s.Participant
	}
	who := v.person(recipient, s.RecipientUserID, false)
	if len(who.Handles) == 0 { // a group as a whole: no reason to refuse what else the webhook brings
		return p.ofNobody(en, s)
	}
	pairs := []string{"callback_data", s.CallbackData}
	if c := s.Conversation; c != nil {
		pairs = append(pairs, "conversation", c.ID, "origin", c.Origin.Type)
	}
	if c := s.Pricing; c != nil {
		pairs = append(pairs, "billable", strconv.FormatBool(c.Billable), "pricing_model", c.PricingModel, "pricing_type", c.Type, "category", c.Category)
	}
	a := p.arrival(v, who)
	a.Change = &event.Interaction{ID: event.ID("x", p.tenant, string(event.WhatsApp), s.ID, s.Status), Change: event.Delivery,
		At: when, Message: ingest.TurnID(p.tenant, event.WhatsApp, s.ID), Status: s.Status, Error: firstError(s.Errors), Attrs: attrs(pairs...)}
	p.out = append(p.out, a)
	return nil
}

// ofNobody stores a status that names no person, with the account.
func (p *parser) ofNobody(en entry, s *status) error {
	t := event.Turn{ID: event.ID("t", p.tenant, string(event.WhatsApp), s.ID, "status", s.Status), Role: event.System, Kind: event.Notice,
		Text: "message " + cut(s.Status, 64), Target: ingest.TurnID(p.tenant, event.WhatsApp, s.ID), Attrs: attrs("field", "statuses", "recipient", s.RecipientID)}
	return p.notice(en, t)
}

// firstError is the provider's code and title.
func firstError(errs []providerError) string {
	if len(errs) == 0 {
		return ""
	}
	title := errs[0].Title
	if title == "" {
		title = errs[0].Message
	}
	return cut(join(" ", strconv.Itoa(errs[0].Code), title), maxAttr)
}
