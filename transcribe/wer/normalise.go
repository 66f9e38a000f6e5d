package wer

import (
	"strconv"
	"strings"
	"unicode"
)

// Normalise splits a transcript into the words that are compared: lower case,
// without punctuation, numbers spelled out as they are spoken, and a few
// spellings made one. References and transcripts are treated alike, so no
// engine gains by its style.
func Normalise(text string) []string {
	text = strings.NewReplacer("’", "'", "%", " percent ", "&", " and ", "$", " dollars ").Replace(strings.ToLower(text))
	text = strings.NewReplacer("p.m.", "pm", "a.m.", "am").Replace(text)
	var words []string
	for _, w := range strings.Fields(plain(text)) {
		w = strings.Trim(w, "'")
		switch {
		case w == "":
		case digits(w):
			words = append(words, spoken(w, false)...)
		case digits(strings.ReplaceAll(w, ",", "")):
			words = append(words, spoken(strings.ReplaceAll(w, ",", ""), true)...)
		default:
			if same, ok := spelling(w); ok {
				w = same
			}
			words = append(words, w)
		}
	}
	return words
}

// plain turns all but letters, digits, apostrophes and the commas that group
// thousands into spaces.
func plain(text string) string {
	runes := []rune(text)
	var b strings.Builder
	for i, r := range runes {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '\'':
			b.WriteRune(r)
		case r == ',' && i > 0 && groups(runes[i-1:]):
			b.WriteByte(',')
		default:
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// groups reports whether r is a digit, a comma and three digits.
func groups(r []rune) bool {
	if len(r) < 5 || (len(r) > 5 && ascii(r[5])) {
		return false
	}
	return ascii(r[0]) && ascii(r[2]) && ascii(r[3]) && ascii(r[4])
}

func ascii(r rune) bool { return r >= '0' && r <= '9' }

func digits(w string) bool {
	return strings.IndexFunc(w, func(r rune) bool { return !ascii(r) }) < 0
}

// spelling makes one of two ways to write the same spoken word.
func spelling(w string) (string, bool) {
	switch w {
	case "okay":
		return "ok", true
	case "mr":
		return "mister", true
	case "mrs":
		return "missus", true
	case "oh":
		return "zero", true // as in "nine oh two one oh"
	case "gray":
		return "grey", true
	}
	return "", false
}

// spoken spells a number as a person says it. Numbers that begin with zero, and
// those of five digits or more that no comma groups, are codes: they are read
// digit by digit.
func spoken(w string, grouped bool) []string {
	n, err := strconv.Atoi(w)
	if err != nil || len(w) > 6 || (len(w) > 4 && !grouped) || (len(w) > 1 && w[0] == '0') {
		var out []string
		for _, d := range w {
			out = append(out, small(int(d-'0')))
		}
		return out
	}
	return number(n)
}

func number(n int) []string {
	rest := func(head []string, r int) []string {
		if r == 0 {
			return head
		}
		return append(head, number(r)...)
	}
	switch {
	case n < 20:
		return []string{small(n)}
	case n < 100:
		return rest([]string{tens(n / 10)}, n%10)
	case n >= 1100 && n < 2000:
		// Years and prices: "nineteen zero four", "eleven hundred".
		head := number(n / 100)
		switch r := n % 100; {
		case r == 0:
			return append(head, "hundred")
		case r < 10:
			return append(head, "zero", small(r))
		default:
			return append(head, number(r)...)
		}
	case n < 1000:
		return rest([]string{small(n / 100), "hundred"}, n%100)
	default:
		return rest(append(number(n/1000), "thousand"), n%1000)
	}
}

func small(n int) string {
	return [...]string{"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
		"eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"}[n]
}

func tens(n int) string {
	return [...]string{"", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"}[n]
}
