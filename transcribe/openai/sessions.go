package openai

import (
	"context"
	"strings"

	"throughline/transcribe/speech"
)

// Sessions implements speech.Recogniser by a realtime session for each
// utterance. Where an utterance begins and ends is found here, as for every
// engine, so that what fails is asked again and nothing is lost with a
// connection. It is safe for use by many goroutines.
type Sessions struct{ cfg RealtimeConfig }

// NewSessions checks cfg. It connects to nothing.
func NewSessions(cfg RealtimeConfig) (*Sessions, error) {
	if _, err := cfg.address(); err != nil {
		return nil, err
	}
	return &Sessions{cfg: cfg}, nil
}

// pieces is how much audio a message carries: 0.2 s.
const pieces = speech.Rate / 5

// Recognise implements speech.Recogniser. The interface gives no times of words.
func (s *Sessions) Recognise(ctx context.Context, pcm []float32, _ speech.Options) (speech.Result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	audio := make(chan []int16)
	go func() {
		defer close(audio)
		for at := 0; at < len(pcm); at += pieces {
			part := pcm[at:min(at+pieces, len(pcm))]
			samples := make([]int16, len(part))
			for i, v := range part {
				samples[i] = int16(max(-1, min(v, 1)) * 32767)
			}
			select {
			case audio <- samples:
			case <-ctx.Done():
				return
			}
		}
	}()
	var said []string
	var failed error
	err := Realtime(ctx, s.cfg, audio, func(e speech.Event) {
		switch {
		case e.Kind != speech.Final:
		case e.Err != nil:
			failed = e.Err
		case e.Text != "":
			said = append(said, e.Text)
		}
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return speech.Result{}, err
	}
	return speech.Result{Text: strings.Join(said, " "), NoSpeech: len(said) == 0}, nil
}
