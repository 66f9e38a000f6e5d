package eval

import (
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat"
)

// Bootstrap: how often the test rows are drawn again, and the seed.
const (
	draws = 500
	seed  = 20261122
)

// intervals gives each metric's 95 % interval over draws of n rows with
// replacement (Efron's percentile method). metrics is called with row numbers.
func intervals(n int, metrics func(rows []int) map[string]float64) (map[string]float64, map[string][2]float64) {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	point := metrics(all)
	if n == 0 {
		return point, map[string][2]float64{}
	}
	chance := rand.New(rand.NewPCG(seed, 1))
	values := make(map[string][]float64)
	drawn := make([]int, n)
	for range draws {
		for i := range drawn {
			drawn[i] = chance.IntN(n)
		}
		for name, v := range metrics(drawn) {
			values[name] = append(values[name], v)
		}
	}
	out := make(map[string][2]float64, len(values))
	for name, v := range values {
		slices.Sort(v)
		out[name] = [2]float64{stat.Quantile(0.025, stat.Empirical, v, nil), stat.Quantile(0.975, stat.Empirical, v, nil)}
	}
	return point, out
}

// count of one class: how often it was said, true, and both.
type count struct{ hit, said, real float64 }

// tally counts one row's truth and answer.
func (c count) tally(truth, said bool) count {
	if said {
		c.said++
	}
	if truth {
		c.real++
	}
	if truth && said {
		c.hit++
	}
	return c
}

func (c count) f1() float64 {
	if c.said+c.real == 0 {
		return 0
	}
	return 2 * c.hit / (c.said + c.real)
}

func (c count) recall() float64    { return ratio(c.hit, c.real) }
func (c count) precision() float64 { return ratio(c.hit, c.said) }

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// single scores rows with one true and one said class each. Classes that are
// neither true nor said in the rows do not count in the means.
func single(rows []int, truth, said []int, classes int) (accuracy, macroF1, macroRecall float64) {
	counts := make([]count, classes)
	for _, i := range rows {
		if said[i] >= 0 {
			counts[said[i]].said++
		}
		if truth[i] >= 0 {
			counts[truth[i]].real++
		}
		if said[i] == truth[i] {
			accuracy++
			if said[i] >= 0 {
				counts[said[i]].hit++
			}
		}
	}
	f1s, recalls := 0.0, 0.0
	for _, c := range counts {
		if c.real > 0 {
			recalls++
			macroRecall += c.recall()
		}
		if c.said+c.real > 0 {
			f1s++
			macroF1 += c.f1()
		}
	}
	return ratio(accuracy, float64(len(rows))), ratio(macroF1, f1s), ratio(macroRecall, recalls)
}
