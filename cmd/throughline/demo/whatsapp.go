package demo

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"throughline/event"
)

const webhookPath = "/v1/webhooks/whatsapp"

// meta speaks as the WhatsApp Cloud API does: webhooks with every body signed.
type meta struct {
	courier *courier
	secret  string
	number  number
}

// object is one JSON object of a webhook.
type object map[string]any

// verify asks for the challenge back, as Meta does before it sends anything.
func (m *meta) verify(ctx context.Context, token string) error {
	const challenge = "1158201444"
	answer, err := m.courier.carry(ctx, "GET", webhookPath+"?hub.mode=subscribe&hub.challenge="+challenge+"&hub.verify_token="+url.QueryEscape(token), nil)
	if err != nil {
		return err
	}
	if string(answer) != challenge {
		return fmt.Errorf("GET %s: the challenge did not come back as it was", webhookPath)
	}
	return nil
}

// forge posts a webhook that somebody else has signed, which must be refused.
func (m *meta) forge(ctx context.Context) error {
	body := []byte(`{"object":"whatsapp_business_account","entry":[]}`)
	_, err := m.courier.carry(ctx, "POST", webhookPath, body, "X-Hub-Signature-256", sign("not "+m.secret, body))
	if r, ok := errors.AsType[*refusal](err); ok && r.Status == http.StatusUnauthorized {
		return nil
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("POST %s: a forged signature was accepted", webhookPath)
}

// deliver posts a webhook with one entry for each change. Meta joins what is
// waiting, and every part of a body counts.
func (m *meta) deliver(ctx context.Context, changes ...object) error {
	entries := make([]object, len(changes))
	for i, c := range changes {
		entries[i] = object{"id": m.number.Business, "time": time.Now().Unix(), "changes": []object{c}}
	}
	body, err := escaped(object{"object": "whatsapp_business_account", "entry": entries})
	if err != nil {
		return err
	}
	_, err = m.courier.carry(ctx, "POST", webhookPath, body, "X-Hub-Signature-256", sign(m.secret, body), "User-Agent", "facebookexternalua")
	return err
}

// sign is HMAC-SHA256 of the raw body under the app secret, as Meta writes it.
func sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// escaped is v in Meta's spelling: slashes and everything beyond ASCII are
// escaped. A receiver that signs its own spelling of the body will not agree.
func escaped(v any) ([]byte, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("write webhook: %w", err)
	}
	var b strings.Builder
	for _, r := range string(plain) {
		switch {
		case r == '/':
			b.WriteString(`\/`)
		case r < 0x80:
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return []byte(b.String()), nil
}

func (m *meta) metadata() object {
	return object{"display_phone_number": m.number.Shows, "phone_number_id": m.number.ID}
}

func contact(p player) object {
	return object{"profile": object{"name": p.name}, "wa_id": digits(p.phone), "user_id": p.whatsAppUser}
}

// incoming is the change that brings a customer's message.
func (m *meta) incoming(p player, id, replyTo, text string, s step) object {
	msg := object{"from": digits(p.phone), "from_user_id": p.whatsAppUser, "id": id, "timestamp": unix()}
	if replyTo != "" && s.Kind != event.Reaction {
		msg["context"] = object{"from": m.number.Shows, "id": replyTo}
	}
	kind, content := written(id, replyTo, text, s)
	msg["type"], msg[kind] = kind, content
	return object{"field": "messages", "value": object{"messaging_product": "whatsapp", "metadata": m.metadata(),
		"contacts": []object{contact(p)}, "messages": []object{msg}}}
}

// written is the type of a message and the object that stands under its name.
func written(id, replyTo, text string, s step) (string, object) {
	media := object{"id": strconv.FormatUint(uint64(len(text))+7_000_000_000, 10) + id[len(id)-4:], "sha256": "3q2+7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}
	switch s.Kind {
	case event.Image:
		media["mime_type"] = "image/jpeg"
		if text != "" {
			media["caption"] = text
		}
		return "image", media
	case event.VoiceNote:
		media["mime_type"], media["voice"] = "audio/ogg; codecs=opus", true
		return "audio", media
	case event.Sticker:
		media["mime_type"], media["animated"] = "image/webp", false
		return "sticker", media
	case event.Location:
		return "location", object{"latitude": 40.4153, "longitude": -3.6895, "name": text}
	case event.Reaction:
		return "reaction", object{"message_id": replyTo, "emoji": text}
	case buttonReply:
		return "interactive", object{"type": "button_reply", "button_reply": object{"id": "b2", "title": text}}
	case listReply:
		return "interactive", object{"type": "list_reply", "list_reply": object{"id": "l3", "title": text}}
	case hologram:
		return "hologram", object{"id": media["id"], "depth_mm": 40}
	}
	return "text", object{"body": text}
}

// echo is the change that brings what an agent wrote in the WhatsApp app.
func (m *meta) echo(p player, id, text string) object {
	return object{"field": "smb_message_echoes", "value": object{"messaging_product": "whatsapp", "metadata": m.metadata(),
		"message_echoes": []object{{"from": m.number.Shows, "to": digits(p.phone), "to_user_id": p.whatsAppUser, "id": id,
			"timestamp": unix(), "type": "text", "text": object{"body": text}}}}}
}

// status is the change that tells what became of a message of ours.
func (m *meta) status(p player, id, name string) object {
	s := object{"id": id, "status": name, "timestamp": unix(), "recipient_id": digits(p.phone), "recipient_user_id": p.whatsAppUser}
	if name == "failed" {
		s["errors"] = []object{{"code": 131026, "title": "Message undeliverable"}}
	} else {
		s["pricing"] = object{"billable": false, "pricing_model": "PMP", "type": "free_customer_service", "category": "service"}
	}
	return object{"field": "messages", "value": object{"messaging_product": "whatsapp", "metadata": m.metadata(), "statuses": []object{s}}}
}

// preference is the change that tells that somebody moved the marketing switch.
func (m *meta) preference(p player, value string) object {
	return object{"field": "user_preferences", "value": object{"messaging_product": "whatsapp", "metadata": m.metadata(), "contacts": []object{contact(p)},
		"user_preferences": []object{{"wa_id": digits(p.phone), "user_id": p.whatsAppUser, "category": "marketing_messages", "value": value,
			"detail": "User requested to stop marketing messages", "timestamp": time.Now().Unix()}}}}
}

// unix is now as most of Meta's timestamps are written: seconds, in a string.
func unix() string { return strconv.FormatInt(time.Now().Unix(), 10) }
