package main

import (
	"bytes"
	"fmt"
)

// card gathers what MODEL_CARD.md says.
type card struct {
	sets    sources
	metrics map[string][]string
	sizes   map[string]int
}

func newCard(s sources) *card {
	return &card{sets: s, metrics: make(map[string][]string), sizes: make(map[string]int)}
}

func (c *card) line(model, format string, values ...any) {
	text := fmt.Sprintf(format, values...)
	fmt.Println(model+":", text)
	c.metrics[model] = append(c.metrics[model], text)
}

func (c *card) size(model string, bytes int) { c.sizes[model] = bytes }

func (c *card) markdown() []byte {
	var b bytes.Buffer
	b.WriteString(`# Floor models

Linear models over hashed words, word pairs and runs of three to five letters
inside words (two to four for the language), one signed byte a weight. They read
a turn of twenty words in well under 100 µs. Made by

    go run ./nlp/floor/train --data ../shared/data

which writes this card too. Use them for live sentiment, emotions and language of
contact-centre turns, and for intents fitted on the user's own examples. Do not
use them to judge a person: they read words, not people.

## Data

| set | rows | for | licence |
|---|---|---|---|
`)
	for _, row := range []struct {
		name, use, licence string
		rows               int
	}{
		{"GoEmotions, train", "sentiment, emotion, rarity", "Apache-2.0 (data CC BY 4.0)", len(c.sets.emotions)},
		{"UMSAB, train, eight languages", "sentiment, language, rarity", "Apache-2.0 repository; tweets under their tasks' terms", len(c.sets.umsab)},
		{"CLINC150, train", "sentiment (as neutral requests), language, rarity", "CC BY 3.0", len(c.sets.clinc)},
		{"HWU64, train", "sentiment (as neutral requests), rarity", "CC BY 4.0", len(c.sets.hwu)},
		{"Banking77, train", "language, rarity", "CC BY 4.0", len(c.sets.banking)},
		{"NLU++, folds 1–14", "rarity", "CC BY 4.0", len(c.sets.nlupp)},
		{"NatCS insurance (DSTC11)", "rarity", "CDLA-Permissive-2.0", len(c.sets.natcs)},
		{"nlp/train/turns.txt", "sentiment", "this project's", len(c.sets.turns)},
		{"nlp/floor/train/domain.txt", "sentiment, language, rarity", "this project's", len(c.sets.domain)},
	} {
		fmt.Fprintf(&b, "| %s | %d | %s | %s |\n", row.name, row.rows, row.use, row.licence)
	}
	b.WriteString("\nNo set that is for research or evaluation only was read.\n\n## Files and figures on development data\n")
	for _, model := range []string{"sentiment", "emotion", "language", "rarity"} {
		fmt.Fprintf(&b, "\n`%s.bin`, %d bytes:\n\n", model, c.sizes[model])
		for _, line := range c.metrics[model] {
			fmt.Fprintf(&b, "- %s\n", line)
		}
	}
	b.WriteString(`
## Limits

- Words in a window of three are all that negation turns; irony is seen only in
  set phrases ("thanks for nothing").
- Sentiment was learnt from tweets, Reddit comments and a few hundred sentences of
  ours. Languages beside the eight have no sentiment unless emoji give it.
- Emotions were learnt from English only, and rare ones (grief, pride, relief) are
  hardly found.
- A language is not named where two words are too few to tell.
`)
	return b.Bytes()
}
