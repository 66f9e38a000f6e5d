package redact

import "strings"

// item is one piece of a number: a numeral, or digits said in words.
type item struct {
	digits      string
	first, last int // tokens
	spoken      bool
	taken       bool
}

// run is a row of items with nothing between them but separators and fillers:
// one number in pieces, or several that stand side by side.
type run struct {
	items []item
}

// What may stand between two items of a run.
const (
	maxGap     = 8 // bytes of separators
	maxFillers = 4 // words like "uh", "and then"
)

// runs finds the numbers of t, numerals and words alike.
func (t *text) runs() []run {
	// Words of other languages count where three stand in one turn; "um" is
	// Portuguese for one only in such company.
	foreign, um := 0, 0
	for i, tok := range t.tokens {
		if tok.lex.other {
			foreign++
		} else if tok.lex.filler && t.is(i, "um") {
			um++
		}
	}
	if foreign > 0 {
		foreign += um
	}
	var out []run
	var items []item
	fillers := 0
	flush := func() {
		if len(items) > 0 {
			out = append(out, run{items})
		}
		items, fillers = nil, 0
	}
	for i := 0; i < len(t.tokens); {
		if len(items) > 0 && len(t.gap(i)) > maxGap {
			flush()
		}
		if it, ok := t.item(i, foreign >= 3); ok {
			items = append(items, it)
			fillers = 0
			i = it.last + 1
			continue
		}
		switch l := t.tokens[i].lex; {
		case l.scale && len(items) > 0:
			// "five hundred", "20 dollars": the last item was an amount.
			if items[len(items)-1].last == i-1 {
				items = items[:len(items)-1]
			}
			flush()
		case l.filler && fillers < maxFillers:
			fillers++
		default:
			flush()
		}
		i++
	}
	flush()
	return out
}

// item reads the item that begins at token i.
func (t *text) item(i int, foreign bool) (item, bool) {
	tok := t.tokens[i]
	if tok.numeral {
		return item{digits: tok.digits, first: i, last: i}, true
	}
	l := tok.lex
	if foreign && l.filler && t.is(i, "um") {
		return item{digits: "1", first: i, last: i, spoken: true}, true
	}
	if l.say == "" && l.times == 0 || l.other && !foreign || t.pronoun(i) {
		return item{}, false
	}
	close := func(k int) bool { return k < len(t.tokens) && len(t.gap(k)) <= 3 }
	if l.times > 0 {
		if !close(i + 1) {
			return item{}, false
		}
		n := t.tokens[i+1]
		d := n.digits
		if !n.numeral {
			d = n.lex.say
		}
		if len(d) != 1 {
			return item{}, false
		}
		return item{digits: strings.Repeat(d, l.times), first: i, last: i + 1, spoken: true}, true
	}
	it := item{digits: l.say, first: i, last: i, spoken: true}
	if l.tens && close(i+1) {
		if u := t.tokens[i+1].lex.say; len(u) == 1 && u != "0" && !t.tokens[i+1].lex.other {
			it.digits, it.last = l.say[:1]+u, i+1
		}
	}
	if len(it.digits) == 2 && close(it.last+1) && t.is(it.last+1, "hundred") {
		it.digits, it.last = it.digits+"00", it.last+1
	}
	return it, true
}

// pronoun tells whether token i is the "one" of "this one" or "one of them". Where
// a digit in words follows it stays a digit: a card said digit by digit outweighs
// a word too many that is hidden.
func (t *text) pronoun(i int) bool {
	if !t.is(i, "one") {
		return false
	}
	next := i + 1
	if next < len(t.tokens) && t.gap(next) == " " {
		if t.is(next, "of") {
			return true
		}
		if l := t.tokens[next].lex; l.say != "" || l.times > 0 {
			return false
		}
	}
	if i == 0 || t.gap(i) != " " {
		return false
	}
	for _, w := range [...]string{"this", "that", "which", "the", "another", "other", "each", "every", "any", "no", "some",
		"first", "second", "last", "next", "new", "old", "same", "wrong", "right", "only"} {
		if t.is(i-1, w) {
			return true
		}
	}
	return false
}

// total counts the digits of items not yet taken.
func total(items []item) int {
	n := 0
	for _, it := range items {
		n += len(it.digits)
	}
	return n
}

func joined(items []item) string {
	var b strings.Builder
	for _, it := range items {
		b.WriteString(it.digits)
	}
	return b.String()
}

// free splits r into what no rule has taken yet.
func (r run) free() []run {
	var out []run
	from := 0
	for i := 0; i <= len(r.items); i++ {
		if i == len(r.items) || r.items[i].taken {
			if i > from {
				out = append(out, run{r.items[from:i]})
			}
			from = i + 1
		}
	}
	return out
}

func (r run) first() int { return r.items[0].first }
func (r run) last() int  { return r.items[len(r.items)-1].last }

func (r run) spoken() bool {
	for _, it := range r.items {
		if it.spoken {
			return true
		}
	}
	return false
}

// take marks items i…j (exclusive) and makes their finding.
func (t *text) take(r run, i, j int, tp Type, rule, value string) Finding {
	for k := i; k < j; k++ {
		r.items[k].taken = true
	}
	return Finding{Type: tp, Rule: rule, Start: t.tokens[r.items[i].first].start, End: t.tokens[r.items[j-1].last].end, value: value}
}
