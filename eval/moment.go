package eval

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"gonum.org/v1/gonum/stat"

	"throughline/event"
	"throughline/journey"
	"throughline/journey/score"
	"throughline/nlp"
	"throughline/nlp/corpus"
	"throughline/nlp/intent"
	"throughline/nlp/linear"
)

// moment is a customer's turn in a dialogue, and how satisfied the customer was.
type moment struct {
	talk  int
	share []float32 // of the annotators, or the probability, for each level
	level int       // the most frequent
	// What was understood of the turn, of the answer before it, and of what came
	// before that; zero where there was none.
	own, answer, said, told nlp.Reading
	place                   int      // turns before it
	past                    []string // texts before it
	before, after           score.Vector
	shipped                 *event.Score // the product's predicted satisfaction, after what may be known
}

// low is the number of levels that count as unhappy: below the middle one.
func (m *moment) low() int { return len(m.share) / 2 }

func (m *moment) unhappy() bool { return m.level < m.low() }

// gloom is the probability of being unhappy.
func (m *moment) gloom(p []float64) float64 {
	sum := 0.0
	for _, v := range p[:m.low()] {
		sum += v
	}
	return sum
}

// whole is all that is known once the turn was said.
func (m *moment) whole() linear.Vector {
	v := m.context(m.after)
	block(&v, 1, m.own, 1)
	mood(&v, 64, m.own.Sentiment, m.own.Emotions)
	number(&v, 200, m.own.Vector.Cosine(m.said.Vector))
	number(&v, 201, m.own.Vector.Cosine(m.answer.Vector))
	return v
}

// earlier is what is known before the turn: the condition of the set's authors.
func (m *moment) earlier() linear.Vector { return m.context(m.before) }

func (m *moment) context(journey score.Vector) linear.Vector {
	var v linear.Vector
	block(&v, 2, m.answer, 1)
	block(&v, 3, m.said, 0.5)
	block(&v, 4, m.told, 0.5)
	mood(&v, 100, m.answer.Sentiment, m.answer.Emotions)
	mood(&v, 140, m.said.Sentiment, m.said.Emotions)
	for k, x := range journey {
		number(&v, uint32(k), x)
	}
	number(&v, 202, m.answer.Vector.Cosine(m.told.Vector))
	number(&v, 203, math.Log1p(float64(m.place))/4)
	return v
}

// words is a bag of the words before the turn, as counts.
func (m *moment) words() linear.Vector {
	var at []uint32
	for _, text := range m.past {
		for _, w := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return r < '0' || r > '9' && r < 'a' || r > 'z' && r < 0x80 }) {
			f := fnv.New32a()
			f.Write([]byte(w))
			at = append(at, f.Sum32())
		}
	}
	return linear.Collect(at, func(_ uint32, n int) float32 { return float32(n) })
}

// block adds the meaning of a turn, in positions of its own.
func block(v *linear.Vector, salt uint32, r nlp.Reading, share float32) {
	for i, x := range r.Vector.Value {
		v.Index = append(v.Index, r.Vector.At(i)*0x9E3779B1+salt*0x85EBCA6B)
		v.Value = append(v.Value, x*share)
	}
}

func mood(v *linear.Vector, from uint32, s *event.Sentiment, emotions []float64) {
	if s != nil {
		number(v, from, s.Score)
		number(v, from+1, s.Magnitude)
	}
	for k, p := range emotions {
		number(v, from+2+uint32(k), p)
	}
}

// number adds a figure that is not a word's.
func number(v *linear.Vector, at uint32, x float64) {
	v.Index = append(v.Index, at)
	v.Value = append(v.Value, float32(x))
}

// listener follows dialogues as the product does: nlp reads the turns, the
// journey is folded, the shipped scores are made.
type listener struct {
	mu     sync.Mutex
	reader nlp.Reader
	known  map[string]nlp.Reading
	model  *nlp.Model
	scores *score.Model
	talks  int
}

func newListener(ctx context.Context, reader nlp.Reader) (*listener, error) {
	l := &listener{reader: reader, known: make(map[string]nlp.Reading)}
	taxonomy, err := intent.Default()
	if err != nil {
		return nil, err
	}
	owned, err := intent.Own(ctx, taxonomy, reader, intent.Options{})
	if err != nil {
		return nil, err
	}
	l.model = nlp.New(nlp.Parts{Reader: l, Intents: owned})
	l.scores, err = score.Open(score.Config{})
	return l, err
}

