package main

import (
	"math"

	"throughline/nlp/linear"
)

func inverse(seen []int, texts int) *linear.Regression {
	r := &linear.Regression{Width: len(seen), Classes: 1, Weights: make([]float32, len(seen)), Bias: make([]float32, 1)}
	for i, n := range seen {
		r.Weights[i] = float32(math.Log(float64(texts+1) / float64(n+1)))
	}
	return r
}
