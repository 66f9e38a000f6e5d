package score

import "math"

// Ordinal is a logistic model of K+1 ordered levels with one weight a feature:
// P(level > k) = 1/(1+e^−(w·(x−mean) − Cut[k])) (McCullagh, Regression Models
// for Ordinal Data, 1980). With one cut it is an ordinary logistic regression.
type Ordinal struct {
	Weights []float64 `json:"weights"` // log-odds a unit of each feature
	Mean    []float64 `json:"mean"`    // of each feature where the model was fitted
	Cuts    []float64 `json:"cuts"`    // ascending
}

// Push is what a feature adds to the log-odds, against its mean.
func (o *Ordinal) push(k int, x float64) float64 { return o.Weights[k] * (x - o.Mean[k]) }

// Margin is the log-odds before the cuts.
func (o *Ordinal) Margin(x []float64) float64 {
	sum := 0.0
	for k, v := range x {
		sum += o.push(k, v)
	}
	return sum
}

// Above is P(level > k).
func (o *Ordinal) Above(margin float64, k int) float64 {
	return 1 / (1 + math.Exp(o.Cuts[k]-margin))
}

// Expected level of a margin, from 0 to len(Cuts).
func (o *Ordinal) Expected(margin float64) float64 {
	sum := 0.0
	for k := range o.Cuts {
		sum += o.Above(margin, k)
	}
	return sum
}

// trim keeps four digits behind the point.
func (o *Ordinal) trim() {
	for _, some := range [][]float64{o.Weights, o.Mean, o.Cuts} {
		for k, v := range some {
			some[k] = round(v)
		}
	}
}
