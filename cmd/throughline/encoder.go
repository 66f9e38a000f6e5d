package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"runtime"

	"throughline/native"
	"throughline/nlp/encoder"
	"throughline/nlp/floor"
	"throughline/transcribe/onnx"
	"throughline/transcribe/thread"
)

// textModel is the encoder on its own session, and on threads that yield: a burst of
// turns is read a moment later, a webhook or a call is not answered later for it.
type textModel struct {
	*encoder.Reader
	patient
}

// patient runs a network on the threads of a crew.
type patient struct {
	session *onnx.Session
	crew    *thread.Crew
}

func (p patient) Run(inputs ...onnx.Value) (outputs []onnx.Value, err error) {
	p.crew.Do(func() { outputs, err = p.session.Run(inputs...) })
	return outputs, err
}

// Close frees the network. Nothing may be reading.
func (p patient) Close() error {
	p.crew.Close()
	return p.session.Close()
}

// openEncoder opens the shipped encoder, with the floor for other languages. It
// fetches ONNX Runtime where this machine has none, and tells progress of that.
func openEncoder(ctx context.Context, progress io.Writer) (*textModel, error) {
	beside, err := floor.Open()
	if err != nil {
		return nil, err
	}
	rt, err := loadONNX(ctx, progress)
	if err != nil {
		return nil, err
	}
	session, err := rt.OpenBytes(encoder.Network(), encoder.Inputs(), encoder.Outputs())
	if err != nil {
		return nil, err
	}
	threads := patient{session, thread.NewCrew(runtime.GOMAXPROCS(0))}
	reader, err := encoder.Open(threads, beside)
	if err != nil {
		threads.Close() // the error of opening says more than one of closing
		return nil, err
	}
	return &textModel{reader, threads}, nil
}

// loadONNX loads ONNX Runtime: speech and text share one environment.
func loadONNX(ctx context.Context, progress io.Writer) (*onnx.Runtime, error) {
	dir, err := native.Fetch(ctx, native.ONNXRuntime, progress)
	if err != nil {
		return nil, err
	}
	library, err := filepath.Glob(filepath.Join(dir, "libonnxruntime*"))
	if err != nil || len(library) == 0 {
		return nil, fmt.Errorf("load ONNX Runtime: no libonnxruntime in %s", dir)
	}
	return onnx.Load(library[0])
}
