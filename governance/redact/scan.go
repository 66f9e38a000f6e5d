package redact

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// token is a word or a numeral. Everything else is the gap between tokens.
type token struct {
	start, end int
	digits     string // of a numeral, in ASCII whatever script it was written in
	lex        lex    // what the lexicon knows of a word; zero for numerals
	numeral    bool
}

// text is a turn cut into tokens, once, for all rules.
type text struct {
	s       string
	tokens  []token
	numbers bool // there is a numeral or a number word
	hints   []hint
}

// scan cuts s. Letters and their marks make words, decimal digits of any script
// make numerals; an apostrophe inside a word belongs to it.
func scan(s string, buf []token) text {
	t := text{s: s, tokens: buf[:0]}
	var low [24]byte
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c >= '0' && c <= '9':
			i = t.numeral(i)
		case c|0x20 >= 'a' && c|0x20 <= 'z':
			j, n, plain := i, 0, true
			for j < len(s) {
				c := s[j]
				if c|0x20 >= 'a' && c|0x20 <= 'z' {
					c |= 0x20
				} else if c != '\'' || j+1 >= len(s) || s[j+1]|0x20 < 'a' || s[j+1]|0x20 > 'z' {
					plain = c < utf8.RuneSelf
					break
				}
				if n < len(low) {
					low[n] = c
				}
				n++
				j++
			}
			if !plain {
				if j = wordEnd(s, j); j > i {
					t.word(i, j, lexicon[strings.ToLower(s[i:j])])
					i = j
					continue
				}
			}
			var l lex
			if n <= len(low) {
				l = lexicon[string(low[:n])]
			}
			t.word(i, j, l)
			i = j
		case c < utf8.RuneSelf:
			i++
		default:
			r, size := utf8.DecodeRuneInString(s[i:])
			if digitValue(r) >= 0 {
				i = t.numeral(i)
			} else if unicode.IsLetter(r) {
				j := wordEnd(s, i)
				t.word(i, j, lexicon[strings.ToLower(s[i:j])])
				i = j
			} else {
				i += size
			}
		}
	}
	return t
}

func (t *text) word(start, end int, l lex) {
	if l.number() {
		t.numbers = true
	}
	if l.topic != 0 {
		t.hints = append(t.hints, hint{topic: l.topic, weak: l.weak, token: len(t.tokens)})
	}
	t.tokens = append(t.tokens, token{start: start, end: end, lex: l})
}

func (t *text) numeral(i int) int {
	j := i
	for j < len(t.s) && t.s[j] >= '0' && t.s[j] <= '9' {
		j++
	}
	digits := t.s[i:j]
	if j < len(t.s) && t.s[j] >= utf8.RuneSelf {
		var b []byte
		for j < len(t.s) {
			r, size := utf8.DecodeRuneInString(t.s[j:])
			v := digitValue(r)
			if v < 0 {
				break
			}
			if b == nil {
				b = append(b, digits...)
			}
			b = append(b, byte('0'+v))
			j += size
		}
		if b != nil {
			digits = string(b)
		}
	}
	t.numbers = true
	t.tokens = append(t.tokens, token{start: i, end: j, digits: digits, numeral: true})
	return j
}

func wordEnd(s string, i int) int {
	for i < len(s) {
		r, size := utf8.DecodeRuneInString(s[i:])
		if !unicode.IsLetter(r) && !unicode.Is(unicode.Mn, r) && r != '\'' && r != '’' {
			break
		}
		if (r == '\'' || r == '’') && !letterAt(s, i+size) {
			break
		}
		i += size
	}
	return i
}

func letterAt(s string, i int) bool {
	r, _ := utf8.DecodeRuneInString(s[i:])
	return unicode.IsLetter(r)
}

// digitValue is the decimal value of r in any script (Unicode Nd), or of a
// superscript, subscript, circled or keycap digit; −1 for everything else.
func digitValue(r rune) int {
	switch {
	case r >= '0' && r <= '9':
		return int(r - '0')
	case r < 0xb2:
		return -1
	case r == '²' || r == '³':
		return int(r-'²') + 2
	case r == '¹':
		return 1
	case r == '⁰' || r >= '⁴' && r <= '⁹':
		return int(r - '⁰')
	case r >= '₀' && r <= '₉':
		return int(r - '₀')
	case r >= '①' && r <= '⑨':
		return int(r-'①') + 1
	case r == '⓪':
		return 0
	}
	if !unicode.Is(unicode.Nd, r) {
		return -1
	}
	// Unicode keeps decimal digits in runs of ten that start at zero; ranges
	// hold whole runs.
	for _, g := range unicode.Nd.R16 {
		if r >= rune(g.Lo) && r <= rune(g.Hi) {
			return int(r-rune(g.Lo)) % 10
		}
	}
	for _, g := range unicode.Nd.R32 {
		if r >= rune(g.Lo) && r <= rune(g.Hi) {
			return int(r-rune(g.Lo)) % 10
		}
	}
	return -1
}

// gap is what stands between token i-1 and token i.
func (t *text) gap(i int) string {
	if i == 0 {
		return t.s[:t.tokens[0].start]
	}
	return t.s[t.tokens[i-1].end:t.tokens[i].start]
}

func (t *text) of(i int) string { return t.s[t.tokens[i].start:t.tokens[i].end] }

// rest is what follows token i.
func (t *text) rest(i int) string { return t.s[t.tokens[i].end:] }

func letterBefore(s string, i int) bool {
	r, _ := utf8.DecodeLastRuneInString(s[:i])
	return unicode.IsLetter(r)
}
