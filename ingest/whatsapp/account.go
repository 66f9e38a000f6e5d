package whatsapp

import (
	"bytes"
	"encoding/json"

	"throughline/event"
	"throughline/ingest"
)

// Account is the kind of handle that our own WhatsApp Business Account has: what
// Meta tells about the account itself stands in an interaction with it.
const Account event.HandleKind = "account"

// unknown stores a change that is not about a message as it came: templates
// approved, the account restricted, and whatever Meta thinks of next. It belongs
// to the customer whose contact came along, or to the account.
func (p *parser) unknown(en entry, c change, at string) error {
	if err := limit(at+"/field", c.Field, MaxID); err != nil {
		return err
	}
	t := event.Turn{ID: event.ID("t", p.tenant, string(event.WhatsApp), en.ID, c.Field, string(en.Time), string(c.Value)),
		Role: event.System, Kind: event.Unsupported, Attrs: attrs("field", c.Field)}
	if raw := bytes.TrimSpace(c.Value); len(raw) > 0 {
		t.Raw = raw
	}
	var told struct {
		Event string `json:"event"`
	}
	if json.Unmarshal(c.Value, &told) == nil && told.Event != "" && len(told.Event) <= maxAttr {
		t.Kind, t.Text = event.Notice, c.Field+": "+told.Event
	}
	var v value
	if json.Unmarshal(c.Value, &v) == nil && len(v.Contacts) == 1 { // a guess: other shapes are the account's
		if who := v.person("", "", true); len(who.Handles) > 0 {
			a := p.arrival(&v, who)
			a.Turn = &t
			p.out = append(p.out, a)
			return nil
		}
	}
	return p.notice(en, t)
}

// failure stores errors that concern no single message.
func (p *parser) failure(en entry, errs []providerError) error {
	raw, err := json.Marshal(errs)
	if err != nil {
		return err
	}
	t := event.Turn{ID: event.ID("t", p.tenant, string(event.WhatsApp), en.ID, "errors", string(en.Time), string(raw)),
		Role: event.System, Kind: event.Notice, Text: firstError(errs), Attrs: attrs("field", "errors")}
	return p.notice(en, t)
}

// notice places t in the interaction with the account.
func (p *parser) notice(en entry, t event.Turn) error {
	if en.ID == "" {
		return wrong(en.at+"/id", "is missing and must be the WhatsApp Business Account's id")
	}
	when, err := stamp(en.Time, en.at+"/time")
	if err != nil {
		return err
	}
	t.At = when
	p.out = append(p.out, ingest.Arrival{Tenant: p.tenant, Channel: event.WhatsApp, Account: en.ID, Turn: &t,
		Person: ingest.Person{Handles: []event.Handle{{Kind: Account, Value: en.ID}}}})
	return nil
}
