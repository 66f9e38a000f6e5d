package segment

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"throughline/transcribe/speech"
)

// TestHears checks that no voiced sample is kept from the recogniser, and none
// is given to it twice.
func TestHears(t *testing.T) {
	var mu sync.Mutex
	voiced := 0
	hear := hearing(func(pcm []float32) {
		mu.Lock()
		defer mu.Unlock()
		for _, v := range pcm {
			if v > 0 {
				voiced++
			}
		}
	})
	e := run(t, Config{Recogniser: hear, Detector: loudness{}, Workers: 2})
	pcm := signal(1, 2, 0.7, 0.5, 0.5, 40, 2)
	l := e.Open(LegConfig{Emit: func(speech.Event) {}})
	if err := errors.Join(l.Write(t.Context(), pcm), l.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
	want := 0
	for _, v := range pcm {
		if v > 0 {
			want++
		}
	}
	if voiced != want {
		t.Errorf("%d voiced samples were heard of %d", voiced, want)
	}
}

// TestEndsInSpeech closes a leg in the middle of a word: the recogniser hears it
// with the silence that follows every other utterance.
func TestEndsInSpeech(t *testing.T) {
	var silent int
	hear := hearing(func(pcm []float32) {
		for silent = 0; pcm[len(pcm)-1-silent] == 0; silent++ {
		}
	})
	e := run(t, Config{Recogniser: hear, Detector: loudness{}})
	l := e.Open(LegConfig{Emit: func(speech.Event) {}})
	if err := errors.Join(l.Write(t.Context(), signal(1, 1)), l.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
	if silent < trail {
		t.Errorf("%d samples of silence after speech, want %d", silent, trail)
	}
}

type hearing func(pcm []float32)

func (h hearing) Recognise(_ context.Context, pcm []float32, _ speech.Options) (speech.Result, error) {
	h(pcm)
	return speech.Result{Text: "x"}, nil
}

func TestSkip(t *testing.T) {
	e := run(t, Config{Recogniser: &counting{}, Detector: loudness{}})
	r := &record{}
	l := e.Open(LegConfig{Emit: r.emit})
	steps := []func() error{
		func() error { return l.Write(t.Context(), signal(0.5, 1)) },
		func() error { return l.Skip(t.Context(), 20*time.Second) },
		func() error { return l.Write(t.Context(), signal(0, 1)) },
		func() error { return l.Skip(t.Context(), 100*time.Millisecond) },
		func() error { return l.Write(t.Context(), signal(0, 1)) },
		func() error { return l.Close(t.Context()) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	check(t, r.events)
	finals := r.kind(speech.Final)
	if len(finals) != 2 {
		t.Fatalf("%d finals, want 2", len(finals))
	}
	near := func(got, want time.Duration) bool { return (got - want).Abs() < 100*time.Millisecond }
	if !near(finals[0].End, 1500*time.Millisecond) || !near(finals[1].Start, 21500*time.Millisecond) || !near(finals[1].End, 23600*time.Millisecond) {
		t.Errorf("finals end at %v and lie at %v to %v", finals[0].End, finals[1].Start, finals[1].End)
	}
}
