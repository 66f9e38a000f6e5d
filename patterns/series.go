package patterns

import (
	"math"
	"time"
)

const (
	week = 7 * 24   // hours
	day  = 24       // hours
	warm = 3 * week // hours of history from which on the hour of the week is allowed for
	pull = 10.0     // events, or scores, that hold an hour of the week to the overall rate
	nigh = 2.0      // natural log units below the best within which a time of change is plausible
)

// kind is how the values of a series are distributed.
type kind int

const (
	counts kind = iota // of the interactions of an hour, those that have something: Poisson
	means              // scores of the interactions of an hour, summed: normal
)

// series is one question over the hours: Of[i] interactions in hour i, and Sum[i]
// of them that have something, or the sum of their scores.
type series struct {
	kind    kind
	start   time.Time // of hour 0
	window  int       // the first hour that a change may lie at; before it is history
	of, sum []float64
	squares float64 // of the scores of all interactions; means only
}

func (s *series) at(hour int) time.Time { return s.start.Add(time.Duration(hour) * time.Hour) }

// first is the hour of the week of hour 0, Monday at midnight UTC being 0.
func (s *series) first() int {
	return (int(s.start.UTC().Weekday()+6)%7)*day + s.start.UTC().Hour()
}

// support is what a change must have on either side: events, or scores.
const support = 5

// change is the best time of change and the evidence for it.
type change struct {
	hour             int     // the first of the new regime
	earliest, latest int     // plausible
	statistic        float64 // log likelihood ratio over dispersion
	dispersion       float64
	// Sums on both sides; Expected is exposure after the hour of the week is allowed for.
	sum, of, expected [2]float64
	variance          float64 // of one score; means only
}

// scan finds the hour of the window at which a change explains the series best:
// the greatest likelihood ratio of two rates (or means) against one (Kulldorff
// 1997 for counts; Page 1955 and Hawkins 1977 for means), over the dispersion
// between days that the history shows (McCullagh and Nelder 1989, §9.2.4).
func (s *series) scan(sum []float64) change {
	expected, level := s.adjusted(sum)
	values := sum
	if s.kind == means {
		values = level
	}
	var total, exposure float64
	for i := range expected {
		total += values[i]
		exposure += expected[i]
	}
	best := change{statistic: -1, dispersion: 1}
	if exposure == 0 {
		return best
	}
	if s.kind == means {
		best.variance = s.squares/exposure - math.Pow(total/exposure, 2)
	}
	best.dispersion = s.dispersion(values, expected, best.variance)
	ratios := make([]float64, len(sum))
	var before, exposed float64
	for i := range sum {
		if i >= s.window {
			ratios[i] = s.ratio(before, exposed, total-before, exposure-exposed, best.variance) / best.dispersion
			if ratios[i] > best.statistic {
				best.statistic, best.hour = ratios[i], i
			}
		}
		before += values[i]
		exposed += expected[i]
	}
	if best.statistic < 0 {
		return best
	}
	best.earliest, best.latest = best.hour, best.hour
	for i := s.window; i < len(sum); i++ {
		if ratios[i] >= best.statistic-nigh {
			best.earliest, best.latest = min(best.earliest, i), max(best.latest, i)
		}
	}
	for i := range sum {
		side := 0
		if i >= best.hour {
			side = 1
		}
		best.sum[side] += values[i]
		best.of[side] += s.of[i]
		best.expected[side] += expected[i]
	}
	return best
}

// ratio is the log likelihood ratio of a change between two sides, −1 where one
// has too little to say anything.
func (s *series) ratio(x1, n1, x2, n2, variance float64) float64 {
	if n1 <= 0 || n2 <= 0 {
		return -1
	}
	n := n1 + n2
	if s.kind == means {
		if n1 < support || n2 < support || variance <= 0 {
			return -1
		}
		d := x1/n1 - x2/n2
		return n1 * n2 / n * d * d / (2 * variance)
	}
	x := x1 + x2
	if max(x2, x*n2/n) < support || max(x1, x*n1/n) < support {
		return -1
	}
	return part(x1, x*n1/n) + part(x2, x*n2/n)
}

func part(seen, expected float64) float64 {
	if seen <= 0 {
		return 0
	}
	return seen * math.Log(seen/expected)
}

// adjusted allows for the hour of the week, where the history is long enough to
// know it: the exposure of each hour for counts, the sums less the hour's own
// level for means. Each hour is pulled to the whole by pull events.
func (s *series) adjusted(sum []float64) (expected, level []float64) {
	if s.window < warm {
		return s.of, sum
	}
	var seen, exposed [week]float64
	var x, n float64
	first := s.first()
	for i := range s.window {
		c := (first + i) % week
		seen[c] += sum[i]
		exposed[c] += s.of[i]
		x += sum[i]
		n += s.of[i]
	}
	if n == 0 || s.kind == counts && x == 0 {
		return s.of, sum
	}
	rate := x / n
	expected, level = make([]float64, len(sum)), make([]float64, len(sum))
	for i := range sum {
		c := (first + i) % week
		if s.kind == counts {
			expected[i] = s.of[i] * (seen[c] + pull) / (exposed[c]*rate + pull)
			continue
		}
		expected[i] = s.of[i]
		level[i] = sum[i] - s.of[i]*(seen[c]-exposed[c]*rate)/(exposed[c]+pull)
	}
	return expected, level
}

// dispersion is how much more the days of the history differ than chance alone
// would have it (Pearson's χ² over its degrees of freedom), at least 1; 1 where
// there is less than a week.
func (s *series) dispersion(values, expected []float64, variance float64) float64 {
	var total, exposure float64
	for i := range s.window {
		total += values[i]
		exposure += expected[i]
	}
	var chi float64
	days := -1.0
	for begin := 0; begin+day <= s.window; begin += day {
		var x, n float64
		for i := begin; i < begin+day; i++ {
			x += values[i]
			n += expected[i]
		}
		mean := total * n / exposure
		scale := mean
		if s.kind == means {
			scale = variance * n
		}
		if n > 0 && scale > 0 {
			chi += (x - mean) * (x - mean) / scale
			days++
		}
	}
	if days < 6 {
		return 1
	}
	return max(1, chi/days)
}
