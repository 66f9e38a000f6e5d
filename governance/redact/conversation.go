package redact

import "strings"

// Conversation is what is remembered of one interaction, so that a number said
// over several turns is known for what it is. It holds at most 19 digits, lives
// in memory only, and is a plain value: a copy looks ahead without changing it.
type Conversation struct {
	pending [19]byte // digits of a card number begun and not finished
	n       int
	speaker string // who says them
	idle    int    // turns since pending grew
	asked   topic  // what was last talked about
	age     int    // turns since
	card    int    // turns since a whole card was seen, plus one; 0: none
}

// How many turns a memory lasts.
const (
	pendingTurns = 8
	askedTurns   = 4
	cardTurns    = 6
	fewWords     = 4 // a turn with no more words beside its number is an answer
)

// begin ages what c knows before the next turn.
func (c *Conversation) begin() {
	if c.asked != nothing {
		if c.age++; c.age > askedTurns {
			c.asked = nothing
		}
	}
	if c.n > 0 {
		if c.idle++; c.idle > pendingTurns {
			c.drop()
		}
	}
	if c.card > 0 {
		if c.card++; c.card > cardTurns {
			c.card = 0
		}
	}
}

func (c *Conversation) drop() { c.pending, c.n, c.idle, c.speaker = [19]byte{}, 0, 0, "" }

// talk remembers what the turn was about.
func (c *Conversation) talk(t *text) {
	if len(t.hints) == 0 {
		return
	}
	last := t.hints[len(t.hints)-1]
	for i := len(t.hints) - 1; i >= 0 && last.weak; i-- {
		if !t.hints[i].weak {
			last = t.hints[i]
		}
	}
	// "What's your order number?": the number is the order's.
	c.asked, c.age = last.topic, 0
}

// grow adds digits of the speaker; whole tells that they now make a card.
func (c *Conversation) grow(speaker, digits string) (whole bool) {
	if c.n == 0 {
		c.speaker = speaker
	}
	if speaker != c.speaker {
		return false // the other side repeats them
	}
	c.idle = 0
	if c.n+len(digits) > len(c.pending) {
		c.drop()
		c.card = 1
		return true
	}
	c.n += copy(c.pending[c.n:], digits)
	d := string(c.pending[:c.n])
	if c.n >= 13 && issued(d, c.n) && Luhn(d) {
		c.drop()
		c.card = 1
		return true
	}
	return false
}

// numbers finds everything that is made of digits and belongs to a card, in the
// light of what was said before.
func (c *Conversation) numbers(t *text, runs []run, speaker string, partial bool, out []Finding) []Finding {
	words := t.besides()
	asked := c.asked
	if words > fewWords {
		asked = nothing
	}
	inCard := t.has(aCard) || asked == aCard
	for _, r := range runs {
		about := t.about(r.first(), r.last(), asked)
		context := about == aCard || inCard && (about == nothing || about == aPhone && t.weakly(r)) || c.n > 0 && words <= fewWords
		n := len(out)
		out = t.cards(r, context, out)
		if len(out) > n {
			c.drop()
			c.card = 1
			out = t.afterCard(r, out)
		}
	}
	for _, r := range runs {
		for _, f := range r.free() {
			out = c.short(t, f, asked, words, out)
		}
	}
	for i, r := range runs {
		for _, f := range r.free() {
			ends := i == len(runs)-1 && f.last() == r.last()
			out = c.part(t, f, speaker, asked, words, ends, partial, out)
		}
	}
	return out
}

// besides counts the words of t that are neither part of a number nor fillers.
func (t *text) besides() int {
	n := 0
	for _, tok := range t.tokens {
		if !tok.numeral && !tok.lex.filler && tok.lex.say == "" && tok.lex.times == 0 {
			n++
		}
	}
	return n
}

// weakly tells whether only a bare "number" stands before r.
func (t *text) weakly(r run) bool {
	k := t.hintsBefore(r.first())
	return k == 0 || t.hints[k-1].weak
}

