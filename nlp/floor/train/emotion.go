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
	shownFrom      = 0.3 // the threshold of package nlp
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
	var hit, said, real [28]float64
	for _, e := range s.emotionsDev {
		for k, score := range r.Scores(floor.Features(e.Text, floor.Mood, widthEmotion)) {
			yes, is := linear.Sigmoid(score) >= shownFrom, slices.Contains(e.Labels, names[k])
			if yes {
				said[k]++
			}
			if is {
				real[k]++
			}
			if yes && is {
				hit[k]++
			}
		}
	}
	var sum float64
	for k := range names[:27] {
		sum += 2 * hit[k] / max(said[k]+real[k], 1)
	}
	card.line("emotion", "goemotions development split: macro-F1 over 27 emotions %.3f at one threshold of %.1f (n %d); "+
		"`throughline eval emotion --set goemotions` tunes a threshold for each", sum/27, shownFrom, len(s.emotionsDev))
	return r, names, nil
}
