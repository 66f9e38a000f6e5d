package redact

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// mails finds addresses as they are written (RFC 5322 dot-atoms, RFC 6531 for
// other scripts) and as they are said: "anna dot b at example dot com".
func (t *text) mails(out []Finding) []Finding {
	for from := 0; ; {
		at := strings.IndexByte(t.s[from:], '@')
		if at < 0 {
			break
		}
		at += from
		from = at + 1
		start, end := at, at+1
		for start > 0 {
			r, size := utf8.DecodeLastRuneInString(t.s[:start])
			if !local(r) {
				break
			}
			start -= size
		}
		for start < at && (t.s[start] == '.' || t.s[start] == '\'') {
			start++
		}
		for end < len(t.s) {
			r, size := utf8.DecodeRuneInString(t.s[end:])
			if !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' && r != '.' {
				break
			}
			end += size
		}
		for end > at+1 && (t.s[end-1] == '.' || t.s[end-1] == '-') {
			end--
		}
		domain := t.s[at+1 : end]
		dot := strings.LastIndexByte(domain, '.')
		if start == at || dot <= 0 || utf8.RuneCountInString(domain[dot+1:]) < 2 {
			continue
		}
		out = append(out, Finding{Type: Mail, Rule: "written", Start: start, End: end, value: strings.ToLower(t.s[start:end])})
		from = end
	}
	for i := range t.tokens {
		if t.is(i, "at") || t.is(i, "arroba") || t.is(i, "arobase") {
			if f, ok := t.spokenMail(i); ok {
				out = append(out, f)
			}
		}
	}
	return out
}

func local(r rune) bool {
	return r == '.' || r == '_' || r == '+' || r == '-' || r == '%' || r == '\'' || unicode.IsLetter(r) || unicode.IsDigit(r)
}

// spokenMail reads an address around the word "at" at token i.
func (t *text) spokenMail(i int) (Finding, bool) {
	name := func(k int) bool { return k >= 0 && k < len(t.tokens) }
	// After: words joined by "dot", of which the last is a top-level domain.
	k := i + 1
	if name(k) && t.is(k, "sign") {
		k++
	}
	var host []string
	end, known := 0, false
	for name(k) {
		if g := t.gap(k); len(g) > 2 && len(host) > 0 || strings.ContainsAny(g, "?!") {
			break
		}
		host = append(host, t.of(k))
		if len(host) > 1 && topLevel(strings.ToLower(t.of(k))) {
			end, known = k, true
		}
		switch {
		case name(k+2) && (t.is(k+1, "dot") || t.is(k+1, "punto") || t.is(k+1, "ponto") || t.is(k+1, "punkt")):
			k += 2
			continue
		case name(k+1) && t.gap(k+1) == ".":
			k++
			continue
		case name(k+2) && (t.is(k+1, "dash") || t.is(k+1, "hyphen")):
			k += 2
			continue
		}
		break
	}
	if !known || i == 0 {
		return Finding{}, false
	}
	// Before: one word, and more as long as joiners or single letters and
	// numbers lead to it.
	first := i - 1
	for first > 0 {
		prev := first - 1
		w := t.of(prev)
		switch {
		case len(t.gap(first)) > 2 || strings.ContainsAny(t.gap(first), "?!:"):
		case t.is(prev, "dot") || t.is(prev, "underscore") || t.is(prev, "dash") || t.is(prev, "hyphen") || t.is(prev, "punto") || t.is(prev, "ponto") || t.is(prev, "punkt") || t.is(prev, "minus") || t.is(prev, "plus"):
			first = max(0, prev-1)
			continue
		case utf8.RuneCountInString(w) == 1 && !t.is(prev, "i") || t.tokens[prev].numeral || t.tokens[prev].lex.say != "" || t.tokens[prev].lex.times > 0,
			t.gap(first) == "." || t.gap(first) == "_" || t.gap(first) == "-":
			first = prev
			continue
		case utf8.RuneCountInString(t.of(first)) == 1 || t.tokens[first].numeral || t.tokens[first].lex.say != "":
			if !t.tokens[prev].lex.filler && t.tokens[prev].lex.topic == nothing && prev > 0 && !t.is(prev, "mail") && !t.is(prev, "email") && !t.is(prev, "address") {
				first = prev // "anna b at …", "smith 42 at …"
			}
		}
		break
	}
	return Finding{Type: Mail, Rule: "spoken", Start: t.tokens[first].start, End: t.tokens[end].end, value: t.writtenMail(first, end)}, true
}

// writtenMail is what spoken tokens would be in writing, for the pseudonym.
func (t *text) writtenMail(first, end int) string {
	var b strings.Builder
	for k := first; k <= end; k++ {
		switch w := strings.ToLower(t.of(k)); w {
		case "dot", "punto", "ponto", "punkt":
			b.WriteByte('.')
		case "at", "arroba", "arobase":
			b.WriteByte('@')
		case "sign":
		case "underscore":
			b.WriteByte('_')
		case "dash", "hyphen", "minus":
			b.WriteByte('-')
		case "plus":
			b.WriteByte('+')
		default:
			if g := t.gap(k); k > first && (g == "." || g == "_" || g == "-") {
				b.WriteString(g)
			}
			if say := t.tokens[k].lex.say; say != "" {
				w = say
			}
			b.WriteString(w)
		}
	}
	return b.String()
}

// topLevel tells whether w ends the addresses that people spell out.
func topLevel(w string) bool {
	switch w {
	case "com", "net", "org", "edu", "gov", "info", "io", "co", "uk", "de", "fr", "es", "it", "nl", "be", "ch", "at", "pt", "br",
		"mx", "ar", "cl", "pe", "us", "ca", "au", "nz", "in", "jp", "cn", "se", "no", "dk", "fi", "pl", "cz", "ie", "eu", "me",
		"app", "dev", "biz", "email", "online", "tv", "za", "ru", "tr", "gr", "hu", "ro", "ai", "cloud":
		return true
	}
	return false
}
