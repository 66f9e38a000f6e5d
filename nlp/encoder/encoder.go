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
func Inputs() []string  { return []string{"input_ids", "positions", "blocks"} }
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
	if _, err := r.pass("ok", nil); err != nil {
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
func (r *Reader) Read(ctx context.Context, text string, clauses ...string) (nlp.Reading, error) {
	reading, err := r.beside.Read(ctx, text, clauses...)
	if err != nil || len(reading.Vector.Value) == 0 {
		return reading, err
	}
	english := reading.Language == "" || reading.Language == "en"
	if !english && reading.Sentiment == nil {
		r.join(&reading, nil)
		return reading, nil
	}
	if !english {
		clauses = nil
	}
	p, err := r.pass(text, clauses)
	if err != nil {
		return nlp.Reading{}, fmt.Errorf("encode text: %w", err)
	}
	share := foreignShare
	if english {
		share = englishShare
		reading.Emotions, reading.Thresholds = emotions(p.emotions, reading.Emotions), r.thresholds
	} else {
		p.embeddings = nil
	}
	s := sentiment(p.sentiment, reading.Sentiment, share)
	reading.Sentiment = &s
	r.join(&reading, p.embeddings)
	return reading, nil
}

// join sets the embeddings of a text and its clauses, where there are any, before
// the other reader's vectors.
func (r *Reader) join(reading *nlp.Reading, embeddings [][]float32) {
	one := func(i int, words linear.Vector) linear.Vector {
		if len(words.Value) == 0 {
			return words // punctuation alone
		}
		var own linear.Vector
		if i < len(embeddings) {
			own.Value = embeddings[i]
		}
		return own.Joined(uint32(r.settings.Embedding), words, besideShare)
	}
	reading.Vector = one(0, reading.Vector)
	for i, words := range reading.Clauses {
		reading.Clauses[i] = one(i+1, words)
	}
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
