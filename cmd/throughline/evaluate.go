package main

import (
	"context"
	"fmt"
	"os"
	"sync"

	"throughline/eval"
	"throughline/governance"
	"throughline/nlp"
	"throughline/transcribe"
)

// evaluate measures the encoder unless --model says otherwise; where the
// runtime it needs cannot be had, the floor.
func evaluate(ctx context.Context, args []string) error {
	var text *textModel
	open := sync.OnceValues(func() (nlp.Reader, error) {
		var err error
		if text, err = openEncoder(ctx, os.Stderr); err != nil {
			return nil, err
		}
		return text.Reader, nil
	})
	speech := &ears{ctx: ctx}
	h := eval.Harness{
		Readers: map[string]func() (nlp.Reader, error){"encoder": open}, Preferred: "encoder", Warnings: os.Stderr,
		Recognise: speech.recognise, RecogniseVersion: "moonshine-tiny",
	}
	err := h.Main(ctx, args, os.Stdout)
	speech.close()
	if text == nil {
		return err
	}
	if closing := text.Close(); err == nil && closing != nil {
		return fmt.Errorf("close encoder: %w", closing)
	}
	return err
}

// ears recognise files as the product hears calls: in packets, through the
// decoder and the segmenter. The engine is opened by the first file.
type ears struct {
	ctx    context.Context
	once   sync.Once
	err    error
	engine *transcribe.Transcriber
	stop   context.CancelFunc
	ended  chan struct{}
}

func (e *ears) open() {
	s, err := load("")
	if err != nil {
		e.err = err
		return
	}
	gate, err := governance.NewGate(s.Governance, governance.NewLedger(s.Governance))
	if err != nil {
		e.err = err
		return
	}
	s.Transcribe.Partials = false
	if e.engine, e.err = transcribe.New(s.Transcribe, transcribe.Parts{Gate: gate}); e.err != nil {
		return
	}
	if ok, reason := e.engine.Enabled(); !ok {
		e.err = fmt.Errorf("speech cannot be recognised here: %s", reason)
		return
	}
	var ctx context.Context
	ctx, e.stop = context.WithCancel(e.ctx)
	e.ended = make(chan struct{})
	go func() {
		defer close(e.ended)
		_ = e.engine.Run(ctx) // its errors come out of RecogniseFile
	}()
}

func (e *ears) recognise(ctx context.Context, path string, c eval.Condition) (string, error) {
	if e.once.Do(e.open); e.err != nil {
		return "", e.err
	}
	var over transcribe.Line
	switch c {
	case eval.MuLaw:
		over = transcribe.Line{Telephone: true}
	case eval.Loss5:
		over = transcribe.Line{Telephone: true, Loss: 0.05}
	case eval.Burst5:
		over = transcribe.Line{Telephone: true, Loss: 0.05, Burst: 4}
	}
	return e.engine.RecogniseFile(ctx, path, over)
}

func (e *ears) close() {
	if e.stop != nil {
		e.stop()
		<-e.ended
	}
}
