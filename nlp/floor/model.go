package floor

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"sync"

	"throughline/event"
	"throughline/nlp"
	"throughline/nlp/linear"
)

// Version of the shipped model files. It changes with every rebuild.
const Version = "2"

//go:embed model/sentiment.bin
var sentimentFile string

//go:embed model/emotion.bin
var emotionFile string

//go:embed model/language.bin
var languageFile string

//go:embed model/rarity.bin
var rarityFile string

// thresholdsFile holds, for each emotion, the probability from which reporting it
// has the best F1 on GoEmotions' development rows (throughline eval emotion prints
// them); a tenth at least, because the rarest are hardly ever right.
//
//go:embed model/thresholds.json
var thresholdsFile []byte

// Model is the opened set of linear models. It is safe for concurrent use.
type Model struct {
	sentiment, emotion, language, rarity table
	thresholds                           []float64 // of emotion's names
	pool                                 sync.Pool
}

// Open reads the models inside the binary. It takes microseconds: they are used
// where they lie.
func Open() (*Model, error) {
	m := &Model{pool: sync.Pool{New: func() any { return new(work) }}}
	for _, f := range []struct {
		name string
		file string
		into *table
	}{{"sentiment", sentimentFile, &m.sentiment}, {"emotion", emotionFile, &m.emotion},
		{"language", languageFile, &m.language}, {"rarity", rarityFile, &m.rarity}} {
		t, err := parse(f.file)
		if err != nil {
			return nil, fmt.Errorf("open %s model: %w", f.name, err)
		}
		*f.into = t
	}
	var from map[string]float64
	if err := json.Unmarshal(thresholdsFile, &from); err != nil {
		return nil, fmt.Errorf("open emotion thresholds: %w", err)
	}
	for _, name := range m.emotion.names {
		at, ok := from[name]
		if !ok {
			return nil, fmt.Errorf("open emotion thresholds: none for %s", name)
		}
		m.thresholds = append(m.thresholds, at)
	}
	return m, nil
}

// Name is "floor" and the version.
func (m *Model) Name() string { return "floor-" + Version }

// work is what one reading needs, reused.
type work struct {
	scan     scan
	features []uint32
	scores   [64]float64
}

// Read understands one text. Sentiment and emotions are absent where there is
// nothing to read, or where the language was never shown to the models and no
// emoji speaks for it.
func (m *Model) Read(_ context.Context, text string, clauses ...string) (nlp.Reading, error) {
	w := m.pool.Get().(*work)
	defer m.pool.Put(w)
	r := m.read(w, text)
	for _, c := range clauses {
		w.scan.read(c)
		r.Clauses = append(r.Clauses, m.vector(w))
	}
	return r, nil
}

func (m *Model) read(w *work, text string) nlp.Reading {
	w.scan.read(text)
	r := nlp.Reading{Language: m.tongue(w, text)}
	if len(w.scan.tokens) == 0 {
		return r
	}
	if w.scan.words == 0 && !w.scan.feels() {
		return r
	}
	r.Vector = m.vector(w)
	if r.Language != "" && !m.knows(r.Language) && !w.scan.feels() {
		return r
	}
	w.features = w.scan.mood(w.features[:0])
	s := m.mood(w)
	r.Sentiment = &s
	k := len(m.emotion.names)
	m.emotion.scores(w.features, w.scores[:k])
	r.Emotions = make([]float64, k)
	for i, score := range w.scores[:k] {
		r.Emotions[i] = linear.Sigmoid(score)
	}
	r.Thresholds = m.thresholds
	return r
}

// Sentiment of a text alone, without allocation; false where there is nothing to read.
func (m *Model) Sentiment(text string) (event.Sentiment, bool) {
	w := m.pool.Get().(*work)
	defer m.pool.Put(w)
	w.scan.read(text)
	if len(w.scan.tokens) == 0 {
		return event.Sentiment{}, false
	}
	w.features = w.scan.mood(w.features[:0])
	return m.mood(w), true
}

// Embed gives the vector that intent heads are fitted on: rare features weigh
// more than common ones, and the whole has length 1.
func (m *Model) Embed(_ context.Context, text string) (linear.Vector, error) {
	w := m.pool.Get().(*work)
	defer m.pool.Put(w)
	w.scan.read(text)
	return m.vector(w), nil
}

func (m *Model) vector(w *work) linear.Vector {
	if w.scan.words == 0 && !w.scan.feels() {
		return linear.Vector{} // punctuation alone
	}
	w.features = w.scan.topic(w.features[:0])
	step, base := m.rarity.scales[0], m.rarity.biases[0]
	return linear.Collect(w.features, func(at uint32, count int) float32 {
		rare := base + step*float32(int8(m.rarity.weights[at&(m.rarity.width-1)]))
		if count > 1 {
			rare *= 1 + float32(math.Log(float64(count)))
		}
		return rare
	}).Unit()
}

func (m *Model) mood(w *work) event.Sentiment {
	p := w.scores[:3]
	m.sentiment.scores(w.features, p)
	linear.Softmax(p)
	return nlp.SentimentOf(p[0], p[1], p[2])
}

// feels tells whether emoji or emoticons are among the tokens.
func (s *scan) feels() bool {
	for _, t := range s.tokens {
		if t.kind == symbol {
			return true
		}
	}
	return false
}
