package redact

import "slices"

// Type says what kind of personal data stood somewhere. Its text is the first
// part of the placeholder.
type Type string

// The types. The first group is what production redaction takes out by
// default; the second is found by Find only when asked for.
const (
	Card       Type = "CARD"        // a whole payment card number; never with a pseudonym
	CardPart   Type = "CARD_PART"   // some digits of a card number that is said in pieces
	CVV        Type = "CVV"         // card security code (PCI DSS 3.3.1: never kept)
	CardExpiry Type = "CARD_EXPIRY" // month and year near card words
	Phone      Type = "PHONE"
	Mail       Type = "MAIL"
	IBAN       Type = "IBAN"
	NationalID Type = "NATIONAL_ID" // tax, social security and identity numbers; Rule names which
	IP         Type = "IP"

	License      Type = "LICENSE" // driving licence or passport number near its words
	Person       Type = "PERSON"
	Title        Type = "TITLE" // Mr., Dr., a job title
	Organization Type = "ORGANIZATION"
	Place        Type = "PLACE" // country, city, region
	Address      Type = "ADDRESS"
	Zip          Type = "ZIP"
	DateTime     Type = "DATE_TIME"
	Age          Type = "AGE"
	Group        Type = "GROUP" // nationality, religious or political group
	URL          Type = "URL"
)

// DefaultTypes is what is taken out where a tenant's policy names nothing.
func DefaultTypes() []Type {
	return []Type{Card, CardPart, CVV, CardExpiry, Phone, Mail, IBAN, NationalID, License, IP}
}

// AllTypes lists every type that Find reports.
func AllTypes() []Type {
	return append(DefaultTypes(), Person, Title, Organization, Place, Address, Zip, DateTime, Age, Group, URL)
}

// rank orders types where findings overlap: the lower one names the whole.
func rank(t Type) int { return slices.Index(rankOrder[:], t) }

var rankOrder = [...]Type{Card, CVV, CardPart, CardExpiry, Mail, IBAN, NationalID, License, Phone, IP, URL,
	Address, DateTime, Zip, Organization, Person, Place, Group, Title, Age}

// secret tells whether t must never carry a pseudonym: PCI DSS allows a keyed
// hash of a whole card number (3.5.1.1) but nothing of a security code, and a
// pseudonym that shares its key with shorter values would weaken both.
func secret(t Type) bool { return t == Card || t == CardPart || t == CVV || t == CardExpiry }

// Finding is one piece of personal data.
type Finding struct {
	Type  Type
	Rule  string // which rule found it, "us_ssn", "luhn", "spoken"; for people and scores, not for logic
	Start int    // byte offsets into the text that was searched
	End   int

	value string // canonical spelling, for pseudonyms
}

// settle sorts findings and makes them disjoint. Where two overlap, their union
// carries the type that matters more, so that nothing of either stays behind;
// but a finding inside a wider one of an ordinary type is simply part of it.
func settle(all []Finding) []Finding {
	if len(all) < 2 {
		return all
	}
	slices.SortFunc(all, func(a, b Finding) int {
		if a.Start != b.Start {
			return a.Start - b.Start
		}
		if a.End != b.End {
			return b.End - a.End
		}
		return rank(a.Type) - rank(b.Type)
	})
	out := all[:1]
	for _, f := range all[1:] {
		last := &out[len(out)-1]
		if f.Start >= last.End {
			out = append(out, f)
			continue
		}
		inside := f.End <= last.End
		if rank(f.Type) < rank(last.Type) && (!inside || secret(f.Type) && last.Type != IBAN) {
			last.Type, last.Rule, last.value = f.Type, f.Rule, f.value
		}
		last.End = max(last.End, f.End)
	}
	return out
}
