package whatsapp

import (
	"encoding/json"
	"strconv"
	"strings"

	"throughline/event"
	"throughline/ingest"
)

// origin says where a message was found.
type origin struct {
	echo     bool          // in message_echoes: our own people wrote it
	historic bool          // in history
	customer ingest.Person // in history: whose thread it is
}

// message reads one message, echo or piece of history.
func (p *parser) message(v *value, raw json.RawMessage, at string, o origin) error {
	var m message
	if err := p.decode(raw, at, &m); err != nil {
		return err
	}
	if err := identifier(at+"/id", m.ID); err != nil {
		return err
	}
	t := event.Turn{ID: ingest.TurnID(p.tenant, event.WhatsApp, m.ID), Role: event.Customer, Provider: m.ID, Historic: o.historic}
	var err error
	if t.At, err = stamp(m.Timestamp, at+"/timestamp"); err != nil {
		return err
	}
	who, field := o.customer, "/from"
	switch {
	case o.historic:
		if phone(m.From) != "" && phone(m.From) == phone(digits(v.Metadata.DisplayPhoneNumber)) {
			t.Role = event.Agent
		}
	case o.echo:
		t.Role, who, field = event.Agent, v.person(m.To, m.ToUserID, false), "/to"
	default:
		who = v.person(m.From, m.FromUserID, true)
	}
	if err := known(who, at+field); err != nil {
		return err
	}
	if err := p.fill(&t, &m, raw, at); err != nil {
		return err
	}
	if err := limit(at+"/"+m.Type, t.Text, MaxText); err != nil {
		return err
	}
	p.modify(&t, &m)
	a := p.arrival(v, who)
	a.Turn = &t
	if m.Referral != nil {
		a.Opening.Attrs = attrs("ad", m.Referral.SourceID, "ad_type", m.Referral.SourceType, "ad_click", m.Referral.CtwaClid)
	}
	p.out = append(p.out, a)
	if m.Type == "system" {
		return p.systemChange(v, &m, who, t, at)
	}
	return nil
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

// modify adds what any type of message may carry: what it answers, that it was
// forwarded, the advertisement it came by, the group it was sent to.
func (p *parser) modify(t *event.Turn, m *message) {
	var more []string
	if c := m.Context; c != nil {
		if c.ID != "" {
			t.ReplyTo = ingest.TurnID(p.tenant, event.WhatsApp, c.ID)
		}
		switch {
		case c.FrequentlyForwarded:
			more = append(more, "forwarded", "frequently")
		case c.Forwarded:
			more = append(more, "forwarded", "true")
		}
		if r := c.ReferredProduct; r != nil {
			more = append(more, "product", r.ProductRetailerID, "catalog", r.CatalogID)
		}
	}
	if r := m.Referral; r != nil {
		more = append(more, "ad", r.SourceID, "ad_type", r.SourceType, "ad_url", r.SourceURL, "ad_headline", r.Headline, "ad_click", r.CtwaClid)
	}
	if len(m.Errors) > 0 {
		more = append(more, "error", strconv.Itoa(m.Errors[0].Code), "error_title", m.Errors[0].Title)
	}
	more = append(more, "group", m.GroupID)
	for k, v := range attrs(more...) {
		if t.Attrs == nil {
			t.Attrs = map[string]string{}
		}
		t.Attrs[k] = v
	}
}

// fill reads the object that the message's type names into t.
func (p *parser) fill(t *event.Turn, m *message, raw json.RawMessage, at string) error {
	part, read := m.part(), p.reader(m.Type)
	if read == nil {
		t.Kind, t.Raw = event.Unsupported, raw
		return nil
	}
	at += "/" + m.Type
	if len(part) == 0 || string(part) == "null" {
		if len(m.Errors) == 0 {
			return wrong(at, "is missing, although the message is of this type")
		}
		t.Kind, t.Raw = event.Unsupported, raw // an interactive with error 131000 has no body
		return nil
	}
	return read(t, part, at)
}

func (m *message) part() json.RawMessage {
	switch m.Type {
	case "text":
		return m.Text
	case "image":
		return m.Image
	case "video":
		return m.Video
	case "audio":
		return m.Audio
	case "document":
		return m.Document
	case "sticker":
		return m.Sticker
	case "location":
		return m.Location
	case "contacts":
		return m.Contacts
	case "reaction":
		return m.Reaction
	case "button":
		return m.Button
	case "interactive":
		return m.Interactive
	case "order":
		return m.Order
	case "system":
		return m.System
	case "edit":
		return m.Edit
	case "revoke":
		return m.Revoke
	}
	return nil
}
