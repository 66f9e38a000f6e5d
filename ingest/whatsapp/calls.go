package whatsapp

import (
	"time"

	"throughline/event"
	"throughline/ingest"
)

// CallInteraction is the id of the interaction that a call of the Calling API
// is, so that its webhooks and its audio meet.
func CallInteraction(tenant, wacid string) string {
	return event.ID("i", tenant, "whatsapp-call", wacid)
}

// call reads the start and the end of a call. Its SDP stays here: it holds
// addresses, and means nothing once the call is over.
func (p *parser) call(v *value, c *call, at string) error {
	if err := identifier(at+"/id", c.ID); err != nil {
		return err
	}
	when, err := stamp(c.Timestamp, at+"/timestamp")
	if err != nil {
		return err
	}
	waID, userID, field := c.From, c.FromUserID, "/from"
	direction := "inbound"
	if c.Direction == "BUSINESS_INITIATED" {
		waID, userID, field, direction = c.To, c.ToUserID, "/to", "outbound"
	}
	if len(v.Contacts) == 1 { // the contact is the customer, whichever side called
		waID, userID = "", ""
	}
	who := v.person(waID, userID, true)
	if err := known(who, at+field); err != nil {
		return err
	}
	i := event.Interaction{Interaction: CallInteraction(p.tenant, c.ID), At: when, Direction: direction, Attrs: attrs("callback_data", c.CallbackData)}
	switch c.Event {
	case "connect":
		i.Change = event.Started
	case "terminate":
		errs := c.Errors
		if len(errs) == 0 {
			errs = v.Errors
		}
		started, err := stamp(c.StartTime, at+"/start_time")
		if err != nil {
			return err
		}
		terminate(&i, c, !started.IsZero(), errs)
	default:
		return nil // of a call, only its start and its end matter here
	}
	p.callChange(v, who, c.ID, i)
	return nil
}

func terminate(i *event.Interaction, c *call, pickedUp bool, errs []providerError) {
	switch {
	case c.Status == "FAILED":
		i.Change, i.Reason = event.Failed, "failed"
	case !pickedUp:
		i.Change, i.Reason = event.Abandoned, "not answered"
	default:
		i.Change, i.Reason = event.Ended, "completed"
	}
	i.Error = firstError(errs)
	if c.Duration > 0 && c.Duration < int64(24*time.Hour/time.Second) {
		i.Measures = &event.Measures{DurationMS: c.Duration * 1000, Unknown: "reported by WhatsApp; the audio was not analysed"}
	}
}

// callStatus reads how a call that we placed is doing.
func (p *parser) callStatus(v *value, s *status, at string) error {
	when, err := p.statusHead(s, at)
	if err != nil {
		return err
	}
	who := v.person(s.RecipientID, s.RecipientUserID, false)
	if err := known(who, at+"/recipient_id"); err != nil {
		return err
	}
	i := event.Interaction{Interaction: CallInteraction(p.tenant, s.ID), At: when, Direction: "outbound", Attrs: attrs("callback_data", s.CallbackData)}
	switch s.Status {
	case "RINGING":
		i.Change = event.Started
	case "REJECTED":
		i.Change, i.Reason = event.Abandoned, "rejected"
	case "ACCEPTED":
		i.ID, i.Change, i.Role = event.ID("x", i.Interaction, "accepted"), event.Joined, event.Customer
	default:
		i.ID, i.Change = event.ID("x", i.Interaction, s.Status), event.Delivery
		i.Status = cut(s.Status, maxAttr)
	}
	p.callChange(v, who, s.ID, i)
	return nil
}

func (p *parser) statusHead(s *status, at string) (time.Time, error) {
	if err := identifier(at+"/id", s.ID); err != nil {
		return time.Time{}, err
	}
	if err := identifier(at+"/status", s.Status); err != nil {
		return time.Time{}, err
	}
	return stamp(s.Timestamp, at+"/timestamp")
}

func (p *parser) callChange(v *value, who ingest.Person, wacid string, i event.Interaction) {
	a := p.arrival(v, who)
	a.Channel, a.Change, a.Opens = event.Voice, &i, true
	a.Opening = event.Interaction{Attrs: attrs("call", wacid, "carrier", "whatsapp"), Direction: i.Direction}
	p.out = append(p.out, a)
}
