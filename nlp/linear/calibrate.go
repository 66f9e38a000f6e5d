package linear

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/optimize"
)

// Platt maps a margin to a probability: 1/(1+exp(−(Slope·m+Offset))).
type Platt struct{ Slope, Offset float64 }

// Probability of belonging, for a margin.
func (p Platt) Probability(margin float64) float64 { return Sigmoid(p.Slope*margin + p.Offset) }

// ErrFlat says that rows which belong do not lie farther on their side than others.
var ErrFlat = errors.New("margins do not rise with membership")

// FitPlatt fits a Platt map to margins of rows that were not trained on, with
// the smoothed targets of Lin, Lin and Weng, A Note on Platt's Probabilistic
// Outputs (2007), §2.
func FitPlatt(margins []float64, belongs []bool) (Platt, error) {
	var yes, no float64
	for _, b := range belongs {
		if b {
			yes++
		} else {
			no++
		}
	}
	if yes == 0 || no == 0 {
		return Platt{}, fmt.Errorf("fit probabilities: need rows on both sides, have %.0f and %.0f", yes, no)
	}
	high, low := (yes+1)/(yes+2), 1/(no+2)
	target := func(i int) float64 {
		if belongs[i] {
			return high
		}
		return low
	}
	n := float64(len(margins))
	problem := optimize.Problem{
		Func: func(x []float64) float64 {
			var sum float64
			for i, m := range margins {
				s := x[0]*m + x[1]
				sum += softplus(s) - target(i)*s
			}
			return sum / n
		},
		Grad: func(g, x []float64) {
			g[0], g[1] = 0, 0
			for i, m := range margins {
				d := (Sigmoid(x[0]*m+x[1]) - target(i)) / n
				g[0] += d * m
				g[1] += d
			}
		},
	}
	result, err := optimize.Minimize(problem, []float64{1, math.Log((yes + 1) / (no + 1))}, &optimize.Settings{MajorIterations: 200}, &optimize.BFGS{})
	if result == nil {
		return Platt{}, fmt.Errorf("fit probabilities: %w", err)
	}
	if result.X[0] <= 0 {
		return Platt{}, fmt.Errorf("fit probabilities: %w", ErrFlat)
	}
	return Platt{Slope: result.X[0], Offset: result.X[1]}, nil
}

// FitTemperature finds the T by which scores of held-out rows are divided so
// that softmax gives honest probabilities (Guo et al., On Calibration of Modern
// Neural Networks, ICML 2017, §4.2).
func FitTemperature(scores [][]float64, class []int) (float64, error) {
	if len(scores) == 0 {
		return 0, fmt.Errorf("fit temperature: no rows")
	}
	scaled := make([]float64, len(scores[0]))
	cost := func(x []float64) float64 {
		var sum float64
		for i, row := range scores {
			for k, s := range row {
				scaled[k] = s * math.Exp(-x[0])
			}
			Softmax(scaled)
			sum -= math.Log(max(scaled[class[i]], 1e-12))
		}
		return sum / float64(len(scores))
	}
	result, err := optimize.Minimize(optimize.Problem{Func: cost}, []float64{0}, nil, &optimize.NelderMead{})
	if err != nil {
		return 0, fmt.Errorf("fit temperature: %w", err)
	}
	return math.Exp(result.X[0]), nil
}
