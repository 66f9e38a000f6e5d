package linear

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"
)

func dense(values ...float32) Vector { return Vector{Value: values} }

func TestVectors(t *testing.T) {
	v := Collect([]uint32{5, 1, 5}, func(_ uint32, count int) float32 { return float32(count) })
	if len(v.Index) != 2 || v.Index[0] != 1 || v.Value[1] != 2 {
		t.Errorf("collected %+v", v)
	}
	if c := dense(1, 0).Cosine(dense(0, 1)); c != 0 {
		t.Errorf("cosine of a right angle %f", c)
	}
	if c := dense(1, 2).Cosine(Vector{Index: []uint32{0, 1}, Value: []float32{2, 4}}); math.Abs(c-1) > 1e-6 {
		t.Errorf("cosine of dense and sparse %f", c)
	}
	if c := dense(1).Cosine(Vector{}); c != 0 {
		t.Errorf("cosine with nothing %f", c)
	}
	j := v.Joined(10, dense(3), 0.5)
	if len(j.Index) != 3 || j.Index[2] != 10 || j.Value[2] != 1.5 {
		t.Errorf("joined %+v", j)
	}
	if n := dense(3, 4).Unit().Norm(); math.Abs(n-1) > 1e-6 {
		t.Errorf("unit has length %f", n)
	}
}

// clouds are three groups of points around the corners of a triangle.
func clouds(n int) (rows []Vector, class []int) {
	chance := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		k := i % 3
		angle := 2 * math.Pi * float64(k) / 3
		rows = append(rows, dense(float32(math.Cos(angle)+0.2*chance.NormFloat64()), float32(math.Sin(angle)+0.2*chance.NormFloat64())))
		class = append(class, k)
	}
	return rows, class
}

func TestSeparate(t *testing.T) {
	rows, class := clouds(300)
	m, err := Separate(context.Background(), rows, 3, func(row, k int) bool { return class[row] == k }, MachineOptions{})
	if err != nil {
		t.Fatal(err)
	}
	wrong, out := 0, make([]float64, 3)
	for i, v := range rows {
		m.Margins(v, out)
		if out[class[i]] < max(out[(class[i]+1)%3], out[(class[i]+2)%3]) {
			wrong++
		}
	}
	if wrong > 3 {
		t.Errorf("%d of 300 on the wrong side", wrong)
	}
	m.Margins(Vector{Index: []uint32{1 << 30}, Value: []float32{1}}, out) // a position never seen
	again, err := Separate(context.Background(), rows, 3, func(row, k int) bool { return class[row] == k }, MachineOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range m.weights {
		if m.weights[i] != again.weights[i] {
			t.Fatal("the same rows gave another machine")
		}
	}
}

func TestSeparateStopsWhenAsked(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	rows, class := clouds(30)
	if _, err := Separate(ctx, rows, 3, func(row, k int) bool { return class[row] == k }, MachineOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestRegress(t *testing.T) {
	rows, class := clouds(300)
	targets := make([][]float32, len(rows))
	for i, k := range class {
		targets[i] = make([]float32, 3)
		targets[i][k] = 1
	}
	for _, exclusive := range []bool{true, false} {
		r, err := Regress(context.Background(), rows, targets, nil, 2, 3, RegressOptions{Exclusive: exclusive, Penalty: 1e-3, Iterations: 50})
		if err != nil {
			t.Fatal(err)
		}
		wrong := 0
		for i, v := range rows {
			s := r.Scores(v)
			if s[class[i]] < max(s[(class[i]+1)%3], s[(class[i]+2)%3]) {
				wrong++
			}
		}
		if wrong > 3 {
			t.Errorf("exclusive %v: %d of 300 wrong", exclusive, wrong)
		}
	}
	if _, err := Regress(context.Background(), nil, nil, nil, 2, 3, RegressOptions{}); err == nil {
		t.Error("fitted to nothing")
	}
}

// The gradient must be the slope of the value, or L-BFGS walks astray.
func TestGradientIsTheSlope(t *testing.T) {
	rows, class := clouds(20)
	targets := make([][]float32, len(rows))
	weight := make([]float64, len(rows))
	for i, k := range class {
		targets[i] = make([]float32, 3)
		targets[i][k] = 1
		weight[i] = 1 + float64(i%2)
	}
	for _, exclusive := range []bool{true, false} {
		f := &loss{rows: rows, targets: targets, weight: weight, width: 2, classes: 3, o: RegressOptions{Exclusive: exclusive, Penalty: 0.1}, total: 30, gradient: make([]float64, 9)}
		x := []float64{0.1, -0.2, 0.3, 0.4, -0.5, 0.6, 0.7, -0.8, 0.9}
		gradient := make([]float64, 9)
		f.slope(gradient, x)
		for i := range x {
			const step = 1e-5
			x[i] += step
			up := f.value(x)
			x[i] -= 2 * step
			down := f.value(x)
			x[i] += step
			if slope := (up - down) / (2 * step); math.Abs(slope-gradient[i]) > 1e-6 {
				t.Errorf("exclusive %v, parameter %d: gradient %f, slope %f", exclusive, i, gradient[i], slope)
			}
		}
	}
}

func TestPlattAndTemperature(t *testing.T) {
	chance := rand.New(rand.NewPCG(3, 4))
	var margins []float64
	var belongs []bool
	for range 4000 {
		m := chance.NormFloat64() * 2
		margins = append(margins, m)
		belongs = append(belongs, chance.Float64() < Sigmoid(2*m-1))
	}
	p, err := FitPlatt(margins, belongs)
	if err != nil || math.Abs(p.Slope-2) > 0.2 || math.Abs(p.Offset+1) > 0.2 {
		t.Errorf("%+v, %v; want slope 2 and offset −1", p, err)
	}
	if _, err := FitPlatt([]float64{1, 2}, []bool{true, true}); err == nil {
		t.Error("fitted to one side")
	}
	var scores [][]float64
	var class []int
	for range 3000 {
		s := []float64{chance.NormFloat64() * 4, 0}
		scores = append(scores, s)
		if chance.Float64() < Sigmoid(s[0]/4) { // four times too sure
			class = append(class, 0)
		} else {
			class = append(class, 1)
		}
	}
	temperature, err := FitTemperature(scores, class)
	if err != nil || math.Abs(temperature-4) > 0.6 {
		t.Errorf("temperature %f, %v; want 4", temperature, err)
	}
}
