package graph

import (
	"bytes"
	"slices"
	"testing"
)

// example is a model with one product, two constants and an unknown field.
func example() []byte {
	m := Model{around: appendInt(nil, 1, 8)}
	g := Graph{
		Name:  "main",
		Nodes: []Node{NewNode("MatMulInteger", []string{"x", "w", "xz", "wz"}, []string{"y"}, Int("axis", -1), Ints("perm", 0, 2, 1))},
		Constants: []Tensor{
			NewTensor("w", Uint8, []byte{0, 127, 128, 255}, 2, 2),
			NewTensor("wz", Uint8, []byte{129}),
			NewScalar("unused", 1.5),
		},
		Inputs:  []ValueInfo{Declare("x", Float32, []int64{1, -1, 4}, "frames")},
		Outputs: []ValueInfo{Declare("y", Float32, []int64{-1, -1}, "a", "b")},
	}
	return m.Bytes(&g)
}

func TestRoundTrip(t *testing.T) {
	b := example()
	m, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(m.Bytes(&m.Graph), b) {
		t.Error("writing what was read changed it")
	}
	if len(m.Graph.Constants) != 2 {
		t.Errorf("%d constants: the one that no node reads should be gone", len(m.Graph.Constants))
	}
	n := m.Graph.Nodes[0]
	if n.Op != "MatMulInteger" || !slices.Equal(n.Inputs, []string{"x", "w", "xz", "wz"}) || n.Attributes[1].Name != "perm" {
		t.Errorf("node = %+v", n)
	}
}

func TestSigned(t *testing.T) {
	m, err := Parse(example())
	if err != nil {
		t.Fatal(err)
	}
	w, _ := m.Graph.Constant("w")
	z, _ := m.Graph.Constant("wz")
	sw, err := w.Signed()
	if err != nil {
		t.Fatal(err)
	}
	sz, err := z.Signed()
	if err != nil {
		t.Fatal(err)
	}
	for i := range w.Data {
		before := int(w.Data[i]) - int(z.Data[0])
		after := int(int8(sw.Data[i])) - int(int8(sz.Data[0]))
		if before != after {
			t.Errorf("weight %d was %d and became %d", i, before, after)
		}
	}
	if _, err := sw.Signed(); err == nil {
		t.Error("a signed tensor was signed again")
	}
}

func TestScalars(t *testing.T) {
	typed := appendInt(appendInt(nil, tensorElement, int64(Uint8)), tensorInts, 7)
	c, err := parseTensor(typed)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := c.ScalarByte(); err != nil || v != 7 {
		t.Errorf("byte = %d, %v", v, err)
	}
	if _, err := c.Scalar(); err == nil {
		t.Error("a byte was read as a float")
	}
	if v, err := NewScalar("s", 0.25).Scalar(); err != nil || v != 0.25 {
		t.Errorf("float = %v, %v", v, err)
	}
	if _, err := NewScalar("s", 0.25).ScalarByte(); err == nil {
		t.Error("a float was read as a byte")
	}
	packed := appendBytes(appendInt(nil, tensorElement, int64(Float32)), tensorFloats, []byte{0, 0, 128, 62})
	if c, err := parseTensor(packed); err != nil {
		t.Error(err)
	} else if v, err := c.Scalar(); err != nil || v != 0.25 {
		t.Errorf("packed float = %v, %v", v, err)
	}
}

// TestTruncated cuts a model everywhere: it is refused, or is a shorter model
// that can be written again.
func TestTruncated(t *testing.T) {
	whole := example()
	for n := range whole {
		m, err := Parse(whole[:n])
		if err == nil {
			t.Errorf("%d of %d bytes were accepted as %d nodes", n, len(whole), len(m.Graph.Nodes))
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(example())
	f.Add([]byte{0x3a, 0x02, 0x0a, 0x00})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Parse(b)
		if err != nil {
			return
		}
		again, err := Parse(m.Bytes(&m.Graph))
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		if len(again.Graph.Nodes) != len(m.Graph.Nodes) {
			t.Fatal("nodes were lost")
		}
		for _, c := range m.Graph.Constants {
			_, _ = c.Scalar()
			_, _ = c.ScalarByte()
			_, _ = c.Signed()
		}
	})
}
