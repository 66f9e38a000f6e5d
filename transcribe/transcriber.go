package transcribe

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"throughline/governance"
	"throughline/transcribe/segment"
	"throughline/transcribe/vocabulary"
)

// Recogniser and Detector are what an engine is made of.
type (
	Recogniser = segment.Recogniser
	Detector   = segment.Detector
)

// Transcriber shares one engine among all legs of this process. Run works the
// engine; the stage waits for it, and audio for the stage, in Kafka.
type Transcriber struct {
	cfg       Config
	parts     Parts
	gate      *governance.Gate
	log       *slog.Logger
	metrics   *metrics
	corrector segment.Corrector
	hints     []string
	language  string

	want   func()        // asks for the engine
	wanted chan struct{} // closed when the first audio is there
	loaded chan struct{} // closed when engine may be used
	engine *segment.Engine
}

// New checks the configuration. It loads and fetches nothing.
func New(cfg Config, parts Parts) (*Transcriber, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(parts); err != nil {
		return nil, err
	}
	if parts.Logger == nil {
		parts.Logger = slog.Default()
	}
	t := &Transcriber{
		cfg: cfg, parts: parts, gate: parts.Gate, log: parts.Logger.With("component", "transcribe"),
		wanted: make(chan struct{}), loaded: make(chan struct{}),
	}
	t.want = sync.OnceFunc(func() { close(t.wanted) })
	if cfg.Engine == Moonshine {
		t.language = "en"
	} else {
		t.language = cfg.Server.Language
	}
	terms, hints := cfg.terms()
	if len(terms) > 0 {
		c, err := vocabulary.New(terms)
		if err != nil {
			return nil, fmt.Errorf("transcribe.vocabulary: %w", err)
		}
		t.corrector, t.hints = c, hints
	}
	t.metrics = newMetrics(parts.Metrics, t)
	return t, nil
}

// Enabled tells whether this process can transcribe. Where it cannot, its stage
// should not run, so that audio waits for a process that can; the reason names
// what is missing and is empty where the engine is off on purpose.
func (t *Transcriber) Enabled() (ok bool, reason string) {
	if t.parts.Recogniser != nil {
		return true, ""
	}
	if t.cfg.Engine == Off {
		return false, ""
	}
	if err := supported(t.cfg.Engine); err != nil {
		return false, err.Error()
	}
	return true, ""
}

// The pauses between two tries to get the engine.
const (
	firstPause = time.Second
	longPause  = time.Minute
)

// Run fetches what the engine needs, loads it when the first audio comes, and
// works until ctx ends. Calls wait in Kafka while files cannot be fetched.
func (t *Transcriber) Run(ctx context.Context) error {
	if ok, reason := t.Enabled(); !ok {
		if reason != "" {
			t.log.Warn("calls are not transcribed: this machine cannot run the engine; set transcribe.engine to off to silence this", "engine", t.cfg.Engine, "reason", reason)
		}
		<-ctx.Done()
		return nil
	}
	m, ok := t.obtain(ctx)
	if !ok {
		return nil
	}
	defer func() {
		if err := m.close(); err != nil {
			t.log.Warn("freeing the speech models failed", "error", err)
		}
	}()
	engine, err := segment.New(segment.Config{
		Recogniser: m.recogniser, Detector: m.detector, Workers: t.cfg.Workers, Speculate: t.cfg.Speculate,
		Context: t.cfg.inContext(), Timeout: t.cfg.Timeout, GiveUp: t.cfg.GiveUp, Log: t.log,
	})
	if err != nil {
		return fmt.Errorf("transcribe: %w", err)
	}
	t.engine = engine
	close(t.loaded)
	return engine.Run(ctx)
}

// obtain gives the models once they are wanted, however long that takes; false
// means that ctx ended first.
func (t *Transcriber) obtain(ctx context.Context) (models, bool) {
	if t.parts.Recogniser != nil {
		return models{recogniser: t.parts.Recogniser, detector: t.parts.Detector}, true
	}
	if !t.try(ctx, "fetching the speech models", func() error { return fetch(ctx, t.cfg.Engine, t.log) }) {
		return models{}, false
	}
	if !t.cfg.Preload {
		select {
		case <-t.wanted:
		case <-ctx.Done():
			return models{}, false
		}
	}
	var m models
	began := time.Now()
	ok := t.try(ctx, "loading the speech models", func() (err error) {
		m, err = load(ctx, t.cfg)
		return err
	})
	if ok {
		t.log.Info("speech models loaded", "engine", t.cfg.Engine, "after", time.Since(began).Round(time.Millisecond))
	}
	return m, ok
}

// try repeats f until it works or ctx ends.
func (t *Transcriber) try(ctx context.Context, what string, f func() error) bool {
	for pause := firstPause; ; pause = min(2*pause, longPause) {
		err := f()
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		t.log.Warn(what+" failed, calls wait and it is tried again", "error", err, "wait", pause)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return false
		}
	}
}

// ready waits for the engine.
func (t *Transcriber) ready(ctx context.Context) (*segment.Engine, error) {
	t.want()
	select {
	case <-t.loaded:
		return t.engine, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for the speech engine: %w", ctx.Err())
	}
}
