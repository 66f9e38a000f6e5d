package whatsapp

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"throughline/event"
	"throughline/ingest"
)

// reader returns what reads the object of a message's type into a turn, or nil
// where the type is not known.
func (p *parser) reader(kind string) func(t *event.Turn, raw json.RawMessage, at string) error {
	switch kind {
	case "text":
		return p.text
	case "image":
		return p.media(event.Image)
	case "video":
		return p.media(event.Video)
	case "audio":
		return p.media(event.AudioFile)
	case "document":
		return p.media(event.Document)
	case "sticker":
		return p.media(event.Sticker)
	case "location":
		return p.location
	case "contacts":
		return p.contacts
	case "reaction":
		return p.reaction
	case "button":
		return p.button
	case "interactive":
		return p.interactive
	case "order":
		return p.order
	case "system":
		return p.system
	case "edit":
		return p.edit
	case "revoke":
		return p.revoke
	}
	return nil
}

func (p *parser) text(t *event.Turn, raw json.RawMessage, at string) error {
	var v text
	if err := p.decode(raw, at, &v); err != nil {
		return err
	}
	t.Kind, t.Text = event.Text, v.Body
	return nil
}

func (p *parser) media(kind event.Kind) func(*event.Turn, json.RawMessage, string) error {
	return func(t *event.Turn, raw json.RawMessage, at string) error {
		var v media
		if err := p.decode(raw, at, &v); err != nil {
			return err
		}
		t.Kind, t.Text = kind, v.Caption
		if v.Voice {
			t.Kind = event.VoiceNote
		}
		if v.Animated {
			t.Attrs = attrs("animated", "true")
		}
		t.Media = &event.Media{ID: cut(v.ID, MaxID), MIME: cut(v.MIME, 255), SHA256: cut(v.SHA256, 64), Filename: cut(v.Filename, maxAttr), Size: v.FileSize}
		return nil
	}
}

func (p *parser) location(t *event.Turn, raw json.RawMessage, at string) error {
	var v location
	if err := p.decode(raw, at, &v); err != nil {
		return err
	}
	t.Kind, t.Text = event.Location, join(", ", v.Name, v.Address)
	t.Attrs = attrs("latitude", number(v.Latitude), "longitude", number(v.Longitude))
	return nil
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func join(sep string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), sep)
}

// contacts writes each card on a line; the gate takes the numbers out.
func (p *parser) contacts(t *event.Turn, raw json.RawMessage, at string) error {
	var cards []card
	if err := p.decode(raw, at, &cards); err != nil {
		return err
	}
	lines := make([]string, 0, len(cards))
	for _, c := range cards {
		line := []string{c.Name.FormattedName}
		for _, n := range c.Phones {
			line = append(line, n.Phone)
		}
		for _, m := range c.Emails {
			line = append(line, m.Email)
		}
		lines = append(lines, join(" ", line...))
	}
	t.Kind, t.Text, t.Attrs = event.Contacts, join("\n", lines...), attrs("contacts", strconv.Itoa(len(cards)))
	return nil
}

func (p *parser) reaction(t *event.Turn, raw json.RawMessage, at string) error {
	var v reaction
	if err := p.decode(raw, at, &v); err != nil {
		return err
	}
	if err := identifier(at+"/message_id", v.MessageID); err != nil {
		return err
	}
	t.Kind, t.Text, t.Target = event.Reaction, v.Emoji, ingest.TurnID(p.tenant, event.WhatsApp, v.MessageID)
	if v.Emoji == "" {
		t.Attrs = attrs("removed", "true")
	}
	return nil
}

func (p *parser) button(t *event.Turn, raw json.RawMessage, at string) error {
	var v button
	if err := p.decode(raw, at, &v); err != nil {
		return err
	}
	t.Kind, t.Text, t.Attrs = event.Button, v.Text, attrs("payload", v.Payload)
	return nil
}

