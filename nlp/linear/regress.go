package linear

import (
	"context"
	"fmt"
	"math"
	"sync"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/optimize"
)

// Regression holds logistic weights over a dense space of positions.
type Regression struct {
	Width   int
	Classes int
	Weights []float32 // row by position: Weights[position*Classes+class]
	Bias    []float32
}

// RegressOptions tune Regress.
type RegressOptions struct {
	// Exclusive fits one softmax over the classes; otherwise each class has its
	// own logistic function, for rows that belong to several or to none.
	Exclusive  bool
	Penalty    float64 // λ of the squared length of the weights, against the mean loss
	Iterations int     // of L-BFGS, at most
	History    int     // gradients L-BFGS keeps; 0 means 8
}

// Regress fits multinomial or independent logistic regressions by L-BFGS.
// targets[i] holds the probability of each class for rows[i]; weight[i] says how
// much the row counts, nil for all alike.
func Regress(ctx context.Context, rows []Vector, targets [][]float32, weight []float64, width, classes int, o RegressOptions) (*Regression, error) {
	f := &loss{rows: rows, targets: targets, weight: weight, width: width, classes: classes, o: o}
	for i := range rows {
		f.total += f.counts(i)
	}
	if f.total == 0 {
		return nil, fmt.Errorf("fit regression: no rows")
	}
	if o.History == 0 {
		o.History = 8
	}
	n := (width + 1) * classes
	f.gradient = make([]float64, n)
	problem := optimize.Problem{Func: f.value, Grad: f.slope, Status: func() (optimize.Status, error) {
		if err := ctx.Err(); err != nil {
			return optimize.Failure, err
		}
		return optimize.NotTerminated, nil
	}}
	result, err := optimize.Minimize(problem, make([]float64, n), &optimize.Settings{
		MajorIterations: o.Iterations,
		Converger:       &optimize.FunctionConverge{Absolute: 1e-6, Iterations: 5},
	}, &optimize.LBFGS{Store: o.History})
	if err != nil {
		return nil, fmt.Errorf("fit regression: %w", err)
	}
	r := &Regression{Width: width, Classes: classes, Weights: make([]float32, width*classes), Bias: make([]float32, classes)}
	for i := range r.Weights {
		r.Weights[i] = float32(result.X[i])
	}
	for k := range r.Bias {
		r.Bias[k] = float32(result.X[width*classes+k])
	}
	return r, nil
}

// loss is the mean cross-entropy with an L2 penalty, and its gradient.
type loss struct {
	rows           []Vector
	targets        [][]float32
	weight         []float64
	width, classes int
	o              RegressOptions
	total          float64

	at       []float64 // where gradient was computed
	last     float64
	gradient []float64
}

func (f *loss) counts(row int) float64 {
	if f.weight == nil {
		return 1
	}
	return f.weight[row]
}

func (f *loss) value(x []float64) float64 {
	f.compute(x)
	return f.last
}

func (f *loss) slope(gradient, x []float64) {
	f.compute(x)
	copy(gradient, f.gradient)
}

// workers share the rows of a gradient. The number is fixed because it decides
// the order of the sums: a rebuild on any machine gives the same bytes.
const workers = 2

// compute fills last and gradient for x, once: L-BFGS asks for both apart.
func (f *loss) compute(x []float64) {
	if f.at != nil && floats.Equal(f.at, x) {
		return
	}
	f.at = append(f.at[:0], x...)
	type part struct {
		sum  float64
		grad []float64
	}
	parts := make([]part, workers)
	var work sync.WaitGroup
	for w := range workers {
		work.Go(func() {
			p := &parts[w]
			if w == 0 {
				p.grad = f.gradient
				clear(p.grad)
			} else {
				p.grad = make([]float64, len(x))
			}
			scores := make([]float64, f.classes)
			for i := len(f.rows) * w / workers; i < len(f.rows)*(w+1)/workers; i++ {
				p.sum += f.row(i, x, p.grad, scores)
			}
		})
	}
	work.Wait()
	f.last = parts[0].sum
	for _, p := range parts[1:] {
		f.last += p.sum
		floats.Add(f.gradient, p.grad)
	}
	f.last /= f.total
	floats.Scale(1/f.total, f.gradient)
	body := x[:f.width*f.classes]
	f.last += f.o.Penalty / 2 * floats.Dot(body, body)
	floats.AddScaled(f.gradient[:len(body)], f.o.Penalty, body)
}

// row adds one row's loss gradient to grad and returns its loss.
func (f *loss) row(i int, x, grad, scores []float64) float64 {
	k := f.classes
	copy(scores, x[f.width*k:])
	v := f.rows[i]
	for j, value := range v.Value {
		at := int(v.At(j)) * k
		floats.AddScaled(scores, float64(value), x[at:at+k])
	}
	counts, target := f.counts(i), f.targets[i]
	var sum float64
	if f.o.Exclusive {
		all := floats.LogSumExp(scores)
		for c := range scores {
			t := float64(target[c])
			sum += t * (all - scores[c])
			scores[c] = math.Exp(scores[c]-all) - t
		}
	} else {
		for c, s := range scores {
			t := float64(target[c])
			sum += softplus(s) - t*s
			scores[c] = Sigmoid(s) - t
		}
	}
	floats.Scale(counts, scores)
	floats.Add(grad[f.width*k:], scores)
	for j, value := range v.Value {
		at := int(v.At(j)) * k
		floats.AddScaled(grad[at:at+k], float64(value), scores)
	}
	return sum * counts
}

// Sigmoid is the logistic function.
func Sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

func softplus(x float64) float64 {
	if x > 0 {
		return x + math.Log1p(math.Exp(-x))
	}
	return math.Log1p(math.Exp(x))
}

// Softmax turns scores into probabilities in place.
func Softmax(scores []float64) {
	all := floats.LogSumExp(scores)
	for i, s := range scores {
		scores[i] = math.Exp(s - all)
	}
}

// Scores is the score of each class for v, before softmax or logistic function.
func (r *Regression) Scores(v Vector) []float64 {
	out := make([]float64, r.Classes)
	for k := range out {
		out[k] = float64(r.Bias[k])
	}
	for i, x := range v.Value {
		at := int(v.At(i)) * r.Classes
		for k, w := range r.Weights[at : at+r.Classes] {
			out[k] += float64(x) * float64(w)
		}
	}
	return out
}

// Scale multiplies every score by factor: a temperature made permanent.
func (r *Regression) Scale(factor float64) {
	for i := range r.Weights {
		r.Weights[i] *= float32(factor)
	}
	for i := range r.Bias {
		r.Bias[i] *= float32(factor)
	}
}
