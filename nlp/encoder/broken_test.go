package encoder_test

import (
	"errors"
	"testing"

	ort "github.com/yalue/onnxruntime_go"

	"throughline/nlp/encoder"
	"throughline/nlp/floor"
)

// broken is a session that fails, or answers with nothing.
type broken struct{ err error }

func (b broken) Run(...ort.Value) ([]ort.Value, error) { return nil, b.err }

func TestABrokenNetworkIsFoundAtTheStart(t *testing.T) {
	open(t) // loads the library that makes tensors
	beside, err := floor.Open()
	if err != nil {
		t.Fatal(err)
	}
	out := errors.New("out of memory")
	if _, err := encoder.Open(broken{out}, beside); !errors.Is(err, out) {
		t.Errorf("error %v", err)
	}
	if _, err := encoder.Open(broken{}, beside); err == nil {
		t.Error("a network without outputs was taken")
	}
}
