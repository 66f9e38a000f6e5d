package assist

import (
	"slices"
	"strings"
)

// What a difference between a phrase and what was heard costs, in words, and
// how much of a phrase may differ: speech is recognised with errors, and people
// put words in between.
const (
	costOther   = 1.0  // another word, or one left out
	costMisread = 0.25 // a word that is spelt almost alike
	costBetween = 0.5  // a word put in between
	costNever   = 1e6  // a negation more or less: it says the opposite
	mayDiffer   = 0.25 // of the phrase's words
)

// said tells whether phrase was heard, approximately: the cheapest alignment of
// all its words with some part of what was heard (P. H. Sellers, "The theory
// and computation of evolutionary distances: pattern recognition", Journal of
// Algorithms 1, 1980), word by word.
func said(heard, phrase []string) bool {
	if len(phrase) == 0 {
		return false
	}
	limit := mayDiffer * float64(len(phrase))
	before, now := make([]float64, len(phrase)+1), make([]float64, len(phrase)+1)
	for i := 1; i <= len(phrase); i++ {
		before[i] = before[i-1] + leaving(phrase[i-1])
	}
	for _, word := range heard {
		now[0] = 0 // a phrase may begin anywhere
		between := costBetween
		if negates(word) {
			between = costNever
		}
		for i, want := range phrase {
			now[i+1] = min(before[i]+exchange(word, want), before[i+1]+between, now[i]+leaving(want))
		}
		if now[len(phrase)] <= limit {
			return true
		}
		before, now = now, before
	}
	return false
}

func leaving(word string) float64 {
	if negates(word) {
		return costNever
	}
	return costOther
}

func exchange(word, want string) float64 {
	switch {
	case word == want:
		return 0
	case negates(word) || negates(want):
		return costNever
	case alike(word, want):
		return costMisread
	}
	return costOther
}

// alike tells whether two words differ by one letter, or two of a long one.
func alike(a, b string) bool {
	x, y := []rune(a), []rune(b)
	most := 1
	switch n := min(len(x), len(y)); {
	case n < 4:
		return false
	case n >= 7:
		most = 2
	}
	if len(x)-len(y) > most || len(y)-len(x) > most {
		return false
	}
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		diagonal := row[0]
		row[0] = i + 1
		for j := range y {
			change := diagonal
			if x[i] != y[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(y)] <= most
}

// negates tells whether a word turns a sentence round, in English, German,
// Spanish, Portuguese, French, Italian or Dutch.
func negates(word string) bool {
	return slices.Contains([]string{
		"not", "no", "never", "none", "nothing", "neither", "nor", "without", "cannot", "cant", "dont", "doesnt", "didnt", "wont", "isnt", "arent", "wasnt", "werent",
		"havent", "hasnt", "hadnt", "wouldnt", "shouldnt", "couldnt", "mustnt", "neednt", "aint", "nobody",
		"nicht", "kein", "keine", "keinen", "keinem", "keiner", "keines", "nie", "niemals", "ohne",
		"nunca", "sin", "ni", "não", "nao", "nem", "sem", "ne", "pas", "jamais", "sans",
		"non", "mai", "nessun", "nessuno", "nessuna", "senza", "niet", "geen", "nooit", "zonder",
	}, word)
}

// heard splits what was said into words as said compares them: "isn't" is one.
func heard(text string) []string {
	return wordsOf(strings.NewReplacer("'", "", "’", "").Replace(text))
}