func (p *parser) interactive(t *event.Turn, raw json.RawMessage, at string) error {
	var v interactive
	if err := p.decode(raw, at, &v); err != nil {
		return err
	}
	t.Kind = event.Interactive
	switch v.Type {
	case "button_reply":
		t.Text, t.Attrs = v.ButtonReply.Title, attrs("reply", v.Type, "payload", v.ButtonReply.ID)
	case "list_reply":
		t.Text, t.Attrs = v.ListReply.Title, attrs("reply", v.Type, "payload", v.ListReply.ID, "description", v.ListReply.Description)
	case "nfm_reply":
		t.Text, t.Attrs = answers(v.NfmReply.ResponseJSON), attrs("reply", v.Type, "flow", v.NfmReply.Name)
	case "call_permission_reply":
		r := v.CallPermissionReply
		expires, err := stamp(r.ExpirationTimestamp, at+"/call_permission_reply/expiration_timestamp")
		if err != nil {
			return err
		}
		t.Attrs = attrs("reply", v.Type, "response", r.Response, "response_source", r.ResponseSource)
		if !expires.IsZero() {
			t.Attrs["expires"] = expires.Format("2006-01-02T15:04:05Z")
		}
	default:
		t.Raw, t.Attrs = raw, attrs("reply", v.Type)
	}
	return nil
}

// answers writes what somebody filled into a flow as "question: answer" lines.
// It is free text like any other; flow_token only says which form it was.
func answers(form string) string {
	var fields map[string]any
	if json.Unmarshal([]byte(form), &fields) != nil {
		return form
	}
	lines := make([]string, 0, len(fields))
	for _, k := range slices.Sorted(maps.Keys(fields)) {
		if k != "flow_token" {
			lines = append(lines, fmt.Sprintf("%s: %v", k, fields[k]))
		}
	}
	return strings.Join(lines, "\n")
}

func (p *parser) order(t *event.Turn, raw json.RawMessage, at string) error {
	var v order
	if err := p.decode(raw, at, &v); err != nil {
		return err
	}
	items := make([]string, 0, len(v.ProductItems))
	for _, i := range v.ProductItems {
		items = append(items, fmt.Sprintf("%s × %s at %s %s", i.Quantity, cut(i.ProductRetailerID, 128), i.ItemPrice, i.Currency))
	}
	t.Kind, t.Text = event.Order, v.Text
	t.Attrs = attrs("catalog", v.CatalogID, "items", strings.Join(items, "; "))
	return nil
}

func (p *parser) system(t *event.Turn, raw json.RawMessage, at string) error {
	var v system
	if err := p.decode(raw, at, &v); err != nil {
		return err
	}
	t.Kind, t.Role, t.Text, t.Attrs = event.Notice, event.System, v.Body, attrs("notice", v.Type)
	return nil
}

// edit takes the new words: a text, or the caption of a medium.
func (p *parser) edit(t *event.Turn, raw json.RawMessage, at string) error {
	var v edit
	if err := p.decode(raw, at, &v); err != nil {
		return err
	}
	if err := identifier(at+"/original_message_id", v.OriginalMessageID); err != nil {
		return err
	}
	var m message
	if len(v.Message) > 0 {
		if err := p.decode(v.Message, at+"/message", &m); err != nil {
			return err
		}
		if read := p.reader(m.Type); read != nil && m.Type != "edit" && len(m.part()) > 0 {
			if err := read(t, m.part(), at+"/message/"+m.Type); err != nil {
				return err
			}
		} else {
			t.Raw = v.Message
		}
	}
	t.Kind, t.Target = event.Edit, ingest.TurnID(p.tenant, event.WhatsApp, v.OriginalMessageID)
	return nil
}

func (p *parser) revoke(t *event.Turn, raw json.RawMessage, at string) error {
	var v edit
	if err := p.decode(raw, at, &v); err != nil {
		return err
	}
	if err := identifier(at+"/original_message_id", v.OriginalMessageID); err != nil {
		return err
	}
	t.Kind, t.Target = event.Revoke, ingest.TurnID(p.tenant, event.WhatsApp, v.OriginalMessageID)
	return nil
}
