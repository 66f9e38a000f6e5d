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
		if strings.Contains(words, " "+a+" ") {
			return true
		}
	}
	return false
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
