package moonshine

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"

	"throughline/transcribe/onnx"
	"throughline/transcribe/speech"
)

// The shape of the tiny model (Jeffries et al. 2024, "Moonshine: Speech
// Recognition for Live Transcription and Voice Commands").
const (
	layers     = 6
	heads      = 8
	headDim    = 36
	width      = 288
	vocabulary = 32768

	beginToken = 1
	endToken   = 2
)

// Longest is the longest utterance, in samples, that is accepted. Attention
// grows with the square of the length, and read speech beyond 42 s was never
// measured.
const Longest = 60 * speech.Rate

// noSpeech is the probability of ending before the first word above which an
// utterance holds no speech. Eighteen of nineteen noise recordings give 0.985
// or more and no utterance of the development corpus gives more than 0.94.
// Below it, ending at once is forbidden, because the model also does so on
// quiet and on very short speech.
const noSpeech = 0.97

// What was said before helps nearly always, and misleads now and then: the model
// repeats it without end, stops at once, or goes on with a number when a
// sentence follows ("0005" for "I want my money back"). It is then less sure
// than misled, or gives fewer tokens than seconds, and the utterance is heard
// alone as well. Over 1,075 spoken words of digits and sentences in turn, 0.6
// takes the errors from 82 to 75 clean, 127 to 121 over µ-law and 138 to 135
// with 5 % loss, for a twentieth more audio heard; more gains nothing.
const misled = 0.6

// The most tokens that t seconds may give is ⌈tokensPerSecond·t⌉+spareTokens.
// Speech gives 4.0 a second at the median and 5.9 at the 95th percentile; the
// limit of 6 in the model's own package truncates fast talkers.
const (
	tokensPerSecond = 6.5
	spareTokens     = 8
)

// Files names the parts of the model on disk.
type Files struct {
	// Encoder and Decoder are encoder_model.onnx and decoder_model_merged.onnx
	// of the quantised tiny model.
	Encoder, Decoder string

	// Vocabulary is moonshine.min.js, or any file that holds the LLaMA
	// vocabulary in the same base64 form.
	Vocabulary string

	// Cache is the folder for the edited networks; empty means the folder of
	// the decoder.
	Cache string
}

// Config says how to run the model. Only Files is needed.
type Config struct {
	Files Files

	// Concurrency is the most utterances in work at once; others wait. Zero
	// means one for each processor.
	Concurrency int
}

// Recogniser is a loaded model. It is safe for use by many goroutines, which
// share its weights and compute each on its own thread.
type Recogniser struct {
	encoder, first, next *onnx.Session
	pieces               pieces
	foreign              []bool // by token: never taken
	slots                chan struct{}
}

// Open loads the model. The first time it also writes the edited networks,
// which takes about a second.
func Open(rt *onnx.Runtime, cfg Config) (*Recogniser, error) {
	return open(rt, cfg, signedWeights())
}

func open(rt *onnx.Runtime, cfg Config, signed bool) (*Recogniser, error) {
	n := cfg.Concurrency
	if n <= 0 {
		n = runtime.GOMAXPROCS(0)
	}
	p, err := readPieces(cfg.Files.Vocabulary)
	if err != nil {
		return nil, err
	}
	networks, err := prepare(cfg.Files, signed)
	if err != nil {
		return nil, err
	}
	r := &Recogniser{pieces: p, foreign: p.foreign(), slots: make(chan struct{}, n)}
	var errs [3]error
	r.encoder, errs[0] = rt.Open(networks.encoder, []string{"input_values"}, []string{"last_hidden_state"})
	r.first, errs[1] = rt.Open(networks.first, []string{"input_ids", "encoder_hidden_states"}, firstOutputs())
	r.next, errs[2] = rt.Open(networks.next, append([]string{"input_ids"}, nextInputs()...), nextOutputs())
	if err := errors.Join(errs[:]...); err != nil {
		return nil, errors.Join(fmt.Errorf("load moonshine: %w", err), r.Close())
	}
	return r, nil
}

// Close frees the model. No recognition may be in progress.
func (r *Recogniser) Close() error {
	var errs []error
	for _, s := range []*onnx.Session{r.encoder, r.first, r.next} {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	return errors.Join(errs...)
}

// Recognise implements speech.Recogniser. It returns no words with times: the
// model has none to give.
func (r *Recogniser) Recognise(ctx context.Context, pcm []float32, opts speech.Options) (speech.Result, error) {
	if len(pcm) == 0 {
		return speech.Result{NoSpeech: true}, nil
	}
	if len(pcm) > Longest {
		return speech.Result{}, fmt.Errorf("%w: utterance of %d samples, at most %d", speech.ErrPermanent, len(pcm), Longest)
	}
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return speech.Result{}, ctx.Err()
	}
	res, full, err := r.hear(ctx, pcm, opts)
	seconds := float64(len(pcm)) / speech.Rate
	if err != nil || opts.Before == nil || !full && res.Confidence >= misled && float64(len(res.Tokens)) >= seconds {
		return res, err
	}
	opts.Before = nil
	own, _, err := r.hear(ctx, pcm, opts)
	sure := res.Confidence
	if res.NoSpeech {
		sure = misled // words that are in doubt alone, and none in context, are noise
	}
	if err == nil && !full && sure > own.Confidence {
		return res, nil
	}
	return own, err
}

// hear recognises one utterance. It reports whether the tokens ran out.
func (r *Recogniser) hear(ctx context.Context, pcm []float32, opts speech.Options) (res speech.Result, full bool, err error) {
	d := decoding{model: r, limit: int(math.Ceil(tokensPerSecond*float64(len(pcm))/speech.Rate)) + spareTokens}
	defer d.release()
	parts := [][]float32{pcm}
	if opts.Before != nil && len(opts.Before.PCM)+len(pcm) <= Longest {
		parts = [][]float32{opts.Before.PCM, pcm}
		d.before = opts.Before.Tokens
	}
	if err := d.listen(level(parts...)); err != nil {
		return res, false, fmt.Errorf("encode speech: %w", err)
	}
	done, err := d.start(opts.Draft)
	for err == nil && !done {
		if err = ctx.Err(); err == nil {
			done, err = d.step()
		}
	}
	if err != nil {
		return res, false, fmt.Errorf("decode speech: %w", err)
	}
	full = len(d.tokens) >= d.limit
	text := r.pieces.text(d.tokens)
	if d.before != nil {
		// The sentence before was left open: ", four, five."
		text = strings.TrimLeft(text, " ,.;:!?-")
	}
	if text == "" {
		return speech.Result{NoSpeech: true}, full, nil
	}
	return speech.Result{Text: text, Confidence: d.confidence(), Tokens: d.tokens}, full, nil
}