// The listener is an nlp.Reader that reads each text once: dialogues repeat
// themselves.

func (l *listener) Name() string { return l.reader.Name() }

func (l *listener) Read(ctx context.Context, text string, _ ...string) (nlp.Reading, error) {
	l.mu.Lock()
	r, ok := l.known[text]
	l.mu.Unlock()
	if ok {
		return r, nil
	}
	r, err := l.reader.Read(ctx, text, intent.Clauses(text)...)
	if err != nil {
		return r, err
	}
	l.mu.Lock()
	l.known[text] = r
	l.mu.Unlock()
	return r, nil
}

func (l *listener) Embed(ctx context.Context, text string) (linear.Vector, error) {
	r, err := l.Read(ctx, text)
	return r.Vector, err
}

// judge tells how satisfied the customer was at turn k of a talk, read as given;
// false where nobody says.
type judge func(t *corpus.Talk, k int, r nlp.Reading) (share []float32, level int, ok bool)

// moments of talks, in their order.
func (l *listener) moments(ctx context.Context, talks []corpus.Talk, said judge) ([]moment, error) {
	of := make([][]moment, len(talks))
	err := each(len(talks), func(i int) (err error) {
		of[i], err = l.follow(ctx, &talks[i], said)
		return err
	})
	if err != nil {
		return nil, err
	}
	var all []moment
	for i, some := range of {
		for k := range some {
			some[k].talk = l.talks + i
		}
		all = append(all, some...)
	}
	l.talks += len(talks)
	return all, nil
}

func (l *listener) follow(ctx context.Context, t *corpus.Talk, said judge) ([]moment, error) {
	shard := journey.NewShard(journey.Config{})
	at := time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
	var out []moment
	var past []string
	var state event.Journey
	var now moment // what the next moment knows of before
	for k, s := range t.Spoken {
		r, err := l.Read(ctx, s.Text)
		if err != nil {
			return nil, err
		}
		turn := event.Turn{ID: fmt.Sprint("t", k), Customer: "c", Interaction: "i", Channel: event.WebChat, Role: event.Agent,
			Kind: event.Text, Text: s.Text, At: at.Add(time.Duration(k) * 20 * time.Second)}
		if s.Customer {
			turn.Role = event.Customer
		}
		before := state
		f, err := l.model.Features(ctx, turn, nlp.Before{})
		if err != nil {
			return nil, err
		}
		msgs, err := shard.Turn(ctx, f)
		if err != nil {
			return nil, err
		}
		for _, m := range msgs {
			if j, ok := m.Value.(event.Journey); ok {
				state = j
			}
		}
		if s.Customer {
			if share, level, ok := said(t, k, r); ok {
				m := now
				m.share, m.level, m.own, m.place, m.past = share, level, r, k, slices.Clone(past)
				m.before, m.after = score.Config{}.Features(&before), score.Config{}.Features(&state)
				known := &state
				if len(share) == 3 { // the turn itself is what is to be foreseen
					known = &before
				}
				m.shipped = l.scores.Score(known).Satisfaction
				out = append(out, m)
			}
			now.said = r
		} else {
			now.told, now.answer = now.answer, r
		}
		past = append(past, s.Text)
	}
	return out, nil
}

// byTalk are the positions of each dialogue's moments: moments of one dialogue
// are alike, and the bootstrap draws dialogues.
func byTalk(all []moment) [][]int {
	var out [][]int
	for i := range all {
		if i == 0 || all[i].talk != all[i-1].talk {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], i)
	}
	return out
}

func pick(rows []int, of func(i int) float64) []float64 {
	out := make([]float64, len(rows))
	for k, i := range rows {
		out[k] = of(i)
	}
	return out
}

// spearman is the correlation of ranks, where equals share the mean of their ranks.
func spearman(a, b []float64) float64 {
	rho := stat.Correlation(ranks(a), ranks(b), nil)
	if math.IsNaN(rho) { // one side is the same throughout
		return 0
	}
	return rho
}

func ranks(x []float64) []float64 {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(x[a], x[b]) })
	out := make([]float64, len(x))
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && x[order[j]] == x[order[i]] {
			j++
		}
		for k := i; k < j; k++ {
			out[order[k]] = float64(i+j-1) / 2
		}
		i = j
	}
	return out
}
