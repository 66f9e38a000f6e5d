package transcribe

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"throughline/native"
	"throughline/transcribe/moonshine"
	"throughline/transcribe/onnx"
	"throughline/transcribe/openai"
	"throughline/transcribe/vad"
)

// models are a loaded engine.
type models struct {
	recogniser Recogniser
	detector   Detector
	closers    []func() error
}

func (m models) close() error {
	var errs []error
	for i := len(m.closers) - 1; i >= 0; i-- {
		errs = append(errs, m.closers[i]())
	}
	return errors.Join(errs...)
}

// needed lists the native parts of an engine. Where speech is recognised
// elsewhere, it is still found here.
func needed(engine string) []native.Part {
	parts := []native.Part{native.ONNXRuntime, native.Silero}
	if engine == Moonshine {
		parts = append(parts, native.Moonshine)
	}
	return parts
}

func supported(engine string) error {
	for _, p := range needed(engine) {
		if err := native.Supported(p); err != nil {
			return err
		}
	}
	return nil
}

// fetch brings the files of an engine to this machine: about 90 MB, once.
func fetch(ctx context.Context, engine string, log *slog.Logger) error {
	for _, p := range needed(engine) {
		if _, ok := native.Path(p); ok {
			continue
		}
		log.Info("fetching a part of the speech engine, once", "part", string(p))
		if _, err := native.Fetch(ctx, p, os.Stderr); err != nil {
			return fmt.Errorf("fetch %s: %w", p, err)
		}
	}
	return nil
}

// load opens what fetch has brought.
func load(ctx context.Context, cfg Config) (m models, err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, m.close())
		}
	}()
	dirs := map[native.Part]string{}
	for _, p := range needed(cfg.Engine) {
		// What has gone missing since it was fetched is fetched again.
		if dirs[p], err = native.Fetch(ctx, p, os.Stderr); err != nil {
			return m, fmt.Errorf("fetch %s: %w", p, err)
		}
	}
	library, err := filepath.Glob(filepath.Join(dirs[native.ONNXRuntime], "libonnxruntime*"))
	if err != nil || len(library) == 0 {
		return m, fmt.Errorf("load speech runtime: no library in %s", dirs[native.ONNXRuntime])
	}
	rt, err := onnx.Load(library[0])
	if err != nil {
		return m, err
	}
	d, err := vad.Open(rt, filepath.Join(dirs[native.Silero], "silero_vad_v5.onnx"))
	if err != nil {
		return m, err
	}
	m.detector, m.closers = d, append(m.closers, d.Close)
	if cfg.Engine == OpenAI {
		m.recogniser, err = remote(cfg)
		return m, err
	}
	dir := dirs[native.Moonshine]
	r, err := moonshine.Open(rt, moonshine.Config{Concurrency: cfg.Workers, Files: moonshine.Files{
		Encoder:    filepath.Join(dir, "encoder_model.onnx"),
		Decoder:    filepath.Join(dir, "decoder_model_merged.onnx"),
		Vocabulary: filepath.Join(dir, "moonshine.min.js"),
	}})
	if err != nil {
		return m, err
	}
	m.recogniser, m.closers = r, append(m.closers, r.Close)
	return m, nil
}

// remote is the client of the server that recognises.
func remote(cfg Config) (Recogniser, error) {
	s := cfg.Server
	if s.Realtime != "" {
		return openai.NewSessions(openai.RealtimeConfig{BaseURL: s.URL, Key: s.Key, Model: s.Model, Language: s.Language, Beta: s.Realtime == RealtimeBeta})
	}
	return openai.New(openai.Config{BaseURL: s.URL, Path: s.Path, Key: s.Key, Model: s.Model, Language: s.Language, Timeout: cfg.Timeout})
}
