package segment

import (
	"context"
	"testing"

	"golang.org/x/sys/unix"

	"throughline/transcribe/speech"
	"throughline/transcribe/thread"
	"throughline/transcribe/vad"
)

// rank tells how nice the threads are on which it is asked.
type rank struct{ heard, recognised chan int }

func priority() int {
	p, err := unix.Getpriority(unix.PRIO_PROCESS, unix.Gettid())
	if err != nil {
		return -1
	}
	return 20 - p
}

func (r rank) Detect(_ []*vad.Leg, _, probabilities []float32) error {
	select {
	case r.heard <- priority():
	default:
	}
	for i := range probabilities {
		probabilities[i] = 1
	}
	return nil
}

func (r rank) Recognise(context.Context, []float32, speech.Options) (speech.Result, error) {
	select {
	case r.recognised <- priority():
	default:
	}
	return speech.Result{Text: "yes"}, nil
}

// TestRecognitionYields looks at the threads that hear and recognise, and at those
// of other goroutines: only the former may be nicer than the process.
func TestRecognitionYields(t *testing.T) {
	r := rank{heard: make(chan int, 1), recognised: make(chan int, 1)}
	before := priority()
	e := run(t, Config{Recogniser: r, Detector: r})
	l := e.Open(LegConfig{Emit: func(speech.Event) {}})
	feed(t, l, make([]int16, speech.Rate), false)
	want := min(before+thread.Yielding, 19)
	if heard, recognised := <-r.heard, <-r.recognised; heard != want || recognised != want {
		t.Errorf("speech is heard at %d and recognised at %d, want %d", heard, recognised, want)
	}
	others := make(chan int)
	for range 20 {
		go func() { others <- priority() }()
	}
	for range 20 {
		if n := <-others; n != before {
			t.Fatalf("another goroutine runs at %d, want %d", n, before)
		}
	}
}
