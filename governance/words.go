package governance

import (
	"strings"

	"throughline/event"
	"throughline/governance/redact"
)

// inWords is the same turn as its words tell it. A recogniser's words and its
// punctuated text can differ ("four one", "41"), so both are searched.
func inWords(said redact.Said, words []event.Word) redact.Said {
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(w.Text)
	}
	said.Text = b.String()
	return said
}

// blank empties the words that hold personal data and keeps their times.
// byText is what was found in the punctuated text, byWords in inWords. Where
// something found in the text lies on no word, and the words have not shown as
// much by themselves, all of them go: times without words are better than a
// number that stayed.
func blank(words []event.Word, text string, byText, byWords redact.Result) {
	if len(words) == 0 || len(byText.Replaced)+len(byWords.Replaced) == 0 {
		return
	}
	gone := make([]bool, len(words))
	lost := make([]bool, len(words)) // the text does not hold the word
	met := make([]bool, len(byText.Replaced))
	joined, cursor := 0, 0
	for i, w := range words {
		n := len(w.Text)
		for _, p := range byWords.Replaced {
			gone[i] = gone[i] || joined < p.End && joined+n > p.Start
		}
		joined += n + 1
		at := strings.Index(text[cursor:], w.Text)
		if lost[i] = at < 0; lost[i] || n == 0 {
			continue
		}
		start := cursor + at
		cursor = start + n
		for k, p := range byText.Replaced {
			if start < p.End && cursor > p.Start {
				gone[i], met[k] = true, true
			}
		}
	}
	// A word that the text does not hold shares the fate of its neighbours.
	for i := range words {
		gone[i] = gone[i] || lost[i] && i > 0 && gone[i-1]
	}
	for i := len(words) - 2; i >= 0; i-- {
		gone[i] = gone[i] || lost[i] && gone[i+1]
	}
	all := false
	for _, m := range met {
		all = all || !m && len(byWords.Replaced) < len(byText.Replaced)
	}
	for i := range words {
		if all || gone[i] {
			words[i].Text = ""
		}
	}
}
