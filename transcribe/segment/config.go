package segment

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"time"

	"throughline/transcribe/speech"
	"throughline/transcribe/vad"
)

// A Detector gives the probability of speech in one frame of each of several
// legs; *vad.Detector is one.
type Detector interface {
	Detect(legs []*vad.Leg, frames, probabilities []float32) error
}

// A Recogniser turns an utterance into text; see speech.Recogniser.
type Recogniser interface {
	Recognise(ctx context.Context, pcm []float32, opts speech.Options) (speech.Result, error)
}

// A Corrector puts names and products right in a transcript. It may replace
// several words by one.
type Corrector interface {
	Correct(words []speech.Word) []speech.Word
}

// Defaults of Config.
const (
	DefaultTimeout = 30 * time.Second
	DefaultGiveUp  = 10 * time.Minute
)

// Config assembles an Engine. Recogniser and Detector are needed; the zero
// value of the rest works.
type Config struct {
	Recogniser Recogniser
	Detector   Detector

	// Workers is how many utterances are recognised at once. Zero means one for
	// each processor, right for a recogniser on this machine; a remote one may
	// want more.
	Workers int

	// Listeners is how many goroutines run the detector. Zero means one for
	// each eight processors: one keeps up with some 800 legs.
	Listeners int

	// Speculate recognises an utterance as soon as the speaker is silent for
	// 0.2 s, in the hope that the silence lasts. It takes 0.1 to 0.2 s off the
	// wait for a final and costs what each wrong guess costs. Under load no
	// guesses are made.
	Speculate bool

	// Context recognises a brief utterance together with the one before it, and
	// after it. It is for a recogniser that takes speech.Options.Before; another
	// would wait for nothing.
	Context bool

	// Timeout bounds one call of the recogniser, zero meaning DefaultTimeout.
	Timeout time.Duration

	// GiveUp is for how long a failing recogniser is asked again for the same
	// final before the final is told with its error, zero meaning
	// DefaultGiveUp. While it fails, legs that are full make their writers
	// wait.
	GiveUp time.Duration

	// Log tells of a recogniser that fails and recovers; nil means
	// slog.Default.
	Log *slog.Logger
}

var (
	errNoRecogniser = errors.New("segment config: Recogniser is nil; set the recogniser to use")
	errNoDetector   = errors.New("segment config: Detector is nil; set the voice-activity detector to use")
)

// complete checks c and fills in the defaults.
func (c Config) complete() (Config, error) {
	if c.Recogniser == nil {
		return c, errNoRecogniser
	}
	if c.Detector == nil {
		return c, errNoDetector
	}
	if c.Workers <= 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	if c.Listeners <= 0 {
		c.Listeners = max(1, runtime.GOMAXPROCS(0)/8)
	}
	if c.Timeout <= 0 {
		c.Timeout = DefaultTimeout
	}
	if c.GiveUp <= 0 {
		c.GiveUp = DefaultGiveUp
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c, nil
}

// LegConfig describes one leg. Emit is needed.
type LegConfig struct {
	// Emit receives the leg's events in order, one at a time. It is called on a
	// goroutine of the engine, so it should hand on and return; it may not call
	// the leg.
	Emit func(speech.Event)

	// Partials asks for partial transcripts. They are thinned under load.
	Partials bool

	// Start is the offset of the first sample written, for a leg that is taken
	// up in the middle.
	Start time.Duration

	// Corrector, when set, passes over every transcript.
	Corrector Corrector

	// Hints go to recognisers that take them.
	Hints []string
}
