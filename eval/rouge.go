package eval

import (
	"strings"
	"unicode"
)

// rouge compares a summary with another one by F1 (Lin, ROUGE, ACL workshop 2004):
// of single words, of pairs of words, and of the longest common subsequence over
// the whole summary (§3.1). Words are runs of letters and digits in lower case,
// neither stemmed nor stopped; docs/accuracy.md says so beside the figures.
func rouge(said, reference []string) (one, two, longest float64) {
	return overlap(said, reference, 1), overlap(said, reference, 2), f1(subsequence(said, reference), len(said), len(reference))
}

func rougeWords(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// overlap counts runs of n words as often as both sides have them.
func overlap(said, reference []string, n int) float64 {
	left := make(map[string]int)
	for i := 0; i+n <= len(reference); i++ {
		left[strings.Join(reference[i:i+n], " ")]++
	}
	common := 0
	for i := 0; i+n <= len(said); i++ {
		if run := strings.Join(said[i:i+n], " "); left[run] > 0 {
			left[run]--
			common++
		}
	}
	return f1(common, max(len(said)-n+1, 0), max(len(reference)-n+1, 0))
}

// subsequence is the length of the longest sequence of words that both sides have
// in the same order.
func subsequence(a, b []string) int {
	before, now := make([]int, len(b)+1), make([]int, len(b)+1)
	for _, x := range a {
		for j, y := range b {
			if x == y {
				now[j+1] = before[j] + 1
			} else {
				now[j+1] = max(before[j+1], now[j])
			}
		}
		before, now = now, before
	}
	return before[len(b)]
}

func f1(common, said, reference int) float64 {
	return ratio(2*float64(common), float64(said+reference))
}
