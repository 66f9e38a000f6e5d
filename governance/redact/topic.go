package redact

import (
	"slices"
	"sort"
	"strings"
)

// topic is what a number near a word is probably about.
type topic uint8

const (
	nothing topic = iota
	aCard
	aCVV
	aExpiry
	aPhone
	anID
	aLicense
	anIBAN
	anOrder // an order, booking, flight, room: a number that must stay
	anAmount
	aZip
	lastFour // the end of a card number, which may be shown (PCI DSS 3.4.1)
)

// hint is a topic that a token brings up.
type hint struct {
	topic topic
	weak  bool
	token int
}

// phrases adds the topics that take more than one word: "security code",
// "three digits on the back", "social security", "last four".
func (t *text) phrases() {
	var more []hint
	for i := range t.tokens {
		if t.tokens[i].numeral {
			continue
		}
		switch w := t.of(i); {
		case t.is(i, "cv") && t.next(i, "2"),
			t.is(i, "code") && i > 0 && (t.is(i-1, "security") || t.is(i-1, "verification") && t.has(aCard) || t.is(i-1, "secure") || t.is(i-1, "safety")),
			t.is(i, "number") && i > 0 && t.is(i-1, "security") && (i < 2 || !t.is(i-2, "social")),
			t.is(i, "back") && i > 1 && t.is(i-1, "the") && (t.is(i-2, "on") || t.is(i-2, "at") || t.is(i-2, "from")) && (t.said("digit") || t.said("digits") || t.said("code") || t.said("number") || t.said("three")),
			t.codeOfSecurity(i),
			(t.is(i, "digits") || t.is(i, "digit")) && i > 0 && (t.is(i-1, "three") || t.is(i-1, "3")) && !t.recent(i, "last", 3) && !t.recent(i, "first", 3):
			more = append(more, hint{topic: aCVV, token: i})
		case t.is(i, "security") && i > 0 && t.is(i-1, "social"):
			more = append(more, hint{topic: anID, token: i})
		case (t.is(i, "four") || w == "4") && i > 0 && (t.is(i-1, "last") || t.is(i-1, "final")),
			(t.is(i, "ending") || t.is(i, "ends")) && (t.has(aCard) || t.next(i, "in") || t.next(i, "with")):
			more = append(more, hint{topic: lastFour, token: i})
		}
	}
	// "last 4 digits": the numeral is not a word, so look from "digits" back.
	for i, tok := range t.tokens {
		if tok.numeral && tok.digits == "4" && i > 0 && (t.is(i-1, "last") || t.is(i-1, "final")) {
			more = append(more, hint{topic: lastFour, token: i})
		}
	}
	if more == nil {
		return
	}
	merged := make([]hint, 0, len(t.hints)+len(more))
	for i, j := 0, 0; i < len(t.hints) || j < len(more); {
		if j >= len(more) || i < len(t.hints) && t.hints[i].token < more[j].token {
			merged = append(merged, t.hints[i])
			i++
			continue
		}
		if i < len(t.hints) && t.hints[i].token == more[j].token {
			i++ // "code" after "security" is no longer an order's code
		}
		merged = append(merged, more[j])
		j++
	}
	t.hints = merged
}

// codeOfSecurity tells whether a security code's name ends at token i in the
// languages that put it backwards: "código de seguridad".
func (t *text) codeOfSecurity(i int) bool {
	if i < 2 || !(t.is(i-1, "de") || t.is(i-1, "di")) {
		return false
	}
	code, security := t.of(i-2), t.of(i)
	return slices.ContainsFunc(codes, func(w string) bool { return strings.EqualFold(w, code) }) &&
		slices.ContainsFunc(securities, func(w string) bool { return strings.EqualFold(w, security) })
}

var (
	codes      = []string{"código", "codigo", "code", "codice", "número", "numero", "numéro"}
	securities = []string{"seguridad", "segurança", "seguranca", "sécurité", "securite", "sicurezza"}
)

// is compares token i with an ASCII word, ignoring case.
func (t *text) is(i int, w string) bool {
	s := t.of(i)
	if len(s) != len(w) {
		return false
	}
	for k := range len(w) {
		c := s[k]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != w[k] {
			return false
		}
	}
	return true
}

func (t *text) next(i int, w string) bool { return i+1 < len(t.tokens) && t.is(i+1, w) }

func (t *text) said(w string) bool {
	for i := range t.tokens {
		if t.is(i, w) {
			return true
		}
	}
	return false
}

func (t *text) recent(i int, w string, back int) bool {
	for k := max(0, i-back); k < i; k++ {
		if t.is(k, w) {
			return true
		}
	}
	return false
}

func (t *text) has(tp topic) bool {
	for _, h := range t.hints {
		if h.topic == tp {
			return true
		}
	}
	return false
}

// How far a topic reaches, in tokens.
const (
	reachBack  = 10
	reachAhead = 4
)

// about is the topic of the number that stands in tokens first…last: the
// nearest word before it, else the nearest soon after, else what was asked
// before this turn.
func (t *text) about(first, last int, asked topic) topic {
	weak := nothing
	from := t.hintsBefore(first)
	for k := from - 1; k >= 0; k-- {
		h := t.hints[k]
		if first-h.token > reachBack || weak != nothing && first-h.token > reachBack/2+2 {
			break
		}
		if h.weak {
			weak = h.topic
			continue
		}
		return h.topic
	}
	if weak != nothing && asked == nothing {
		return weak
	}
	for _, h := range t.hints[from:] {
		if h.token-last > reachAhead {
			break
		}
		if h.token > last && !h.weak {
			return h.topic
		}
	}
	if asked != nothing {
		return asked
	}
	return weak
}

// hintsBefore is how many hints stand before a token.
func (t *text) hintsBefore(token int) int {
	return sort.Search(len(t.hints), func(k int) bool { return t.hints[k].token >= token })
}

// near tells whether tp is brought up within reach of tokens first…last.
func (t *text) near(tp topic, first, last, back, ahead int) bool {
	from := t.hintsBefore(first - back)
	for _, h := range t.hints[from:] {
		if h.token-last > ahead {
			break
		}
		if h.topic == tp && (h.token < first && first-h.token <= back || h.token > last && h.token-last <= ahead) {
			return true
		}
	}
	return false
}
