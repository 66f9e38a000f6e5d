package summary

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"throughline/event"
)

// Likeness compares texts by meaning: the cosines of their vectors.
type Likeness func(ctx context.Context, texts []string) (mat.Symmetric, error)

// ranking is how much each candidate tells, and how alike two of them are.
type ranking struct {
	score []float64 // 0 to 1
	alike mat.Symmetric
}

// The share of each sign in a score. Twenty-two settings were compared on the
// development rows of TweetSumm and DialogSum, and lay within 0.02 of ROUGE-1;
// docs/summaries.md.
const (
	byCentre = 0.45 // how alike it is to all the others (degree centrality: Erkan and Radev, LexRank, JAIR 2004, §3.1)
	byPlace  = 0.25 // how early the customer says it, and how late the centre
	byLength = 0.30 // whether it is long enough to tell something
	enough   = 12.0 // words that say all a sentence can be given credit for
	// novelty is the weight of novelty against score (Carbonell and Goldstein,
	// maximal marginal relevance, SIGIR 1998).
	novelty = 0.35
)

// rank scores candidates by their own meaning, place and length.
func rank(ctx context.Context, all []candidate, like Likeness) (ranking, error) {
	texts := make([]string, len(all))
	for i, c := range all {
		texts[i] = c.text
	}
	alike, err := like(ctx, texts)
	if err != nil {
		return ranking{}, fmt.Errorf("compare sentences: %w", err)
	}
	if n := alike.SymmetricDim(); n != len(all) {
		return ranking{}, fmt.Errorf("compare sentences: %d rows for %d sentences", n, len(all))
	}
	centre := make([]float64, len(all))
	for i := range all {
		for j := range i {
			near := max(alike.At(i, j), 0)
			centre[i], centre[j] = centre[i]+near, centre[j]+near
		}
	}
	if top := floats.Max(centre); top > 0 {
		floats.Scale(1/top, centre)
	}
	place := places(all)
	r := ranking{score: make([]float64, len(all)), alike: alike}
	for i, c := range all {
		r.score[i] = byCentre*centre[i] + byPlace*place[i] + byLength*math.Min(float64(c.words)/enough, 1)
	}
	return r, nil
}

// places is 1 for the first sentence of the customer, or of a speaker whom nobody
// knows, and falls towards 0 for the last: why somebody comes is said first. For
// the centre it is the other way round: it asks first, and then it answers.
func places(all []candidate) []float64 {
	of, at := map[event.Role]float64{}, make([]float64, len(all))
	for i, c := range all {
		at[i] = of[c.role]
		of[c.role]++
	}
	for i, c := range all {
		at[i] /= of[c.role]
		if c.role != event.Agent && c.role != event.Bot {
			at[i] = 1 - at[i]
		}
	}
	return at
}

// best is the candidate among those that may be taken which tells most that is
// not told yet, or −1.
func (r ranking) best(taken []int, may func(i int) bool) int {
	best, most := -1, math.Inf(-1)
	for i := range r.score {
		if !may(i) {
			continue
		}
		told := 0.0
		for _, t := range taken {
			told = max(told, r.alike.At(i, t))
		}
		if v := r.score[i] - novelty*told; v > most {
			best, most = i, v
		}
	}
	return best
}
