package patterns

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"unicode"
)

// words are what a text is named by: letters only, lower case, two or more.
// Placeholders that stand for personal data are none.
func words(text string) []string {
	var out []string
	for _, field := range strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(".,;:!?\"()/", r) }) {
		if strings.ContainsAny(field, "[]<>_{}0123456789@") {
			continue
		}
		w := strings.ToLower(strings.Trim(field, "'’-"))
		if len([]rune(w)) > 1 {
			out = append(out, w)
		}
	}
	return out
}

// name gives the words that tell a group of texts from all of them, best first:
// class-based TF-IDF, the word's share in the group times log(1 + words a group
// / times the word occurs in all groups) (Grootendorst 2022). A word that fewer
// than three texts of the group use names nobody's theme.
func name(group []int, texts []string, groups, most int) []string {
	everywhere, all := map[string]float64{}, 0.0
	for _, t := range texts {
		for _, w := range words(t) {
			everywhere[w]++
			all++
		}
	}
	here, using, size := map[string]float64{}, map[string]int{}, 0.0
	for _, i := range group {
		seen := map[string]bool{}
		for _, w := range words(texts[i]) {
			here[w]++
			size++
			if !seen[w] {
				seen[w] = true
				using[w]++
			}
		}
	}
	var found []string
	weight := map[string]float64{}
	for w, n := range here {
		// A word must be more at home here than elsewhere, or "the" names all.
		if using[w] >= 3 && n/size > 2*everywhere[w]/all {
			weight[w] = n / size * math.Log(1+all/float64(max(groups, 1))/everywhere[w])
			found = append(found, w)
		}
	}
	slices.SortFunc(found, func(a, b string) int { return cmp.Or(cmp.Compare(weight[b], weight[a]), cmp.Compare(a, b)) })
	return found[:min(len(found), most)]
}
