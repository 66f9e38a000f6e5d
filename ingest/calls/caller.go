package calls

import (
	"strings"

	"throughline/event"
)

// Caller reads the address of a party as platforms write it: "+1-555-555-1234",
// "tel:+15555551234", "sip:+15555551234@host", "client:jane". It is the zero
// Handle for a withheld number, an extension or anything else that does not tell
// one person from all others.
func Caller(address string) event.Handle {
	v := strings.TrimSpace(address)
	scheme, rest, ok := strings.Cut(v, ":")
	if ok {
		switch strings.ToLower(scheme) {
		case "tel", "sip", "sips", "whatsapp":
			v = rest
		default:
			return event.Handle{}
		}
	}
	v, _, _ = strings.Cut(v, "@")
	v, _, _ = strings.Cut(v, ";") // parameters, RFC 3966 §3
	if strings.Trim(v, "+0123456789-.() ") != "" {
		return event.Handle{}
	}
	international := strings.HasPrefix(v, "+") || strings.HasPrefix(v, "00")
	v = strings.TrimPrefix(v, "00")
	h := event.Handle{Kind: event.Phone, Value: v}.Canonical()
	digits := len(h.Value) - 1
	// E.164 allows 15 digits. Without a sign of the country code, what is short is
	// an extension, a short code or a number that means another phone elsewhere.
	if digits < 7 || digits > 15 || (!international && digits < 10) || withheldNumber(h.Value) {
		return event.Handle{}
	}
	return h
}

// withheldNumber tells the numbers that Twilio gives in place of a caller id:
// they spell RESTRICTED, ANONYMOUS, UNKNOWN and UNAVAILABLE on a keypad.
func withheldNumber(e164 string) bool {
	switch e164 {
	case "+7378742833", "+2562533", "+8656696", "+266696687", "+86282452253":
		return true
	}
	return false
}
