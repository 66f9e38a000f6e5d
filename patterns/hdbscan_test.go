package patterns

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestGroupsFindPlanted scatters tight groups among noise on a sphere.
func TestGroupsFindPlanted(t *testing.T) {
	chance := rand.New(rand.NewPCG(3, 4))
	var points []Vector
	var truth []int
	direction := func(around []float32, spread float64) Vector {
		v := Vector{Value: make([]float32, 16)}
		for i := range v.Value {
			v.Value[i] = float32(spread * chance.NormFloat64())
			if around != nil {
				v.Value[i] += around[i]
			}
		}
		return v
	}
	for g, size := range []int{40, 25, 15} {
		centre := direction(nil, 1)
		for range size {
			points, truth = append(points, direction(centre.Value, 0.2)), append(truth, g)
		}
	}
	for range 120 {
		points, truth = append(points, direction(nil, 1)), append(truth, -1)
	}
	found := groups(points, 8)
	got := map[int]map[int]int{}
	for i, g := range found {
		if got[g] == nil {
			got[g] = map[int]int{}
		}
		got[g][truth[i]]++
	}
	for g, size := range []int{40, 25, 15} {
		best := 0
		for label, held := range got {
			others := 0
			for _, n := range held {
				others += n
			}
			if label >= 0 && held[g] > best && float64(held[g]) >= 0.8*float64(others) {
				best = held[g]
			}
		}
		if best < size*9/10 {
			t.Errorf("of the group of %d at most %d are together: %v", size, best, got)
		}
	}
	again := groups(points, 8)
	for i := range found {
		if found[i] != again[i] {
			t.Fatal("the same points gave other groups")
		}
	}
}

func TestGroupsOfLittle(t *testing.T) {
	same := make([]Vector, 30)
	for i := range same {
		same[i] = Vector{Value: []float32{1, 2}}
	}
	for name, points := range map[string][]Vector{"nothing": nil, "one": same[:1], "all alike": same, "all empty": make([]Vector, 30)} {
		for _, g := range groups(points, 5) {
			if g != -1 {
				t.Errorf("%s: a group is more than all there is", name)
			}
		}
	}
}

func TestAtLeast(t *testing.T) {
	for _, c := range []struct {
		k, n int
		p    float64
		want float64
	}{{0, 5, 0.5, 1}, {5, 5, 0.5, 1.0 / 32}, {3, 4, 0.5, 5.0 / 16}, {1, 3, 0.2, 1 - 0.512}, {2, 2, 0, 0}, {2, 2, 1, 1}} {
		if got := atLeast(c.k, c.n, c.p); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%d of %d at %v: %v, want %v", c.k, c.n, c.p, got, c.want)
		}
	}
}
