package speech

import (
	"context"
	"time"
)

// Rate is the sample rate, in hertz, of all audio that crosses this package.
const Rate = 16000

// A Recogniser turns one utterance into text.
//
// The samples are mono at Rate, nominally within [-1, 1], and are only read.
// Implementations are safe for use by many goroutines. An error that retrying
// cannot cure satisfies errors.Is(err, ErrPermanent).
type Recogniser interface {
	Recognise(ctx context.Context, pcm []float32, opts Options) (Result, error)
}

// Options steer one recognition. The zero value asks for the engine's most
// faithful result.
type Options struct {
	// Draft holds the Tokens of an earlier result for a shorter piece of the
	// same utterance. An engine may verify them instead of decoding anew, which
	// is cheaper and may change a comma or two: right for a partial, wrong for
	// a final.
	Draft []int64

	// Hints are names and products that the speaker may say. An engine that
	// accepts a prompt uses them; others ignore them.
	Hints []string

	// Before is what the same speaker said a moment earlier, or nil. An engine
	// may use it to understand the utterance; the result has the words of the
	// utterance alone.
	Before *Heard
}

// Heard is an utterance with what the engine made of it.
type Heard struct {
	PCM    []float32
	Text   string
	Tokens []int64
}

// Result is what an engine heard in one utterance.
type Result struct {
	// Text is the transcript, empty when NoSpeech is set.
	Text string

	// Words holds the words with their times measured from the start of the
	// samples. It is empty when the engine gives none.
	Words []Word

	// NoSpeech reports that the engine heard no words at all.
	NoSpeech bool

	// Confidence is the geometric mean of the token probabilities, in [0, 1];
	// zero means that the engine gave none. It orders results of one engine and
	// is not comparable between engines.
	Confidence float64

	// Tokens are the engine's own token numbers, meaningful to it alone.
	Tokens []int64
}

// Word is one word of a transcript with its place in time.
type Word struct {
	Text       string
	Start, End time.Duration

	// Confidence is the engine's probability for this word, or for the whole
	// utterance where it gives no more; zero when unknown.
	Confidence float64

	// Approximate is set when the times were spread over the voiced part of the
	// utterance instead of being measured by the engine. Such times are good
	// enough to mute a number, with a margin, or to place a word in a timeline;
	// they are not good enough for forced alignment.
	Approximate bool
}

// Kind names what happened on a leg.
type Kind string

// The kinds of event, in the order in which an utterance meets them.
const (
	// Started: the speaker began. Every Started is followed by one Ended.
	Started Kind = "started"
	// Partial: the utterance so far, superseded by the next event of its kind
	// or by the final.
	Partial Kind = "partial"
	// Ended: the speaker stopped. The final of what was said last follows.
	Ended Kind = "ended"
	// Final: the utterance is complete and will not change.
	Final Kind = "final"
)

// Event is one step in the life of a leg's speech. Events of a leg arrive in
// order and one at a time.
type Event struct {
	Kind Kind

	// Utterance numbers the utterances of a leg from zero. It is the same for
	// all partials of an utterance and its final.
	Utterance int

	// Start and End are offsets into the leg's audio. For a Partial, End is how
	// far the recogniser has listened; for Started and Ended both hold the
	// moment.
	Start, End time.Duration

	// Stable is the part of a partial that two successive hypotheses agree on;
	// Tail may still change. Shown together they are the utterance so far.
	Stable, Tail string

	// Text, Words, Confidence and NoSpeech belong to a Final.
	Text       string
	Words      []Word
	Confidence float64
	NoSpeech   bool

	// Cut is set on a Final that ends where the longest allowed utterance ended
	// and not at a pause: the same sentence goes on in the next one, which has
	// no Started of its own.
	Cut bool

	// Err is set on a Final that could not be recognised. Text is then empty,
	// and what was said is lost.
	Err error
}
