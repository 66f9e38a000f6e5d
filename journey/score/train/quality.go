package main

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"

	"throughline/journey/score"
)

// quality of probabilities of something that is or is not so.
type quality struct {
	n      int
	share  float64 // of the rows where it is so
	brier  float64 // mean squared error of the probability
	base   float64 // the Brier score of saying the share each time
	ece    float64 // mean distance of probability and share over ten equal bins (Guo et al., 2017)
	auc    float64 // how often a row where it is so has the higher probability
	weight float64
}

func judge(p []float64, is []bool, weight []float64) quality {
	q := quality{n: len(p)}
	var sumP, sumY, sumW [10]float64
	for i := range p {
		y := 0.0
		if is[i] {
			y = 1
		}
		w := weight[i]
		q.weight += w
		q.share += w * y
		q.brier += w * (p[i] - y) * (p[i] - y)
		b := min(9, int(10*p[i]))
		sumP[b], sumY[b], sumW[b] = sumP[b]+w*p[i], sumY[b]+w*y, sumW[b]+w
	}
	q.share, q.brier = q.share/q.weight, q.brier/q.weight
	q.base = q.share * (1 - q.share)
	for b := range sumW {
		q.ece += math.Abs(sumP[b]-sumY[b]) / q.weight
	}
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case p[a] < p[b]:
			return -1
		case p[a] > p[b]:
			return 1
		}
		return 0
	})
	sorted, labels, weights := make([]float64, len(p)), make([]bool, len(p)), make([]float64, len(p))
	for i, k := range order {
		sorted[i], labels[i], weights[i] = p[k], is[k], weight[k]
	}
	tpr, fpr, _ := stat.ROC(nil, sorted, labels, weights)
	for i := 1; i < len(tpr); i++ {
		q.auc += (fpr[i] - fpr[i-1]) * (tpr[i] + tpr[i-1]) / 2
	}
	return q
}

// report is one line a model, and one a cut of satisfaction, on lives that were held out.
func report(f *score.File, lives []outcome) []string {
	var lines []string
	for _, t := range targets() {
		rows, o := t.rows(lives), *t.into(f)
		for c := range o.Cuts {
			q := check(o, rows, c)
			name := t.name
			if len(o.Cuts) > 1 {
				name = fmt.Sprintf("%s above %d", t.name, c+1)
			}
			lines = append(lines, fmt.Sprintf("%s: share %.3f, AUC %.3f, Brier %.3f (%.3f without features), ECE %.3f, n %d", name, q.share, q.auc, q.brier, q.base, q.ece, q.n))
		}
	}
	return lines
}

// check judges P(level > cut) on rows.
func check(o *score.Ordinal, rows []score.Row, cut int) quality {
	p, is, weight := make([]float64, len(rows)), make([]bool, len(rows)), make([]float64, len(rows))
	for i, r := range rows {
		p[i], is[i], weight[i] = o.Above(o.Margin(r.X), cut), r.Level > cut, r.Weight
	}
	return judge(p, is, weight)
}
