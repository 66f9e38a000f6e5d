package redact

import (
	"strings"
)

// named finds people, places, organisations, addresses, dates and ages with a
// small tagger, and web addresses by their look.
func (t *text) named(out []Finding) []Finding {
	out = t.urls(out)
	tags := model().tag(t)
	// What a rule has found is certain; the tagger may speak of the rest.
	for i, tok := range t.tokens {
		for _, f := range out {
			if tok.start < f.End && tok.end > f.Start {
				tags[i] = outside
			}
		}
	}
	for i := 0; i < len(tags); {
		tp := tags[i]
		if tp == outside {
			i++
			continue
		}
		tp -= 1 - tp%2 // what a rule has cut in two may begin in its middle
		j := i + 1
		for j < len(tags) && tags[j] == tp+1 {
			j++
		}
		if digits(t, i, j) && !tagged[(tp-1)/2].numeric() {
			i = j
			continue // "3" is nobody
		}
		f := Finding{Type: tagged[(tp-1)/2], Rule: "tagger", Start: t.tokens[i].start, End: t.tokens[j-1].end}
		if w := t.s[f.Start:f.End]; len(w) > 2 && (strings.HasSuffix(w, "'s") || strings.HasSuffix(w, "'S")) {
			f.End -= 2
		}
		f.value = strings.ToLower(t.s[f.Start:f.End])
		out = append(out, f)
		i = j
	}
	return out
}

func digits(t *text, i, j int) bool {
	for ; i < j; i++ {
		if !t.tokens[i].numeral {
			return false
		}
	}
	return true
}

// numeric tells whether digits alone can be of type tp.
func (tp Type) numeric() bool {
	return tp == Address || tp == Zip || tp == Age || tp == DateTime
}

// urls finds web addresses with their scheme or "www.".
func (t *text) urls(out []Finding) []Finding {
	for i := range t.tokens {
		start := t.tokens[i].start
		switch {
		case (t.is(i, "http") || t.is(i, "https")) && strings.HasPrefix(t.rest(i), "://"):
		case t.is(i, "www") && strings.HasPrefix(t.rest(i), ".") && (start == 0 || t.s[start-1] != '/'):
		default:
			continue
		}
		end := start
		for end < len(t.s) && t.s[end] > ' ' && strings.IndexByte(`"<>()[]{}|\^`, t.s[end]) < 0 && t.s[end] < 0x7f {
			end++
		}
		for end > start && strings.IndexByte(".,;:!?'", t.s[end-1]) >= 0 {
			end--
		}
		out = append(out, Finding{Type: URL, Rule: "scheme", Start: start, End: end, value: t.s[start:end]})
	}
	return out
}
