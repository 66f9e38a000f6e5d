package score

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/optimize"
)

// Row is what was known at a moment, and what came of it.
type Row struct {
	X     []float64
	Level int // 0…levels−1
	// Group keeps rows of one journey on the same side of every split.
	Group  int
	Weight float64
}

// FitOptions tune Fit.
type FitOptions struct {
	Levels int
	// Signs fixes which way a feature may push: 1 up, −1 down, 0 not at all. Nil
	// leaves all free.
	Signs   []int
	Penalty float64 // λ of the squared weights, against the mean loss
}

// Calibration: folds of the cross-fit, and the λ that keeps the slope finite
// where margins part the levels without error.
const (
	folds        = 5
	slopePenalty = 1e-3
)

// Fit fits an Ordinal and calibrates it on rows it was not fitted to: the
// margins that models of the other folds give a fold are the one feature of a
// second fit, whose slope and cuts become the model's own (Platt, 1999, with as
// many cuts as there are levels).
func Fit(rows []Row, o FitOptions) (*Ordinal, error) {
	whole, err := fit(rows, o)
	if err != nil {
		return nil, err
	}
	var held []Row
	for f := range folds {
		var train []Row
		for _, r := range rows {
			if r.Group%folds != f {
				train = append(train, r)
			}
		}
		part, err := fit(train, o)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			if r.Group%folds == f {
				held = append(held, Row{X: []float64{part.Margin(r.X)}, Level: r.Level, Weight: r.Weight})
			}
		}
	}
	scale, err := fit(held, FitOptions{Levels: o.Levels, Signs: []int{1}, Penalty: slopePenalty})
	if err != nil {
		return nil, err
	}
	for k := range whole.Weights {
		whole.Weights[k] *= scale.Weights[0]
	}
	for k := range whole.Cuts {
		whole.Cuts[k] = scale.Cuts[k] + scale.Weights[0]*scale.Mean[0]
	}
	return whole, nil
}

// fit minimises the all-threshold logistic loss (Rennie and Srebro, Loss
// Functions for Preference Levels, 2005, §4.2): a level has to lie on the right
// side of every cut. A signed weight is ±u², which keeps its sign by itself.
func fit(rows []Row, o FitOptions) (*Ordinal, error) {
	if len(rows) == 0 {
		return nil, fmt.Errorf("fit score: no rows")
	}
	n, cuts := len(rows[0].X), o.Levels-1
	m := &Ordinal{Weights: make([]float64, n), Mean: make([]float64, n), Cuts: make([]float64, cuts)}
	total, seen := 0.0, make([]float64, o.Levels)
	for _, r := range rows {
		if r.Level < 0 || r.Level >= o.Levels {
			return nil, fmt.Errorf("fit score: a row of level %d; there are %d", r.Level, o.Levels)
		}
		total += r.Weight
		seen[r.Level] += r.Weight
		for k, v := range r.X {
			m.Mean[k] += r.Weight * v
		}
	}
	if cuts < 1 || slices.Max(seen) == total {
		return nil, fmt.Errorf("fit score: every row is of the same level")
	}
	for k := range m.Mean {
		m.Mean[k] /= total
	}
	weight := func(x []float64, k int) float64 {
		if o.Signs == nil {
			return x[k]
		}
		return float64(o.Signs[k]) * x[k] * x[k]
	}
	var at, slope []float64
	var loss float64
	compute := func(x []float64) {
		if at != nil && slices.Equal(at, x) {
			return
		}
		at, slope, loss = append(at[:0], x...), make([]float64, n+cuts), 0
		w := make([]float64, n)
		for k := range w {
			w[k] = weight(x, k)
		}
		for _, r := range rows {
			margin, pull := 0.0, 0.0
			for k, v := range r.X {
				margin += w[k] * (v - m.Mean[k])
			}
			for c := range cuts {
				side := 1.0
				if r.Level <= c {
					side = -1
				}
				z := side * (margin - x[n+c])
				loss += r.Weight / total * softplus(-z)
				d := -side / (1 + math.Exp(z)) * r.Weight / total
				pull += d
				slope[n+c] -= d
			}
			for k, v := range r.X {
				slope[k] += pull * (v - m.Mean[k])
			}
		}
		for k := range w {
			loss += o.Penalty / 2 * w[k] * w[k]
			slope[k] += o.Penalty * w[k]
			if o.Signs != nil {
				slope[k] *= 2 * float64(o.Signs[k]) * x[k]
			}
		}
	}
	start := make([]float64, n+cuts)
	for k := range n {
		if slices.ContainsFunc(rows, func(r Row) bool { return r.X[k] != rows[0].X[k] }) {
			start[k] = 0.3 // not 0: there u² has no slope
		} // what never varies tells nothing, and stays at 0
	}
	below := 0.0
	for c := range cuts {
		below += seen[c]
		start[n+c] = math.Log((below + 0.5) / (total - below + 0.5))
	}
	result, err := optimize.Minimize(optimize.Problem{
		Func: func(x []float64) float64 { compute(x); return loss },
		Grad: func(g, x []float64) { compute(x); copy(g, slope) },
	}, start, &optimize.Settings{MajorIterations: 500, Converger: &optimize.FunctionConverge{Absolute: 1e-9, Iterations: 10}}, &optimize.LBFGS{})
	if result == nil || math.IsNaN(result.F) {
		return nil, fmt.Errorf("fit score: %w", err)
	}
	for k := range m.Weights {
		m.Weights[k] = weight(result.X, k)
	}
	copy(m.Cuts, result.X[n:])
	slices.Sort(m.Cuts) // levels nobody gave may leave two cuts a hair out of order
	return m, nil
}

func softplus(x float64) float64 {
	if x > 0 {
		return x + math.Log1p(math.Exp(-x))
	}
	return math.Log1p(math.Exp(x))
}
