package journey

import (
	"slices"
	"strings"
)

// tongue is how a language promises. The words of a row are alternatives; "…"
// among them stands for any words, or none.
type tongue struct {
	code   string   // BCP 47
	denies []string // a clause with one of these promises nothing; none: "will not" is no alternative of will
	will   []string // who commits, and that it will be done; then comes a deed
	yours  []string // what begins a promise only of what comes to the customer: "you will"
	soft   []string // what may stand before the deed
	last   bool     // the deed comes last: any words may stand before it
	deeds  []deed
}

// deed is one kind of thing that a centre commits itself to.
type deed struct {
	about string
	does  []string // after will: what the centre does
	comes []string // after will or yours: what is done to or for the customer
	said  []string // promises by itself: the verb holds who and when
}

// promises names what a sentence commits the centre to, by the rules of its
// language and those of English, which is spoken in between. A question or a
// "not" promises nothing.
func promises(sentence, language string) []string {
	if strings.Contains(sentence, "?") {
		return nil
	}
	language, _, _ = strings.Cut(language, "-") // "pt-BR"
	var out []string
	for i := range tongueTable {
		if t := &tongueTable[i]; t.code == "en" || t.code == language {
			out = append(out, t.promised(sentence)...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (t *tongue) promised(sentence string) []string {
	if t.denies == nil {
		return t.clause(phrase(sentence))
	}
	var out []string
	for clause := range strings.SplitSeq(sentence, ",") { // "No se preocupe, le llamaremos"
		words := phrase(clause)
		if !slices.ContainsFunc(t.denies, func(no string) bool { return holds(words, no) }) {
			out = append(out, t.clause(words)...)
		}
	}
	return out
}

// clause names the longest deed at each place where words commit, and of those
// that promise by themselves.
func (t *tongue) clause(words string) []string {
	var out []string
	for _, commit := range t.will {
		for rest, found := cutWords(words, commit); found; rest, found = cutWords(rest, commit) {
			out = append(out, t.longest(t.pastSoft(rest), t.follows, deed.doing, deed.coming))
		}
	}
	for _, commit := range t.yours {
		for rest, found := cutWords(words, commit); found; rest, found = cutWords(rest, commit) {
			out = append(out, t.longest(t.pastSoft(rest), t.follows, deed.coming))
		}
	}
	out = append(out, t.longest(words, holds, deed.saying))
	return slices.DeleteFunc(out, func(about string) bool { return about == "" })
}

func (d deed) doing() []string  { return d.does }
func (d deed) coming() []string { return d.comes }
func (d deed) saying() []string { return d.said }

// longest names the deed whose alternative is there and the longest of all: "send
// a technician" and not "send".
func (t *tongue) longest(words string, there func(words, verb string) bool, rows ...func(deed) []string) string {
	about, most := "", 0
	for _, d := range t.deeds {
		for _, row := range rows {
			for _, verb := range row(d) {
				if len(verb) > most && there(words, verb) {
					about, most = d.about, len(verb)
				}
			}
		}
	}
	return about
}

// follows tells whether a deed comes after words of commitment.
func (t *tongue) follows(words, verb string) bool {
	if t.last {
		return holds(words, verb)
	}
	_, does := beginsWith(words, verb)
	return does
}

// pastSoft leaves out the words that may stand before the deed.
func (t *tongue) pastSoft(words string) string {
	for again := true; again; {
		again = false
		for _, soft := range t.soft {
			if rest, does := beginsWith(words, soft); does {
				words, again = rest, true
			}
		}
	}
	return words
}

// holds tells whether words hold the parts of a pattern in their order, with any
// words at its "…".
func holds(words, pattern string) bool {
	for part, more := pattern, true; more; {
		part, pattern, more = strings.Cut(pattern, " … ")
		after, found := cutWords(words, part)
		if !found {
			return false
		}
		words = after
	}
	return true
}
