package whatsapp

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"throughline/event"
	"throughline/ingest"
	"throughline/problem"
)

// Object is what the webhooks of WhatsApp are about.
const Object = "whatsapp_business_account"

// The longest values that are taken, in bytes; WhatsApp's own are shorter.
const (
	MaxID   = 512
	MaxText = 64 << 10
	maxAttr = 1024 // longer attributes are cut: they are hints, not words
)

// Parse reads the body of a webhook into arrivals, in its order. An error is a
// *problem.Problem that points at what is wrong.
func Parse(tenant string, body []byte) ([]ingest.Arrival, error) {
	p := parser{tenant: tenant}
	var e envelope
	if err := p.decode(body, "", &e); err != nil {
		return nil, err
	}
	if e.Object != Object {
		return nil, wrong("/object", "must be "+Object)
	}
	if e.Entry == nil {
		return nil, wrong("/entry", "is missing and must be an array")
	}
	for i, en := range e.Entry {
		en.at = "/entry/" + strconv.Itoa(i)
		if err := limit(en.at+"/id", en.ID, MaxID); err != nil {
			return nil, err
		}
		for j, c := range en.Changes {
			if err := p.change(en, c, en.at+"/changes/"+strconv.Itoa(j)); err != nil {
				return nil, err
			}
		}
	}
	return p.out, nil
}

type parser struct {
	tenant string
	out    []ingest.Arrival
}

// decode reads raw, which stands at the pointer at of the body.
func (p *parser) decode(raw []byte, at string, into any) error {
	if err := json.Unmarshal(raw, into); err != nil {
		return problem.JSON(raw, at, err)
	}
	return nil
}

func wrong(at, detail string) error {
	return problem.Invalid(problem.Field{Pointer: "#" + at, Detail: detail})
}

func limit(at, s string, n int) error {
	if len(s) > n {
		return wrong(at, "is "+strconv.Itoa(len(s))+" bytes long and may be "+strconv.Itoa(n))
	}
	return nil
}

func identifier(at, s string) error {
	if s == "" {
		return wrong(at, "is missing and must be a string")
	}
	return limit(at, s, MaxID)
}

// lastSecond is 31 December 9999, the last that RFC 3339 can write.
const lastSecond = 253402300799

// stamp reads Unix seconds, which Meta sends as a string or as a number. An
// absent one is the zero time.
func stamp(raw json.RawMessage, at string) (time.Time, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return time.Time{}, nil
	}
	n, err := strconv.ParseInt(strings.Trim(string(raw), `"`), 10, 64)
	if err != nil || n < 0 || n > lastSecond {
		return time.Time{}, wrong(at, "must be Unix seconds, as a string of digits")
	}
	return time.Unix(n, 0).UTC(), nil
}

// change hands a change to what understands its field. What nobody understands
// is stored as it is.
func (p *parser) change(en entry, c change, at string) error {
	switch c.Field {
	case "messages", "smb_message_echoes", "history", "calls", "user_preferences", "user_id_update":
		var v value
		if err := p.decode(c.Value, at+"/value", &v); err != nil {
			return err
		}
		if len(v.Messages)+len(v.MessageEchoes)+len(v.Statuses)+len(v.Calls)+len(v.History)+len(v.UserPreferences)+len(v.UserIDUpdate)+len(v.Errors) == 0 {
			return p.unknown(en, c, at)
		}
		return p.value(en, c, &v, at+"/value")
	case "smb_app_state_sync":
		return nil // the phone book of the business: people who never wrote are none of ours
	}
	return p.unknown(en, c, at)
}

func (p *parser) value(en entry, c change, v *value, at string) error {
	if err := limit(at+"/metadata/phone_number_id", v.Metadata.PhoneNumberID, MaxID); err != nil {
		return err
	}
	for i, raw := range v.Messages {
		if err := p.message(v, raw, at+"/messages/"+strconv.Itoa(i), origin{}); err != nil {
			return err
		}
	}
	for i, raw := range v.MessageEchoes {
		if err := p.message(v, raw, at+"/message_echoes/"+strconv.Itoa(i), origin{echo: true}); err != nil {
			return err
		}
	}
	for i := range v.History {
		if err := p.history(en, v, &v.History[i], at+"/history/"+strconv.Itoa(i)); err != nil {
			return err
		}
	}
	for i := range v.Statuses {
		at := at + "/statuses/" + strconv.Itoa(i)
		var err error
		if c.Field == "calls" || v.Statuses[i].Type == "call" {
			err = p.callStatus(v, &v.Statuses[i], at)
		} else {
			err = p.status(en, v, &v.Statuses[i], at)
		}
		if err != nil {
			return err
		}
	}
	for i := range v.Calls {
		if err := p.call(v, &v.Calls[i], at+"/calls/"+strconv.Itoa(i)); err != nil {
			return err
		}
	}
	for i := range v.UserPreferences {
		if err := p.preference(v, &v.UserPreferences[i], at+"/user_preferences/"+strconv.Itoa(i)); err != nil {
			return err
		}
	}
	for i := range v.UserIDUpdate {
		if err := p.userIDUpdate(v, &v.UserIDUpdate[i], at+"/user_id_update/"+strconv.Itoa(i)); err != nil {
			return err
		}
	}
	if len(v.Errors) > 0 && len(v.Calls) == 0 {
		return p.failure(en, v.Errors)
	}
	return nil
}

// arrival is one on a number of ours.
func (p *parser) arrival(v *value, who ingest.Person) ingest.Arrival {
	return ingest.Arrival{Tenant: p.tenant, Channel: event.WhatsApp, Account: v.Metadata.PhoneNumberID, Person: who}
}

// attrs drops what is empty and cuts what is too long.
func attrs(pairs ...string) map[string]string {
	var m map[string]string
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			continue
		}
		if m == nil {
			m = map[string]string{}
		}
		m[pairs[i]] = cut(pairs[i+1], maxAttr)
	}
	return m
}

// cut shortens s to n bytes without leaving half a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}
