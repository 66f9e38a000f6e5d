package floor

import (
	"math"
	"testing"

	"throughline/nlp/linear"
)

func regression() *linear.Regression {
	r := &linear.Regression{Width: 1 << 10, Classes: 3, Weights: make([]float32, 3<<10), Bias: []float32{0.5, -0.25, 0}}
	for i := range r.Weights {
		r.Weights[i] = float32(math.Sin(float64(i)))
	}
	return r
}

func TestModelFileThereAndBack(t *testing.T) {
	r := regression()
	file, err := Encode(r, []string{"a", "b", "c"})
	if err != nil {
		t.Fatal(err)
	}
	table, err := parse(string(file))
	if err != nil {
		t.Fatal(err)
	}
	features := []uint32{3, 77, 900, 3}
	v := linear.Collect(append([]uint32(nil), features...), func(_ uint32, n int) float32 { return float32(n) / 2 })
	got, want := make([]float64, 3), r.Scores(v)
	table.scores(features, got)
	for k := range got {
		if math.Abs(got[k]-want[k]) > 0.02 {
			t.Errorf("class %d: %f, want %f", k, got[k], want[k])
		}
	}
}

func TestCutModelFilesAreRefused(t *testing.T) {
	file, err := Encode(regression(), []string{"a", "b", "c"})
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(file) {
		if n > 64 && n < len(file)-64 {
			continue // the body is one length, checked at both ends
		}
		if _, err := parse(string(file[:n])); err == nil {
			t.Fatalf("%d of %d bytes were taken", n, len(file))
		}
	}
	if _, err := Encode(regression(), []string{"a"}); err == nil {
		t.Error("one name for three classes")
	}
}

func FuzzParse(f *testing.F) {
	file, err := Encode(regression(), []string{"a", "b", "c"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(file))
	f.Add(string(file[:40]))
	f.Fuzz(func(t *testing.T, file string) {
		table, err := parse(file)
		if err != nil {
			return
		}
		table.scores([]uint32{0, 1, math.MaxUint32}, make([]float64, len(table.names)))
	})
}
