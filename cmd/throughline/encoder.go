package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"throughline/native"
	"throughline/nlp/encoder"
	"throughline/nlp/floor"
	"throughline/transcribe/onnx"
)

// textModel is the encoder on its own session.
type textModel struct {
	*encoder.Reader
	session *onnx.Session
}

// Close frees the network. Nothing may be reading.
func (m *textModel) Close() error { return m.session.Close() }

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
	reader, err := encoder.Open(session, beside)
	if err != nil {
		session.Close() // the error of opening says more than one of closing
		return nil, err
	}
	return &textModel{reader, session}, nil
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