// afterCard takes what follows a whole card in the same run: expiry and code.
func (t *text) afterCard(r run, out []Finding) []Finding {
	seen := false
	for i := range r.items {
		if r.items[i].taken {
			seen = true
			continue
		}
		if !seen {
			continue
		}
		j := i
		for j < len(r.items) && !r.items[j].taken {
			j++
		}
		rest := joined(r.items[i:j])
		if len(rest) > 10 || t.shaped(r.items[i].first, r.items[j-1].last) {
			return out
		}
		for k := i; k < j; k++ {
			switch two := k+1 < j && len(r.items[k].digits)+len(r.items[k+1].digits) >= 3; {
			case len(r.items[k].digits) <= 2 && two && expiry(joined(r.items[k:k+2])):
				out = append(out, t.take(r, k, k+2, CardExpiry, "after_card", ""))
				k++
			case len(r.items[k].digits) == 3:
				out = append(out, t.take(r, k, k+1, CVV, "after_card", ""))
			case len(r.items[k].digits) == 4 && expiry(r.items[k].digits):
				out = append(out, t.take(r, k, k+1, CardExpiry, "after_card", ""))
			default:
				out = append(out, t.take(r, k, j, CardPart, "after_card", ""))
				k = j
			}
		}
		return out
	}
	return out
}

// short takes security codes and expiry dates.
func (c *Conversation) short(t *text, r run, asked topic, words int, out []Finding) []Finding {
	about := t.about(r.first(), r.last(), asked)
	n := total(r.items)
	inCard := t.has(aCard) || t.has(aCVV) || c.card > 0 || c.n > 0 || c.asked == aCard || c.asked == aCVV || c.asked == aExpiry
	if about == aExpiry && (inCard || t.saidExp()) {
		if k := leading(r.items, func(d string) bool { return len(d) >= 3 && expiry(d) }); k > 0 {
			return append(out, t.take(r, 0, k, CardExpiry, "expiry", ""))
		}
		if f, ok := t.monthName(r, inCard); ok {
			return append(out, f)
		}
	}
	if t.shaped(r.first(), r.last()) {
		return out
	}
	if about == aCVV || c.card > 0 && words == 0 && (n == 3 || n == 4) && (asked == nothing || asked == aCard || asked == aExpiry) {
		if about != aCVV && n == 4 && expiry(joined(r.items)) {
			return append(out, t.take(r, 0, len(r.items), CardExpiry, "after_card", ""))
		}
		k := len(r.items)
		if n > 4 {
			k = leading(r.items, func(d string) bool { return len(d) == 3 || len(d) == 4 })
		}
		if k > 0 && n >= 2 {
			return append(out, t.take(r, 0, k, CVV, "security_code", ""))
		}
	}
	return out
}

func (t *text) saidExp() bool { return t.said("exp") || t.said("expdate") || t.said("thru") }

// leading is how many items from the first make ok true.
func leading(items []item, ok func(string) bool) int {
	d := ""
	for i, it := range items {
		if d += it.digits; len(d) > 6 {
			return 0
		}
		if ok(d) {
			return i + 1
		}
	}
	return 0
}

// monthName reads "december 2027" as an expiry date.
func (t *text) monthName(r run, inCard bool) (Finding, bool) {
	i := r.first()
	n := len(r.items[0].digits)
	if !inCard || i == 0 || n != 2 && n != 4 || month(t.of(i-1)) == 0 {
		return Finding{}, false
	}
	f := t.take(r, 0, 1, CardExpiry, "expiry", "")
	f.Start = t.tokens[i-1].start
	return f, true
}

// month is 1…12 for an English month or its three-letter form, else 0.
func month(w string) int {
	if len(w) < 3 || len(w) > 9 {
		return 0
	}
	w = strings.ToLower(w)
	for i, m := range [...]string{"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"} {
		if w == m || w == m[:3] || w == "sept" && i == 8 {
			return i + 1
		}
	}
	return 0
}

