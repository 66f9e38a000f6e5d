package onnx_test

import (
	"os"
	"path/filepath"
	"testing"

	"throughline/transcribe/internal/corpus"
	"throughline/transcribe/onnx"
	"throughline/transcribe/onnx/graph"
)

// doubling is a network that multiplies its input by two.
func doubling(t *testing.T) string {
	t.Helper()
	// An opset import (field 8) of version 13 and the IR version (field 1).
	m, err := graph.Parse([]byte{0x08, 0x08, 0x42, 0x02, 0x10, 0x0d, 0x3a, 0x00})
	if err != nil {
		t.Fatal(err)
	}
	g := graph.Graph{
		Name:      "doubling",
		Nodes:     []graph.Node{graph.NewNode("Mul", []string{"x", "two"}, []string{"y"})},
		Constants: []graph.Tensor{graph.NewScalar("two", 2)},
		Inputs:    []graph.ValueInfo{graph.Declare("x", graph.Float32, []int64{-1}, "n")},
		Outputs:   []graph.ValueInfo{graph.Declare("y", graph.Float32, []int64{-1}, "n")},
	}
	path := filepath.Join(t.TempDir(), "doubling.onnx")
	if err := os.WriteFile(path, m.Bytes(&g), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRun(t *testing.T) {
	rt := corpus.Runtime(t)
	s, err := rt.Open(doubling(t), []string{"x"}, []string{"y"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	in, err := onnx.NewFloats([]float32{1, 2, 3}, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer onnx.Release(in)
	out, err := s.Run(in)
	if err != nil {
		t.Fatal(err)
	}
	defer onnx.Release(out...)
	y, err := onnx.AsFloats(out[0])
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range y.GetData() {
		if v != float32(2*(i+1)) {
			t.Errorf("y[%d] = %v", i, v)
		}
	}
	if _, err := s.Run(); err == nil {
		t.Error("a missing input was accepted")
	}
	long, err := onnx.NewLongs([]int64{1}, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer onnx.Release(long)
	if _, err := s.Run(long); err == nil {
		t.Error("integers were accepted for floats")
	}
	if _, err := onnx.AsFloats(long); err == nil {
		t.Error("integers were read as floats")
	}
}

func TestRefusals(t *testing.T) {
	rt := corpus.Runtime(t)
	if rt.Version() == "" {
		t.Error("the library does not tell its version")
	}
	path := filepath.Join(t.TempDir(), "bad.onnx")
	if err := os.WriteFile(path, []byte("not a network"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := rt.Open(path, []string{"x"}, []string{"y"}); err == nil {
		t.Error("a text was opened as a network")
	}
	if _, err := rt.OpenBytes([]byte("not a network"), []string{"x"}, []string{"y"}); err == nil {
		t.Error("bytes of a text were opened as a network")
	}
	if _, err := rt.Open(filepath.Join(t.TempDir(), "absent"), []string{"x"}, []string{"y"}); err == nil {
		t.Error("an absent file was opened")
	}
	if _, err := onnx.NewFloats([]float32{1}, 2); err == nil {
		t.Error("a tensor longer than its data was made")
	}
}
