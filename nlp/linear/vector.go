package linear

import (
	"math"
	"slices"
)

// Vector is a sparse vector: Value[i] stands at Index[i], ascending and without
// repeats. A nil Index says the vector is dense: Value[i] stands at i.
type Vector struct {
	Index []uint32
	Value []float32
}

// At is the position of the i-th value.
func (v Vector) At(i int) uint32 {
	if v.Index == nil {
		return uint32(i)
	}
	return v.Index[i]
}

// Norm is the Euclidean length.
func (v Vector) Norm() float64 {
	var sum float64
	for _, x := range v.Value {
		sum += float64(x) * float64(x)
	}
	return math.Sqrt(sum)
}

// Cosine is the cosine of the angle between v and w, 0 where either is empty.
func (v Vector) Cosine(w Vector) float64 {
	long := v.Norm() * w.Norm()
	if long == 0 {
		return 0
	}
	return v.Dot(w) / long
}

// Dot is the inner product of v and w.
func (v Vector) Dot(w Vector) float64 {
	var sum float64
	for i, j := 0, 0; i < len(v.Value) && j < len(w.Value); {
		switch a, b := v.At(i), w.At(j); {
		case a < b:
			i++
		case a > b:
			j++
		default:
			sum += float64(v.Value[i]) * float64(w.Value[j])
			i++
			j++
		}
	}
	return sum
}

// Collect sums hashed positions into a Vector whose values come from weigh(position,
// count). positions is sorted in place.
func Collect(positions []uint32, weigh func(at uint32, count int) float32) Vector {
	slices.Sort(positions)
	v := Vector{Index: make([]uint32, 0, len(positions)), Value: make([]float32, 0, len(positions))}
	for i := 0; i < len(positions); {
		j := i + 1
		for j < len(positions) && positions[j] == positions[i] {
			j++
		}
		v.Index = append(v.Index, positions[i])
		v.Value = append(v.Value, weigh(positions[i], j-i))
		i = j
	}
	return v
}

// Unit scales v in place to length 1.
func (v Vector) Unit() Vector {
	if long := float32(v.Norm()); long > 0 {
		for i := range v.Value {
			v.Value[i] /= long
		}
	}
	return v
}

// Joined sets other behind v, whose positions all lie below width. Other is
// scaled by share, so that neither part drowns the other.
func (v Vector) Joined(width uint32, other Vector, share float32) Vector {
	n := len(v.Value) + len(other.Value)
	out := Vector{Index: make([]uint32, 0, n), Value: make([]float32, 0, n)}
	for i, x := range v.Value {
		out.Index = append(out.Index, v.At(i))
		out.Value = append(out.Value, x)
	}
	for i, x := range other.Value {
		out.Index = append(out.Index, width+other.At(i))
		out.Value = append(out.Value, x*share)
	}
	return out
}
