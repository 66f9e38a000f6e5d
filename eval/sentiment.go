package eval

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"throughline/nlp/corpus"
)

func polarities() []string { return []string{"negative", "neutral", "positive"} }

// sentimentRows are the rows of a set's test, or of its development split. MELD's
// and tweeteval's train splits are not used: sentiment is not adapted to a set.
func sentimentRows(q request) ([]corpus.Example, error) {
	folder, file := q.data, map[string]string{
		"us_airline_sentiment": "tweets.dev.jsonl", "umsab": "val.jsonl", "meld": "dev_sent_emo.csv"}[q.set]
	split := "val"
	if q.test != "" {
		folder, file = q.test, map[string]string{
			"us_airline_sentiment": "tweets.heldout.jsonl", "umsab": "test.jsonl", "meld": "test_sent_emo.csv"}[q.set]
		split = "test"
	}
	switch q.set {
	case "us_airline_sentiment":
		return corpus.Airline(filepath.Join(folder, file))
	case "umsab":
		return corpus.UMSAB(filepath.Join(folder, file))
	case "meld":
		return corpus.MELD(filepath.Join(folder, file))
	default:
		folder = filepath.Join(folder, "sentiment")
		mapping := filepath.Join(folder, "mapping.txt")
		if _, err := os.Stat(mapping); err != nil { // it is the same for every split, and need not be held back
			mapping = filepath.Join(q.data, "sentiment", "mapping.txt")
		}
		return corpus.TweetEval(folder, split, mapping)
	}
}

func (h Harness) sentiment(ctx context.Context, q request) (Result, error) {
	rows, err := sentimentRows(q)
	if err != nil {
		return Result{}, err
	}
	reader, err := h.reader(q)
	if err != nil {
		return Result{}, err
	}
	truth, said := make([]int, len(rows)), make([]int, len(rows))
	err = each(len(rows), func(i int) error {
		reading, err := reader.Read(ctx, rows[i].Text)
		if err != nil {
			return err
		}
		truth[i] = slices.Index(polarities(), rows[i].Label())
		said[i] = 1 // what has no sentiment shows as neutral
		if s := reading.Sentiment; s != nil {
			said[i] = slices.Index(polarities(), s.Class())
		}
		return nil
	})
	if err != nil {
		return Result{}, err
	}
	strange := 0
	for _, k := range truth {
		if k < 0 {
			strange++
		}
	}
	h.strange(strange, len(rows), strings.Join(polarities(), ", "))
	r := Result{N: len(rows)}
	r.Metrics, r.CI = intervals(len(rows), func(drawn []int) map[string]float64 {
		if q.set == "umsab" {
			return byLanguage(drawn, rows, truth, said)
		}
		accuracy, f1, recall := single(drawn, truth, said, 3)
		return map[string]float64{"accuracy": accuracy, "macro_f1": f1, "macro_recall": recall}
	})
	return named(r, reader), nil
}

// languageName is a language as umsab spells it; one that it does not have keeps
// the name that the file gives it.
func languageName(code string) string {
	return cmp.Or(map[string]string{"ar": "arabic", "en": "english", "fr": "french", "de": "german",
		"hi": "hindi", "it": "italian", "pt": "portuguese", "es": "spanish"}[code], code)
}

// byLanguage is each language's macro-F1 and the means over languages.
func byLanguage(drawn []int, rows []corpus.Example, truth, said []int) map[string]float64 {
	of := make(map[string][]int)
	for _, i := range drawn {
		of[rows[i].Language] = append(of[rows[i].Language], i)
	}
	out := make(map[string]float64)
	n := float64(len(of))
	for language, some := range of {
		accuracy, f1, recall := single(some, truth, said, 3)
		out["macro_f1_"+languageName(language)] = f1
		out["macro_f1"] += f1 / n
		out["accuracy"] += accuracy / n
		out["macro_recall"] += recall / n
	}
	return out
}
