package moonshine

import "throughline/transcribe/onnx"

// OpenWith opens the model with signed or unsigned weights, whatever the
// processor prefers.
func OpenWith(rt *onnx.Runtime, cfg Config, signed bool) (*Recogniser, error) {
	return open(rt, cfg, signed)
}
