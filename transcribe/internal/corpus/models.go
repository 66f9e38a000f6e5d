package corpus

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"throughline/native"
	"throughline/transcribe/moonshine"
	"throughline/transcribe/onnx"
	"throughline/transcribe/vad"
)

// fetchLimit bounds the download of a native part in a test.
const fetchLimit = 3 * time.Minute

func part(tb testing.TB, p native.Part) string {
	tb.Helper()
	dir, ok := native.Path(p)
	if ok {
		return dir
	}
	if testing.Short() {
		tb.Skipf("%s is not on this machine and -short forbids fetching it", p)
	}
	ctx, cancel := context.WithTimeout(context.Background(), fetchLimit)
	defer cancel()
	dir, err := native.Fetch(ctx, p, nil)
	if err != nil {
		tb.Skipf("%s cannot be fetched: %v", p, err)
	}
	return dir
}

// Runtime loads ONNX Runtime, or skips the test where it cannot be had. It
// stays loaded until the process ends.
func Runtime(tb testing.TB) *onnx.Runtime {
	tb.Helper()
	name, err := filepath.Glob(filepath.Join(part(tb, native.ONNXRuntime), "libonnxruntime*"))
	if err != nil || len(name) == 0 {
		tb.Skip("the runtime's library is not in its folder")
	}
	rt, err := onnx.Load(name[0])
	if err != nil {
		tb.Fatal(err)
	}
	return rt
}

// MoonshineFiles locates the published model.
func MoonshineFiles(tb testing.TB) moonshine.Files {
	tb.Helper()
	dir := part(tb, native.Moonshine)
	return moonshine.Files{
		Encoder:    filepath.Join(dir, "encoder_model.onnx"),
		Decoder:    filepath.Join(dir, "decoder_model_merged.onnx"),
		Vocabulary: filepath.Join(dir, "moonshine.min.js"),
	}
}

// Moonshine opens the recogniser for the length of the test.
func Moonshine(tb testing.TB) *moonshine.Recogniser {
	tb.Helper()
	r, err := moonshine.Open(Runtime(tb), moonshine.Config{Files: MoonshineFiles(tb)})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := r.Close(); err != nil {
			tb.Error(err)
		}
	})
	return r
}

// Detector opens the voice-activity network for the length of the test.
func Detector(tb testing.TB) *vad.Detector {
	tb.Helper()
	d, err := vad.Open(Runtime(tb), filepath.Join(part(tb, native.Silero), "silero_vad_v5.onnx"))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := d.Close(); err != nil {
			tb.Error(err)
		}
	})
	return d
}
