package intent

import "strings"

// How a text is cut into clauses: only where both sides can say something.
const (
	minClauseWords = 3
	maxClauses     = 12
)

// Clauses cuts a text at the ends of sentences and before words that add another
// wish ("…, and also …"). One clause means the whole text, and none is returned.
func Clauses(text string) []string {
	var out []string
	start, words := 0, 0
	inWord := false
	cut := func(end int) {
		if words >= minClauseWords && len(out) < maxClauses {
			out = append(out, strings.TrimSpace(text[start:end]))
			start, words = end, 0
		}
	}
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == ' ' || c == '\n' || c == '\t' {
			if inWord {
				words++
			}
			inWord = false
			if n := joiner(text[i:]); n > 0 {
				cut(i)
				if start == i {
					start = i + n
				}
			}
			continue
		}
		inWord = true
		if (c == '.' || c == '!' || c == '?' || c == ';') && (i+1 == len(text) || text[i+1] == ' ' || text[i+1] == '\n') {
			words++
			inWord = false
			cut(i + 1)
		}
	}
	if len(out) == 0 {
		return nil
	}
	if rest := strings.TrimSpace(text[start:]); rest != "" {
		out = append(out, rest)
	}
	if len(out) == 1 {
		return nil
	}
	return out
}

// joiner is the length of a word at the front of text that adds another wish.
func joiner(text string) int {
	for _, w := range [...]string{" and ", " but ", " also ", " plus ", " then ", " y ", " pero ", " e ", " mas ", " et ", " mais ", " und ", " aber ", " ma "} {
		if len(text) >= len(w) && strings.EqualFold(text[:len(w)], w) {
			return len(w) - 1
		}
	}
	return 0
}
