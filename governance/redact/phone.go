package redact

import "strings"

// phones finds numbers that are written or said as phone numbers. It needs no
// numbering plan: a plus sign, a trunk zero, the way digits are grouped and the
// words around decide, so that "order 4839201" stays and "(64) 3591-3246" goes.
func (t *text) phones(runs []run, asked topic, words int, out []Finding) []Finding {
	inherited := asked
	if words > fewWords {
		inherited = nothing
	}
	for _, r := range runs {
		for _, f := range r.free() {
			if f.spoken() {
				out = t.spokenPhone(f, inherited, out)
				continue
			}
			for i := 0; i < len(f.items); {
				if i+3 < len(f.items) && max(len(f.items[i].digits), len(f.items[i+2].digits)) == 4 && t.shaped(f.items[i].first, f.items[i+2].last) {
					i += 3 // a date with its time
					continue
				}
				j := i + 1
				for j < len(f.items) && t.phoneGap(f.items[j-1].last, f.items[j].first) {
					j++
				}
				if found, ok := t.phone(f, i, j, inherited); ok {
					out = append(out, found)
				}
				i = j
			}
		}
	}
	return out
}

// phoneGap tells whether the gap between tokens a and b can be inside a phone
// number: "-", " ", ") ", " (0)", "/", "." and an extension's "x".
func (t *text) phoneGap(a, b int) bool {
	if b == a+2 && (t.is(a+1, "x") || t.is(a+1, "ext")) {
		return true
	}
	if b != a+1 {
		return false
	}
	g := t.s[t.tokens[a].end:t.tokens[b].start]
	if len(g) > 4 {
		return false
	}
	for _, r := range g {
		switch r {
		case ' ', '-', '.', '(', ')', '/', '\u00a0', '‑', '–', '\u202f':
		default:
			return false
		}
	}
	return !strings.Contains(g, "  ") && !strings.Contains(g, ". ") && !strings.Contains(g, " - ")
}

// phone judges items i…j of f.
func (t *text) phone(f run, i, j int, asked topic) (Finding, bool) {
	items := f.items[i:j]
	first, last := items[0].first, items[len(items)-1].last
	n := total(items)
	a := t.tokens[first]
	plus := a.start > 0 && t.s[a.start-1] == '+' || strings.HasSuffix(t.s[:a.start], "+(")
	paren := a.start > 0 && t.s[a.start-1] == '('
	if n < 6 || n > 20 || glued(t.s, a.start, t.tokens[last].end) || t.shaped(first, last) {
		return Finding{}, false
	}
	about := t.about(first, last, asked)
	weak := about == aPhone && t.weaklyAt(first) && asked != aPhone
	strong := about == aPhone && !weak
	barred := about == anOrder || about == anAmount || about == anIBAN || about == aLicense || about == anID || about == aZip || about == aCVV
	digits := joined(items)
	ok := false
	switch {
	case plus:
		ok = n >= 7
	case dotted(items, t):
		ok = false // an IP address or a version
	case strings.HasPrefix(digits, "00") && n >= 10 && n <= 17 && !barred:
		ok = true
	case len(items) == 1:
		ok = !barred && (strong && n >= 7 && n <= 15 || weak && n >= 9 && n <= 13 || digits[0] == '0' && (n == 10 || n == 11))
	case barred:
		ok = about != anIBAN && about != aZip && n >= 10 && northAmerican(items)
	default:
		ok = strong && n <= 17 && (n > 6 || len(items) > 2) || t.phoneShape(items, paren, weak)
	}
	if !ok {
		return Finding{}, false
	}
	found := t.take(run{items}, 0, len(items), Phone, "written", digits)
	if plus {
		found.Start = strings.LastIndexByte(t.s[:a.start], '+')
		found.value = "+" + strings.TrimLeft(digits, "0")
	} else if paren {
		found.Start--
	}
	return found, true
}