// part takes digits that can be a piece of a card number said over several
// turns. A piece cannot be taken back once it is published, so it goes before
// it is certain.
func (c *Conversation) part(t *text, r run, speaker string, asked topic, words int, ends, partial bool, out []Finding) []Finding {
	digits := joined(r.items)
	n := len(digits)
	about := t.about(r.first(), r.last(), asked)
	weak := about == aPhone && t.weakly(r) && asked != aPhone
	if about == lastFour && n <= 4 || t.international(r, 0, n) || t.shaped(r.first(), r.last()) {
		return out
	}
	if c.card == 1 && words > fewWords {
		return out // the card is there already, in one piece
	}
	answer := words <= fewWords && (about == nothing || weak || about == aCard || about == lastFour)
	switch {
	case c.n > 0 && answer && !(speaker != c.speaker && n < 2):
	case c.n > 0 && n >= 3 && strings.Contains(string(c.pending[:c.n]), digits):
		return append(out, t.take(r, 0, len(r.items), CardPart, "repeated", ""))
	case about == aCard && (n >= 4 && !year(digits) && (n >= 8 || begins(digits) || asked == aCard) || words <= fewWords && asked == aCard && n >= 1 || words <= fewWords && n >= 3 && !year(digits) && begins(digits)):
	case ends && partial && n >= 4 && begins(digits) && (about == nothing || weak) && !year(digits):
	case ends && answer && c.asked != anOrder && c.asked != anAmount && c.asked != aZip && c.asked != aPhone && c.asked != anID &&
		(n%4 == 0 || (n == 10 || n == 4) && (digits[:2] == "34" || digits[:2] == "37")) && n < 13 && begins(digits) && !year(digits):
	default:
		return out
	}
	c.grow(speaker, digits)
	return append(out, t.take(r, 0, len(r.items), CardPart, "part", ""))
}

func year(d string) bool { return len(d) == 4 && (d[:2] == "19" || d[:2] == "20") }

// shaped tells whether tokens first…last are written as a date, a time or an
// amount: "2026-11-22", "14:30", "1,250.00", "$40", "15%".
func (t *text) shaped(first, last int) bool {
	a, b := t.tokens[first], t.tokens[last]
	before, after := t.s[:a.start], t.s[b.end:]
	if hasCurrencyEnd(before) || hasCurrencyStart(after) {
		return true
	}
	if first == last {
		return false
	}
	colons, slashes, dashes, dots, commas, other := 0, 0, 0, 0, 0, 0
	for i := first + 1; i <= last; i++ {
		switch g := strings.TrimSpace(t.gap(i)); g {
		case ":":
			colons++
		case "/":
			slashes++
		case "-":
			dashes++
		case ".":
			dots++
		case ",":
			commas++
		default:
			other++
		}
	}
	if other > 0 {
		// A date and a time side by side: "2026-11-22 10:15".
		return colons > 0 && (dashes == 2 || slashes == 2 || dots == 2) && other == 1
	}
	tok := func(i int) string { return t.tokens[first+i].digits }
	count := last - first + 1
	switch {
	case colons == count-1 && count <= 3 && len(tok(0)) <= 2 && len(tok(1)) == 2:
		return true
	case count == 3 && (slashes == 2 || dashes == 2 || dots == 2) && dateParts(tok(0), tok(1), tok(2)):
		return true
	case (dots == 1 || commas == 1) && dots+commas == count-1 && len(tok(count-1)) == 2 && t.gap(last) != " ":
		return thousands(t, first, last-1)
	case dots+commas == count-1 && count > 1 && commas > 0:
		return thousands(t, first, last)
	}
	return false
}

// thousands tells whether tokens first…last are groups of three after the first.
func thousands(t *text, first, last int) bool {
	for i := first + 1; i <= last; i++ {
		if len(t.tokens[i].digits) != 3 || len(t.gap(i)) != 1 {
			return false
		}
	}
	return len(t.tokens[first].digits) <= 3 || first == last
}

func dateParts(a, b, c string) bool {
	small := func(s string, top int) bool {
		v := 0
		for i := range len(s) {
			v = v*10 + int(s[i]-'0')
			if i > 1 {
				return false
			}
		}
		return v >= 1 && v <= top
	}
	full := func(s string) bool { return len(s) == 4 && (s[:2] == "19" || s[:2] == "20" || s[:2] == "18") }
	switch {
	case full(a):
		return small(b, 12) && small(c, 31)
	case full(c) || len(c) == 2 && len(a) <= 2:
		return small(a, 31) && small(b, 31) && (small(a, 12) || small(b, 12))
	}
	return false
}

func hasCurrencyEnd(s string) bool {
	s = strings.TrimRight(s, " ")
	for _, c := range []string{"$", "€", "£", "R$", "¥", "₹"} {
		if strings.HasSuffix(s, c) {
			return true
		}
	}
	return false
}

func hasCurrencyStart(s string) bool {
	s = strings.TrimLeft(s, " ")
	for _, c := range []string{"€", "£", "%", "₹", "°"} {
		if strings.HasPrefix(s, c) {
			return true
		}
	}
	return false
}
