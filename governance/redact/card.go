package redact

// Luhn tells whether the digits pass the check of ISO/IEC 7812-1 annex B.
func Luhn(digits string) bool {
	sum, double := 0, false
	for i := len(digits) - 1; i >= 0; i-- {
		d := int(digits[i] - '0')
		if double {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
		double = !double
	}
	return len(digits) > 0 && sum%10 == 0
}

// issued tells whether a number of n digits that begins with digits can be a
// payment card: the ranges that networks publish, with the lengths they use.
func issued(digits string, n int) bool {
	p := func(k int) int {
		v := 0
		for i := range k {
			v *= 10
			if i < len(digits) {
				v += int(digits[i] - '0')
			}
		}
		return v
	}
	two, three, four, six := p(2), p(3), p(4), p(6)
	switch {
	case digits == "":
		return false
	case digits[0] == '4': // Visa
		return n == 13 || n == 16 || n == 19
	case two >= 51 && two <= 55, six >= 222100 && six <= 272099: // Mastercard
		return n == 16
	case two == 34, two == 37: // American Express
		return n == 15
	case four == 2131, four == 1800: // JCB, older
		return n == 15
	case four >= 3528 && four <= 3589: // JCB
		return n >= 16
	case three >= 300 && three <= 305, three == 309, two == 36, two == 38, two == 39: // Diners Club
		return n >= 14
	case four >= 2200 && four <= 2204: // Mir
		return n >= 16
	case four == 6011, two == 64, two == 65: // Discover, RuPay, Elo
		return n >= 16
	case two == 62, two == 81, two == 82, two == 60: // UnionPay, RuPay, Hipercard
		return n >= 16 || two == 60 && n >= 12
	case maestro(two): // 12 to 19 digits by rule; without card words only the lengths in real use
		return n == 16 || n == 19
	default:
		return false
	}
}

// maestro tells the first two digits of Maestro and its relatives.
func maestro(two int) bool {
	return two == 50 || two >= 56 && two <= 58 || two == 61 || two == 63 || two >= 66 && two <= 69
}

// begins tells whether some card can begin with these digits, of which there
// may be as few as four.
func begins(digits string) bool {
	for n := 13; n <= 19; n++ {
		if issued(digits, n) {
			return true
		}
	}
	return false
}

// cards takes whole card numbers out of r. In card context a number that only
// looks like a card goes too: recognisers mishear one digit in a hundred.
func (t *text) cards(r run, context bool, out []Finding) []Finding {
	least := 13
	if context {
		least = 12 // the shortest Maestro numbers
	}
	for i := 0; i < len(r.items); i++ {
		n, best := 0, 0
		var digits [19]byte
		for j := i; j < len(r.items) && n+len(r.items[j].digits) <= len(digits); j++ {
			n += copy(digits[n:], r.items[j].digits)
			if n >= least && (issued(string(digits[:n]), n) || context && maestro(int(digits[0]-'0')*10+int(digits[1]-'0'))) && Luhn(string(digits[:n])) && !t.international(r, i, n) {
				best = j + 1
				if n == 16 {
					break // a longer one that passes by chance must not win
				}
			}
		}
		if best > 0 {
			out = append(out, t.take(r, i, best, Card, "luhn", ""))
			i = best - 1
		}
	}
	if !context {
		return out
	}
	for _, f := range r.free() {
		n := total(f.items)
		if n >= 12 && (begins(f.items[0].digits) || begins(joined(f.items)) || n > 19) && !t.international(f, 0, n) {
			out = append(out, t.take(f, 0, len(f.items), Card, "context", ""))
		}
	}
	return out
}

// international tells whether the number at item i is written as a phone in
// E.164: at most 15 digits after a plus sign.
func (t *text) international(r run, i, n int) bool {
	at := t.tokens[r.items[i].first].start
	return n <= 15 && at > 0 && t.s[at-1] == '+'
}

// expiry reads items as month and year of a card: "12/25", "0927", "9 2027".
func expiry(digits string) bool {
	if len(digits)%2 == 1 {
		digits = "0" + digits
	}
	if len(digits) == 6 && digits[2:4] == "20" {
		digits = digits[:2] + digits[4:]
	}
	if len(digits) != 4 {
		return false
	}
	m := int(digits[0]-'0')*10 + int(digits[1]-'0')
	return m >= 1 && m <= 12 && digits[2] >= '2' && digits[2] <= '4' // 2020 to 2049
}
