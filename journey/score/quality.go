package score

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
)

// Quality of probabilities of something that is or is not so.
type Quality struct {
	N     int
	Share float64 // of the rows where it is so
	Brier float64 // mean squared error of the probability
	Base  float64 // the Brier score of saying the share each time
	ECE   float64 // mean distance of probability and share over ten equal bins (Guo et al., 2017)
	AUC   float64 // how often a row where it is so has the higher probability
}

// String is a line of a report.
func (q Quality) String() string {
	return fmt.Sprintf("share %.3f, AUC %.3f, Brier %.3f (%.3f without features), ECE %.3f, n %d", q.Share, q.AUC, q.Brier, q.Base, q.ECE, q.N)
}

func judge(p []float64, is []bool, weight []float64) Quality {
	q, total := Quality{N: len(p)}, 0.0
	var sumP, sumY, sumW [10]float64
	for i := range p {
		y := 0.0
		if is[i] {
			y = 1
		}
		w := weight[i]
		total += w
		q.Share += w * y
		q.Brier += w * (p[i] - y) * (p[i] - y)
		b := min(9, int(10*p[i]))
		sumP[b], sumY[b], sumW[b] = sumP[b]+w*p[i], sumY[b]+w*y, sumW[b]+w
	}
	q.Share, q.Brier = q.Share/total, q.Brier/total
	q.Base = q.Share * (1 - q.Share)
	for b := range sumW {
		q.ECE += math.Abs(sumP[b]-sumY[b]) / total
	}
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	sorted, labels, weights := make([]float64, len(p)), make([]bool, len(p)), make([]float64, len(p))
	for i, k := range order {
		sorted[i], labels[i], weights[i] = p[k], is[k], weight[k]
	}
	tpr, fpr, _ := stat.ROC(nil, sorted, labels, weights)
	for i := 1; i < len(tpr); i++ {
		q.AUC += (fpr[i] - fpr[i-1]) * (tpr[i] + tpr[i-1]) / 2
	}
	return q
}

// Quality of P(level > cut) on rows that o was not fitted to.
func (o *Ordinal) Quality(rows []Row, cut int) Quality {
	p, is, weight := make([]float64, len(rows)), make([]bool, len(rows)), make([]float64, len(rows))
	for i, r := range rows {
		p[i], is[i], weight[i] = o.Above(o.Margin(r.X), cut), r.Level > cut, r.Weight
	}
	return judge(p, is, weight)
}
