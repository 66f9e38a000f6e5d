package main

import (
	"context"
	"slices"

	"throughline/nlp"
	"throughline/nlp/floor"
	"throughline/nlp/linear"
)

const (
	widthEmotion   = 1 << 15
	penaltyEmotion = 2e-6
)

func emotion(ctx context.Context, s sources, card *card) (*linear.Regression, []string, error) {
	names := nlp.Emotions()
	var vectors []linear.Vector
	var targets [][]float32
	for _, e := range s.emotions {
		target := make([]float32, len(names))
		for _, l := range e.Labels {
			target[slices.Index(names, l)] = 1
		}
		vectors = append(vectors, floor.Features(e.Text, floor.Mood, widthEmotion))
		targets = append(targets, target)
	}
	r, err := linear.Regress(ctx, vectors, targets, nil, widthEmotion, len(names),
		linear.RegressOptions{Penalty: penaltyEmotion, Iterations: 60, History: 6})
	if err != nil {
		return nil, nil, err
	}
	card.line("emotion", "see `throughline eval emotion --set goemotions`")
	return r, names, nil
}
