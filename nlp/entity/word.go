package entity

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// A text of which more is not looked at: 20,000 letters fit.
const maxBytes = 64 << 10

// word is a run of letters and digits with what may stand inside a number or a
// code ("1,234.50", "AB-123", "3/4/2026").
type word struct {
	start, end int
	text       string // as written
	lower      string
	digits     bool // begins with a digit
	spaced     bool // stands behind a blank or the beginning
	broken     bool // punctuation stands before it
	hidden     bool // a placeholder of redaction: "[CARD]"
}

// words cuts a text. Currency signs are words of their own.
func words(text string) []word {
	text = text[:min(len(text), maxBytes)]
	var out []word
	spaced, broken := true, false
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == '[':
			if end := placeholder(text[i:]); end > 0 {
				out = append(out, word{start: i, end: i + end, text: text[i : i+end], spaced: spaced, hidden: true})
				i += end
				spaced, broken = false, false
				continue
			}
			spaced, broken = false, true
			i += size
		case sign(r) != "":
			out = append(out, word{start: i, end: i + size, text: text[i : i+size], lower: text[i : i+size], spaced: spaced, broken: broken})
			i += size
			spaced, broken = false, false
		case letter(r):
			end := i + run(text[i:])
			w := text[i:end]
			out = append(out, word{start: i, end: end, text: w, lower: strings.ToLower(w),
				digits: w[0] >= '0' && w[0] <= '9', spaced: spaced, broken: broken})
			i = end
			spaced, broken = false, false
		default:
			switch {
			case unicode.IsSpace(r):
				spaced = true
			case r == '-' && !spaced && i+1 < len(text) && joins(text[i+1:]):
				// "twenty-five", "Anne-Marie", "segunda-feira"
			case r != '#' && r != '\'' && r != '’':
				broken = true
			}
			i += size
		}
	}
	return out
}

// joins tells whether a hyphen before text joins a word to the one before it.
func joins(text string) bool {
	r, _ := utf8.DecodeRuneInString(text)
	return unicode.IsLetter(r)
}

func letter(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) }

// run is the length of a word: letters and digits, and between two digits or in
// a code also . , / : -.
func run(text string) int {
	i := 0
	digit := false // whether the word has one already
	for i < len(text) {
		r, size := utf8.DecodeRuneInString(text[i:])
		if letter(r) {
			digit = digit || r >= '0' && r <= '9'
			i += size
			continue
		}
		next, _ := utf8.DecodeRuneInString(text[i+size:])
		between := next >= '0' && next <= '9'
		switch r {
		case '.', ',', '/', ':':
			if !digit || !between || text[i-1] < '0' || text[i-1] > '9' {
				return i
			}
		case '-':
			if !between && !(digit && letter(next)) {
				return i
			}
		default:
			return i
		}
		i += size
	}
	return i
}

// placeholder is the length of a typed placeholder at the front of text.
func placeholder(text string) int {
	end := strings.IndexByte(text[:min(len(text), 64)], ']')
	if end < 2 {
		return 0
	}
	for _, c := range []byte(text[1:end]) {
		if (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != ':' && c != '-' && (c < 'a' || c > 'z') {
			return 0
		}
	}
	if text[1] < 'A' || text[1] > 'Z' {
		return 0
	}
	return end + 1
}

// sign is the ISO 4217 code of a currency sign, "" for any other rune.
func sign(r rune) string {
	switch r {
	case '€':
		return "EUR"
	case '$':
		return "USD"
	case '£':
		return "GBP"
	case '¥':
		return "JPY"
	case '₹':
		return "INR"
	case '₩':
		return "KRW"
	case '₽':
		return "RUB"
	case '₺':
		return "TRY"
	}
	return ""
}
