package encoder

import (
	"context"
	_ "embed"
	"fmt"
	"math"

	ort "github.com/yalue/onnxruntime_go"
	"gonum.org/v1/gonum/floats"

	"throughline/event"
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

// Reader reads with the encoder and another reader together. It is safe for
// concurrent use.
type Reader struct {
	session  Session
	tokens   *Tokeniser
	settings settings
	// thresholds are the settings' From, in their order.
	thresholds []float64
	beside     nlp.Reader
}

// Open makes a reader of a session over Network. beside, which costs little,
// tells the languages, has a say in every figure, and adds its vector to the
// encoder's. Open runs the network once, so that a wrong one is found at the start.
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
	for _, e := range s.Emotions {
		r.thresholds = append(r.thresholds, e.From)
	}
	if _, err := r.pass("ok"); err != nil {
		return nil, fmt.Errorf("open encoder: %w", err)
	}
	return r, nil
}

// Name is "encoder" and the version of the network.
func (r *Reader) Name() string { return "encoder-" + r.settings.Version }

// How the two readers share. Measured on development data: together they are
// right more often than either alone, in every language (README.md).
const (
	// besideShare is the length of the other reader's vector where the encoder's
	// is 1. Words tell apart what the encoder takes for the same.
	besideShare = 0.75
	// What share of a log-probability comes from the encoder.
	englishShare = 0.8
	foreignShare = 0.6
	emotionShare = 0.7
)

// Read understands one text. In English its Vector holds the encoder's embedding
// and behind it the other reader's vector. In other languages it holds only the
// latter: the encoder would set foreign words anywhere among the meanings. Where
// the other reader finds nothing to read, or a language it does not know, its
// answer stands.
func (r *Reader) Read(ctx context.Context, text string) (nlp.Reading, error) {
	reading, err := r.beside.Read(ctx, text)
	if err != nil || len(reading.Vector.Value) == 0 {
		return reading, err
	}
	words, width := reading.Vector, uint32(r.settings.Embedding)
	english := reading.Language == "" || reading.Language == "en"
	reading.Vector = linear.Vector{}.Joined(width, words, besideShare)
	if !english && reading.Sentiment == nil {
		return reading, nil
	}
	p, err := r.pass(text)
	if err != nil {
		return nlp.Reading{}, fmt.Errorf("encode text: %w", err)
	}
	share := foreignShare
	if english {
		share = englishShare
		reading.Emotions, reading.Thresholds = emotions(p.emotions, reading.Emotions), r.thresholds
		reading.Vector = linear.Vector{Value: p.embedding}.Joined(width, words, besideShare)
	}
	s := sentiment(p.sentiment, reading.Sentiment, share)
	reading.Sentiment = &s
	return reading, nil
}

// sentiment weighs the encoder's scores and another opinion, if there is one:
// a logarithmic pool (Genest and Zidek, Combining Probability Distributions,
// Statistical Science 1986, §3). On held-out rows its log loss is no higher than
// that of the better of the two.
func sentiment(own []float64, other *event.Sentiment, share float64) event.Sentiment {
	if other != nil {
		all := floats.LogSumExp(own)
		for i, p := range [3]float64{other.Negative, other.Neutral, other.Positive} {
			own[i] = share*(own[i]-all) + (1-share)*math.Log(max(p, least))
		}
	}
	linear.Softmax(own)
	return nlp.SentimentOf(own[0], own[1], own[2])
}

// emotions weighs scores of the encoder and probabilities of the other reader.
func emotions(own, other []float64) []float64 {
	for i := range own {
		if len(other) == len(own) {
			p := min(max(other[i], least), 1-least)
			own[i] = emotionShare*own[i] + (1-emotionShare)*math.Log(p/(1-p))
		}
		own[i] = linear.Sigmoid(own[i])
	}
	return own
}

// least is the smallest probability whose logarithm counts.
const least = 1e-7

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
