package linear

import (
	"context"
	"math/rand/v2"
	"runtime"
	"sync"
)

// Machine holds one separating plane a class, each fitted against all others.
type Machine struct {
	columns columns
	classes int
	weights []float32 // row by column: weights[column*classes+class]
	bias    []float32
}

// MachineOptions tune Separate.
type MachineOptions struct {
	Cost       float64 // of a row on the wrong side; 0 means DefaultCost
	PositiveUp float64 // how much dearer a class's own rows are than the others; 0 means 1
	Passes     int     // over the rows, at most; 0 means DefaultPasses
}

// Defaults of MachineOptions.
const (
	DefaultCost   = 1.0
	DefaultPasses = 40
)

// Separate fits a linear support vector machine with squared hinge loss for each
// class against the rest, by dual coordinate descent (Hsieh et al., A Dual
// Coordinate Descent Method for Large-scale Linear SVM, ICML 2008, algorithm 2
// with shrinking). member tells whether row belongs to class; a row may belong
// to several classes or to none. The same input always gives the same machine.
func Separate(ctx context.Context, rows []Vector, classes int, member func(row, class int) bool, o MachineOptions) (*Machine, error) {
	if o.Cost <= 0 {
		o.Cost = DefaultCost
	}
	if o.Passes <= 0 {
		o.Passes = DefaultPasses
	}
	if o.PositiveUp <= 0 {
		o.PositiveUp = 1
	}
	cols, packed := pack(rows)
	m := &Machine{columns: cols, classes: classes, weights: make([]float32, cols.count*classes), bias: make([]float32, classes)}
	square := make([]float64, len(packed))
	for i, v := range packed {
		long := v.Norm()
		square[i] = long*long + 1 // the bias is a column of ones
	}
	next := make(chan int)
	var work sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), max(classes, 1)) {
		work.Go(func() {
			plane := make([]float64, cols.count+1)
			for class := range next {
				side := make([]float64, len(packed))
				for i := range packed {
					side[i] = -1
					if member(i, class) {
						side[i] = 1
					}
				}
				clear(plane)
				descend(packed, square, side, plane, o, uint64(class))
				for c := range cols.count {
					m.weights[c*classes+class] = float32(plane[c])
				}
				m.bias[class] = float32(plane[cols.count])
			}
		})
	}
	for class := range classes {
		if ctx.Err() != nil {
			break
		}
		next <- class
	}
	close(next)
	work.Wait()
	return m, ctx.Err()
}

// descend solves one class. Rows whose multiplier sits at zero with a safe
// margin leave the active set until the rest has converged.
func descend(rows []Vector, square, side, plane []float64, o MachineOptions, seed uint64) {
	const tolerance = 0.05
	multiplier := make([]float64, len(rows))
	active := make([]int, len(rows))
	for i := range active {
		active[i] = i
	}
	live, bias := len(active), len(plane)-1
	chance := rand.New(rand.NewPCG(seed, 1))
	bound := 1e30
	for range o.Passes {
		chance.Shuffle(live, func(i, j int) { active[i], active[j] = active[j], active[i] })
		highest, lowest := -1e30, 1e30
		for a := 0; a < live; a++ {
			i := active[a]
			cost := o.Cost
			if side[i] > 0 {
				cost *= o.PositiveUp
			}
			slack := 0.5 / cost
			row := rows[i]
			sum := plane[bias]
			for k, at := range row.Index {
				sum += plane[at] * float64(row.Value[k])
			}
			slope := side[i]*sum - 1 + slack*multiplier[i]
			projected := slope
			if multiplier[i] == 0 {
				if slope > bound {
					live--
					active[a], active[live] = active[live], active[a]
					a--
					continue
				}
				projected = min(slope, 0)
			}
			highest, lowest = max(highest, projected), min(lowest, projected)
			if projected > -1e-12 && projected < 1e-12 {
				continue
			}
			old := multiplier[i]
			multiplier[i] = max(old-slope/(square[i]+slack), 0)
			step := (multiplier[i] - old) * side[i]
			for k, at := range row.Index {
				plane[at] += step * float64(row.Value[k])
			}
			plane[bias] += step
		}
		if highest-lowest < tolerance {
			if live == len(active) {
				return
			}
			live, bound = len(active), 1e30
			continue
		}
		bound = highest
		if bound <= 0 {
			bound = 1e30
		}
	}
}

// Classes is how many planes there are.
func (m *Machine) Classes() int { return m.classes }

// Margins puts into out, which has room for every class, how far v lies on each
// class's side.
func (m *Machine) Margins(v Vector, out []float64) {
	for k := range m.classes {
		out[k] = float64(m.bias[k])
	}
	for i, x := range v.Value {
		column := m.columns.column(v.At(i))
		if column < 0 {
			continue
		}
		row := m.weights[column*m.classes : (column+1)*m.classes]
		for k, w := range row {
			out[k] += float64(x * w)
		}
	}
}
