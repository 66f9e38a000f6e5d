package journey

import (
	"strings"
	"unicode"
)

// phrase is a text as its words: lower case, apostrophes dropped, everything
// else that is no letter or digit a space. It begins and ends with a space, so
// that " order number " is found as whole words only.
func phrase(text string) string {
	var b strings.Builder
	b.Grow(len(text) + 2)
	b.WriteByte(' ')
	gap := true
	for _, r := range text {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			b.WriteRune(unicode.ToLower(r))
			gap = false
		case r == '\'' || r == '’':
		case !gap:
			b.WriteByte(' ')
			gap = true
		}
	}
	if !gap {
		b.WriteByte(' ')
	}
	return b.String()
}

// says tells whether words holds one of the alternatives of a row of a table,
// written as "order number|order id".
func says(words, alternatives string) bool {
	for a := range strings.SplitSeq(alternatives, "|") {
		if _, found := cutWords(words, a); found {
			return true
		}
	}
	return false
}

// cutWords finds a as whole words, and gives what follows with its space.
func cutWords(words, a string) (after string, found bool) {
	for from := 0; ; {
		k := strings.Index(words[from:], a)
		if k < 0 {
			return "", false
		}
		if begin, end := from+k, from+k+len(a); begin > 0 && words[begin-1] == ' ' && end < len(words) && words[end] == ' ' {
			return words[end:], true
		}
		from += k + 1
	}
}

// beginsWith tells whether words, which begin with a space, go on with a, and
// gives the rest with its space.
func beginsWith(words, a string) (rest string, does bool) {
	if end := 1 + len(a); len(words) > end && words[1:end] == a && words[end] == ' ' {
		return words[end:], true
	}
	return words, false
}

// sentences cuts text after each full stop, question or exclamation mark that
// stands before a space.
func sentences(text string) []string {
	var out []string
	from := 0
	for k, r := range text {
		if (r == '.' || r == '?' || r == '!' || r == '\n') && (k+1 >= len(text) || text[k+1] == ' ' || text[k+1] == '\n') {
			out = append(out, text[from:k+1])
			from = k + 1
		}
	}
	if strings.TrimSpace(text[from:]) != "" {
		out = append(out, text[from:])
	}
	return out
}
