package whatsapp

import (
	"strconv"

	"throughline/event"
	"throughline/ingest"
)

// status reads what became of a message that we sent: sent, delivered, read,
// played, failed, in any order.
func (p *parser) status(v *value, s *status, at string) error {
	when, err := p.statusHead(s, at)
	if err != nil {
		return err
	}
	recipient := s.RecipientID
	if s.Participant != "" {
		recipient = s.Participant
	}
	who := v.person(recipient, s.RecipientUserID, false)
	if err := known(who, at+"/recipient_id"); err != nil {
		return err
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
