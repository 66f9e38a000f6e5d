package event

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"
)

// Ids are made of what the provider gave, never of chance or the clock, so that
// a redelivery, a replay or a retry makes the same event.

var idAlphabet = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// ID hashes parts (SHA-256, 120 bits kept, Crockford base 32) behind a prefix
// that tells people what they look at: "t_4k2…" is a turn. Parts are
// length-separated, so ("ab","c") and ("a","bc") differ.
func ID(prefix string, parts ...string) string {
	h := sha256.New()
	var size [8]byte
	for _, p := range parts {
		n := len(p)
		for i := range size {
			size[i] = byte(n >> (8 * i))
		}
		h.Write(size[:])
		h.Write([]byte(p))
	}
	return prefix + "_" + idAlphabet.EncodeToString(h.Sum(nil)[:15])
}

// HandleKind says what sort of address a handle is.
type HandleKind string

// The kinds of handle.
const (
	Phone      HandleKind = "phone"       // E.164, "+5511999990000"; the same on voice, SMS and WhatsApp
	WhatsAppID HandleKind = "whatsapp_id" // business-scoped user id, "BR.1349…"
	Mail       HandleKind = "mail"        // lower-cased address
	CRM        HandleKind = "crm"         // the customer's id in the tenant's own system
	Visitor    HandleKind = "visitor"     // a web chat visitor who gave nothing else
)

// Handle is one address of a person.
type Handle struct {
	Kind  HandleKind `json:"kind"`
	Value string     `json:"value"`
}

// Canonical returns h in the one spelling that ids are made of: phones as "+"
// and digits, mail lower-cased, the rest trimmed.
func (h Handle) Canonical() Handle {
	v := strings.TrimSpace(h.Value)
	switch h.Kind {
	case Phone:
		digits := make([]byte, 0, len(v)+1)
		digits = append(digits, '+')
		for i := range len(v) {
			if v[i] >= '0' && v[i] <= '9' {
				digits = append(digits, v[i])
			}
		}
		v = string(digits)
	case Mail:
		v = strings.ToLower(v)
	}
	return Handle{Kind: h.Kind, Value: v}
}

// Masked is h as it may be shown beside a conversation: enough to recognise,
// too little to dial or write to.
func (h Handle) Masked() string {
	v := h.Canonical().Value
	switch h.Kind {
	case Phone:
		if len(v) <= 6 {
			return "+…"
		}
		return v[:3] + "…" + v[len(v)-2:]
	case Mail:
		name, domain, ok := strings.Cut(v, "@")
		if !ok || name == "" {
			return "…"
		}
		return name[:1] + "…@" + domain
	default:
		if len(v) <= 4 {
			return "…"
		}
		return "…" + v[len(v)-4:]
	}
}

// CustomerID is the hash of tenant and canonical handle: the same phone on
// WhatsApp and voice is one customer without any look-up.
func CustomerID(tenant string, h Handle) string {
	c := h.Canonical()
	return ID("c", tenant, string(c.Kind), c.Value)
}
