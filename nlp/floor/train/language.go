package main

import (
	"context"
	"slices"
	"strings"

	"gonum.org/v1/gonum/floats"
	"throughline/nlp/corpus"
	"throughline/nlp/floor"
	"throughline/nlp/linear"
)

const (
	widthLanguage   = 1 << 14
	penaltyLanguage = 1e-5
)

// language tells the eight languages apart. Tweets are also shown in pieces of a
// few words, because turns are short.
func language(ctx context.Context, s sources, card *card) (*linear.Regression, []string, error) {
	names := []string{"ar", "de", "en", "es", "fr", "hi", "it", "pt"}
	var vectors []linear.Vector
	var targets [][]float32
	var weights []float64
	add := func(text, language string, weight float64) {
		v := floor.Features(text, floor.Tongue, widthLanguage)
		if len(v.Value) == 0 {
			return
		}
		target := make([]float32, len(names))
		target[slices.Index(names, language)] = 1
		vectors, targets, weights = append(vectors, v), append(targets, target), append(weights, weight)
	}
	for _, e := range s.umsab {
		add(e.Text, e.Language, 1)
		words := strings.Fields(plain(e.Text))
		for i := 0; i+2 <= len(words); i += 5 {
			add(strings.Join(words[i:min(i+2+i%4, len(words))], " "), e.Language, 0.5)
		}
	}
	for _, e := range s.domain {
		add(e.Text, e.Language, 4)
	}
	for i, e := range slices.Concat(s.clinc, s.banking) {
		if i%4 == 0 {
			add(e.Text, "en", 0.5)
		}
	}
	r, err := linear.Regress(ctx, vectors, targets, weights, widthLanguage, len(names),
		linear.RegressOptions{Exclusive: true, Penalty: penaltyLanguage, Iterations: 60})
	if err != nil {
		return nil, nil, err
	}
	right, n := 0, 0
	for _, e := range s.umsabDev {
		if v := floor.Features(e.Text, floor.Tongue, widthLanguage); len(v.Value) > 0 {
			n++
			if names[floats.MaxIdx(r.Scores(v))] == e.Language {
				right++
			}
		}
	}
	card.line("language", "umsab development split: accuracy %.3f (n %d); its Hindi is in Latin letters", float64(right)/float64(n), n)
	return r, names, nil
}

// plain drops what is the same in all languages.
func plain(text string) string {
	var out []string
	for w := range strings.FieldsSeq(text) {
		if w[0] != '@' && w[0] != '#' && !strings.HasPrefix(w, "http") && w != "RT" {
			out = append(out, w)
		}
	}
	return strings.Join(out, " ")
}

const widthRarity = 1 << 17

// rarity is no classifier: it holds how rare each feature is (inverse document
// frequency), so that an intent of twelve examples need not learn that "the"
// says nothing.
func rarity(_ context.Context, s sources, card *card) (*linear.Regression, []string, error) {
	seen := make([]int, widthRarity)
	n := 0
	for _, set := range [][]corpus.Example{s.clinc, s.banking, s.hwu, s.nlupp, s.natcs, s.umsab, s.domain, s.emotions} {
		for _, e := range set {
			n++
			for _, at := range floor.Features(e.Text, floor.Topic, widthRarity).Index {
				seen[at]++
			}
		}
	}
	card.line("rarity", "document counts over %d texts, labels unseen", n)
	return inverse(seen, n), []string{"rarity"}, nil
}
