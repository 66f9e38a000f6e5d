package patterns

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

const (
	rounds = 1999 // simulated series, at most
	enough = 20   // of them beyond what was seen: then nobody needs to know better (Besag and Clifford 1991)
	tail   = 100  // largest ones that the tail is fitted to
)

// test is the probability of a change as good as c, or better, in a series that
// has none: the same series is made anew under one rate with the same hours of
// the week, and everything is estimated again from each. Where hardly any comes
// near, an exponential tail is fitted to the largest (Knijnenburg et al. 2009).
// The same seed gives the same answer.
func (s *series) test(c change, seed uint64) float64 {
	if c.statistic <= 0 {
		return 1
	}
	draw := s.simulator(rand.New(rand.NewPCG(seed, 1)), c)
	seen, beyond := []float64{}, 0
	for range rounds {
		v := s.scan(draw()).statistic
		seen = append(seen, max(v, 0))
		if v >= c.statistic {
			if beyond++; beyond == enough {
				return float64(enough) / float64(len(seen))
			}
		}
	}
	simple := float64(beyond+1) / float64(rounds+1)
	if beyond >= enough/2 {
		return simple
	}
	slices.SortFunc(seen, func(a, b float64) int { return cmp.Compare(b, a) })
	var excess float64
	for _, v := range seen[:tail] {
		excess += v - seen[tail]
	}
	if excess == 0 {
		return simple
	}
	return min(simple, tail/float64(rounds)*math.Exp(-(c.statistic-seen[tail])*tail/excess))
}

// simulator makes the sums of a series without a change. Counts are dealt over
// the hours by their exposure, the total kept, which is exact whatever the rate
// is; of many, each hour is drawn alone.
func (s *series) simulator(chance *rand.Rand, c change) func() []float64 {
	expected, _ := s.adjusted(s.sum)
	out := make([]float64, len(s.sum))
	if s.kind == means {
		// The hour of the week is given back, so that it has to be found again.
		var shift []float64
		_, level := s.adjusted(s.sum)
		for i := range s.sum {
			shift = append(shift, s.sum[i]-level[i])
		}
		deviation, mean := math.Sqrt(max(c.variance, 0)), (c.sum[0]+c.sum[1])/(c.of[0]+c.of[1])
		return func() []float64 {
			for i, n := range s.of {
				out[i] = n*mean + shift[i] + deviation*math.Sqrt(n)*chance.NormFloat64()
			}
			return out
		}
	}
	total, exposure := sum(s.sum), sum(expected)
	if total > 4*float64(len(out)) {
		return func() []float64 {
			for i, e := range expected {
				mean := total * e / exposure
				out[i] = max(0, math.Round(mean+math.Sqrt(mean)*chance.NormFloat64()))
			}
			return out
		}
	}
	keep, alias := aliases(expected, exposure)
	return func() []float64 {
		clear(out)
		for range int(total) {
			at := chance.Float64() * float64(len(out))
			i := int(at)
			if at-float64(i) >= keep[i] {
				i = alias[i]
			}
			out[i]++
		}
		return out
	}
}

// aliases lets a draw by weight cost the same however many there are: a draw
// falls on i evenly and stays with probability keep[i], else it goes to alias[i]
// (Walker 1977, built as Vose 1991).
func aliases(weight []float64, total float64) (keep []float64, alias []int) {
	n := len(weight)
	keep, alias = make([]float64, n), make([]int, n)
	var small, large []int
	for i, w := range weight {
		keep[i] = w / total * float64(n)
		if alias[i] = i; keep[i] < 1 {
			small = append(small, i)
		} else {
			large = append(large, i)
		}
	}
	for len(small) > 0 && len(large) > 0 {
		i, j := small[len(small)-1], large[len(large)-1]
		small = small[:len(small)-1]
		alias[i] = j
		if keep[j] -= 1 - keep[i]; keep[j] < 1 {
			small, large = append(small, j), large[:len(large)-1]
		}
	}
	for _, i := range append(small, large...) {
		keep[i] = 1 // what rounding left over
	}
	return keep, alias
}

// discoveries adjusts p-values so that reporting all with q ≤ level lets at most
// that share of what is reported be chance (Benjamini and Hochberg 1995).
func discoveries(p []float64) []float64 {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	q := make([]float64, len(p))
	least := 1.0
	for rank := len(order); rank > 0; rank-- {
		i := order[rank-1]
		least = min(least, p[i]*float64(len(p))/float64(rank))
		q[i] = least
	}
	return q
}