// phoneShape judges several groups of digits by nothing but their look.
func (t *text) phoneShape(items []item, paren, weak bool) bool {
	n := total(items)
	if n > 15 && !(n <= 20 && northAmerican(items)) {
		return false
	}
	first, last := len(items[0].digits), len(items[len(items)-1].digits)
	dash := strings.Contains(t.s[t.tokens[items[0].last].end:t.tokens[items[1].first].start], "-")
	capital := t.capitalAfter(items[len(items)-1].last)
	switch {
	case paren || northAmerican(items):
		return n >= 7
	case len(items) == 2:
		switch {
		case dash && (first == 5 && (last == 3 || last == 4) || first == 4 && last == 3):
			return false // a postal code with its second part
		case capital:
			return false // "9543 1819 St. John Street"
		case dash && first == 3 && last == 4 || items[0].digits[0] == '0':
			return n >= 7
		}
		return first >= 2 && first <= 4 && last >= 4 && n >= 7 && n <= 11 && !(year(items[0].digits) && year(items[1].digits)) || weak && n >= 8
	default:
		for _, it := range items {
			if len(it.digits) > 5 {
				return weak
			}
		}
		if first == 1 && items[0].digits != "1" && items[0].digits != "0" || last == 1 {
			return false
		}
		return !capital && (n >= 7 || n == 6 && first == 2 && last == 2) || n >= 9
	}
}

func (t *text) capitalAfter(i int) bool {
	if i+1 >= len(t.tokens) {
		return false
	}
	g := t.gap(i + 1)
	if g != " " && g != ", " {
		return false
	}
	c := t.s[t.tokens[i+1].start]
	return c >= 'A' && c <= 'Z' && t.tokens[i+1].end-t.tokens[i+1].start > 1
}

// northAmerican is [1] NPA NXX XXXX [x extension].
func northAmerican(items []item) bool {
	k := 0
	if d := items[0].digits; (d == "1" || d == "001") && len(items) > 3 {
		k = 1
	}
	return len(items) >= k+3 && len(items[k].digits) == 3 && len(items[k+1].digits) == 3 && len(items[k+2].digits) == 4
}

// dotted tells an IPv4 address or a version: only dots between the groups. Five
// pairs are a French phone number.
func dotted(items []item, t *text) bool {
	if len(items) < 4 {
		return false
	}
	pairs := len(items[0].digits) == 2
	for i := 1; i < len(items); i++ {
		if t.s[t.tokens[items[i-1].last].end:t.tokens[items[i].first].start] != "." || len(items[i].digits) > 3 {
			return false
		}
		pairs = pairs && len(items[i].digits) == 2
	}
	return len(items) != 5 || !pairs
}

func (t *text) weaklyAt(first int) bool {
	for k := t.hintsBefore(first) - 1; k >= 0 && first-t.hints[k].token <= reachBack; k-- {
		if !t.hints[k].weak {
			return false
		}
	}
	return true
}

// glued tells whether letters, or an identifier's underscore or hash, touch the
// number: "AB1234567", "id_12345678".
func glued(s string, start, end int) bool {
	if start > 0 {
		c := s[start-1]
		if c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c == '#' || c >= 0x80 && letterBefore(s, start) {
			return true
		}
		if start > 1 && (c == '-' || c == '/' || c == '.') && s[start-2]|0x20 >= 'a' && s[start-2]|0x20 <= 'z' {
			return true
		}
	}
	if end < len(s) {
		c := s[end]
		if c|0x20 >= 'a' && c|0x20 <= 'z' && c != 'x' || c == '_' {
			return true
		}
	}
	return false
}

// spokenPhone takes digits said in words: seven and more where a phone is
// talked about, ten to thirteen where nothing else is.
func (t *text) spokenPhone(f run, asked topic, out []Finding) []Finding {
	n := total(f.items)
	about := t.about(f.first(), f.last(), asked)
	weak := about == aPhone && t.weaklyAt(f.first()) && asked != aPhone
	plus := f.first() > 0 && t.is(f.first()-1, "plus")
	switch {
	case plus && n >= 8 && n <= 15,
		about == aPhone && !weak && n >= 6 && n <= 15,
		(about == nothing || weak) && n >= 10 && n <= 13:
		found := t.take(f, 0, len(f.items), Phone, "spoken", joined(f.items))
		if plus {
			found.Start, found.value = t.tokens[f.first()-1].start, "+"+found.value
		}
		return append(out, found)
	}
	return out
}
