package encoder

import (
	"context"
	_ "embed"
	"fmt"

	ort "github.com/yalue/onnxruntime_go"

	"throughline/nlp"
	"throughline/nlp/linear"
)

// Session is an opened network: transcribe/onnx has one. It must be safe for
// concurrent use, and answers with one value for each of Outputs.
type Session interface {
	Run(inputs ...ort.Value) ([]ort.Value, error)
}

//go:embed model/encoder.int8.onnx
var network []byte

//go:embed model/vocab.txt
var vocabulary string

//go:embed model/encoder.json
var settingsFile []byte

// Network is the shipped network in ONNX format, not to be changed.
func Network() []byte { return network }

// Inputs and Outputs are the names a session must be opened with, in this order.
func Inputs() []string  { return []string{"input_ids", "attention_mask"} }
func Outputs() []string { return []string{"embedding", "sentiment", "emotions"} }

// Reader reads English with the encoder, and leaves the rest to another reader.
// It is safe for concurrent use.
type Reader struct {
	session  Session
	tokens   *Tokeniser
	settings settings
	beside   nlp.Reader
}

// Open makes a reader of a session over Network. beside tells the languages,
// reads those that are not English and adds its vector to the encoder's. Open
// runs the network once, so that a wrong one is found at the start.
func Open(session Session, beside nlp.Reader) (*Reader, error) {
	s, err := parseSettings(settingsFile)
	if err != nil {
		return nil, fmt.Errorf("open encoder: %w", err)
	}
	tokens, err := NewTokeniser(vocabulary)
	if err != nil {
		return nil, fmt.Errorf("open encoder: %w", err)
	}
	r := &Reader{session: session, tokens: tokens, settings: s, beside: beside}
	if _, err := r.pass("ok"); err != nil {
		return nil, fmt.Errorf("open encoder: %w", err)
	}
	return r, nil
}

// Name is "encoder" and the version of the network.
func (r *Reader) Name() string { return "encoder-" + r.settings.Version }

// besideShare is the length of the other reader's vector, where the encoder's
// is 1. Words tell apart what the encoder takes for the same, such as two
// products; docs/accuracy.md says what it gives.
const besideShare = 0.5

// Read understands one text. Its Vector holds the encoder's embedding, and
// behind it the other reader's vector; only the latter for languages that the
// encoder was not taught, so that heads know their own words at least.
func (r *Reader) Read(ctx context.Context, text string) (nlp.Reading, error) {
	reading, err := r.beside.Read(ctx, text)
	if err != nil || len(reading.Vector.Value) == 0 {
		return reading, err
	}
	words, width := reading.Vector, uint32(r.settings.Embedding)
	if reading.Language != "" && reading.Language != "en" {
		reading.Vector = linear.Vector{}.Joined(width, words, 1)
		return reading, nil
	}
	p, err := r.pass(text)
	if err != nil {
		return nlp.Reading{}, fmt.Errorf("encode text: %w", err)
	}
	linear.Softmax(p.sentiment)
	s := nlp.SentimentOf(p.sentiment[0], p.sentiment[1], p.sentiment[2])
	reading.Sentiment = &s
	for i := range p.emotions {
		p.emotions[i] = linear.Sigmoid(p.emotions[i])
	}
	reading.Emotions = p.emotions
	reading.Vector = linear.Vector{Value: p.embedding}.Joined(width, words, besideShare)
	return reading, nil
}

// Embed gives the Vector of Read. It costs as much: the network computes
// everything in one pass.
func (r *Reader) Embed(ctx context.Context, text string) (linear.Vector, error) {
	reading, err := r.Read(ctx, text)
	return reading.Vector, err
}

// scores are what the network gives for one text, before they are probabilities.
type scores struct {
	embedding           []float32
	sentiment, emotions []float64
}

// pass runs the network on one text. Texts never share a run: a dynamically
// quantised network takes its scale from the whole batch, so that company would
// change a text's figures, and on one core a batch is hardly faster.
func (r *Reader) pass(text string) (scores, error) {
	ids := r.tokens.IDs(text, r.settings.MaxTokens)
	mask := make([]int64, len(ids))
	for i := range mask {
		mask[i] = 1
	}
	shape := ort.NewShape(1, int64(len(ids)))
	words, err := ort.NewTensor(shape, ids)
	if err != nil {
		return scores{}, fmt.Errorf("input tensor: %w", err)
	}
	defer words.Destroy()
	seen, err := ort.NewTensor(shape, mask)
	if err != nil {
		return scores{}, fmt.Errorf("input tensor: %w", err)
	}
	defer seen.Destroy()
	out, err := r.session.Run(words, seen)
	if err != nil {
		return scores{}, err
	}
	defer func() {
		for _, v := range out {
			v.Destroy()
		}
	}()
	sizes := []int{r.settings.Embedding, len(r.settings.Sentiment), len(r.settings.Emotions)}
	if len(out) != len(sizes) {
		return scores{}, fmt.Errorf("read outputs: %d given, %d needed", len(out), len(sizes))
	}
	var got [3][]float32
	for i, v := range out {
		t, ok := v.(*ort.Tensor[float32])
		if !ok || len(t.GetData()) != sizes[i] {
			return scores{}, fmt.Errorf("read outputs: %s is not %d floats", Outputs()[i], sizes[i])
		}
		got[i] = t.GetData()
	}
	// The tensors' memory is the library's: what is kept must be copied.
	return scores{append([]float32(nil), got[0]...), widen(got[1]), widen(got[2])}, nil
}

func widen(x []float32) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}
