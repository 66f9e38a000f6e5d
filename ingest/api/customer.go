package api

import (
	"net/mail"
	"strings"

	"throughline/event"
	"throughline/ingest"
)

// customer reads who it is about. The first handle given, in the order below,
// makes the customer's id; the others are linked to it.
func (f *form) customer(name string, required bool) ingest.Person {
	c := f.inner(name)
	if c == nil {
		if required && f.ok(name) {
			f.refuse(name, "is missing: give an object with phone, email, crm_id, whatsapp_id or visitor")
		}
		return ingest.Person{}
	}
	who := ingest.Person{Name: c.text("name", MaxName)}
	add := func(kind event.HandleKind, value string) {
		if value != "" {
			who.Handles = append(who.Handles, event.Handle{Kind: kind, Value: value})
		}
	}
	add(event.Phone, c.phone("phone"))
	add(event.Mail, c.mail("email"))
	add(event.CRM, strings.TrimSpace(c.text("crm_id", MaxID)))
	add(event.WhatsAppID, strings.TrimSpace(c.text("whatsapp_id", MaxID)))
	add(event.Visitor, strings.TrimSpace(c.text("visitor", MaxID)))
	before := len(*f.wrong)
	c.refuseUnknown()
	if len(who.Handles) == 0 && len(*f.wrong) == before && c.allOK() {
		f.refuse(name, "names nobody: give phone, email, crm_id, whatsapp_id or visitor")
	}
	return who
}

// allOK tells whether nothing is wrong with the fields of the object.
func (f *form) allOK() bool {
	for _, w := range *f.wrong {
		if strings.HasPrefix(w.Pointer, "#"+f.at+"/") {
			return false
		}
	}
	return true
}

func (f *form) phone(name string) string {
	s := strings.TrimSpace(f.text(name, 40))
	if s == "" {
		return ""
	}
	n := len(event.Handle{Kind: event.Phone, Value: s}.Canonical().Value) - 1
	if s[0] != '+' || strings.Trim(s[1:], "0123456789 ().-") != "" || n < 7 || n > 15 {
		f.refuse(name, "must be an international number as E.164 writes it: + and 7 to 15 digits, country code first")
		return ""
	}
	return s
}

func (f *form) mail(name string) string {
	s := strings.TrimSpace(f.text(name, 254))
	if s == "" {
		return ""
	}
	if a, err := mail.ParseAddress(s); err != nil || a.Address != s {
		f.refuse(name, "must be a bare mail address, name@domain")
		return ""
	}
	return s
}

// language is a tag in the shape of BCP 47: letters, then parts of one to eight
// letters or digits.
func (f *form) language(name string) string {
	s := f.text(name, 35)
	for i, part := range strings.Split(s, "-") {
		letters := strings.TrimFunc(part, func(r rune) bool {
			return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || i > 0 && r >= '0' && r <= '9'
		})
		if s != "" && (letters != "" || len(part) > 8 || len(part) < 1 || i == 0 && len(part) < 2) {
			f.refuse(name, "must be a BCP 47 language tag, pt-BR")
			return ""
		}
	}
	return s
}
