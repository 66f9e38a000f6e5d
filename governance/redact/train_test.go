package redact

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"flag"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var train = flag.Bool("train", false, "train the tagger on the development files, report by folds of templates, write tagger.gz")

type example struct {
	t    text
	gold []int
	fold int
}

var slot = regexp.MustCompile(`\{\{.*?\}\}|\W`)

func examples(all []labelled) []example {
	var out []example
	for _, l := range all {
		runes := []rune(l.Text)
		offset := make([]int, len(runes)+1)
		for i, n := 0, 0; i < len(runes); i++ {
			n += len(string(runes[i]))
			offset[i+1] = n
		}
		t := scan(l.Text, nil)
		e := example{t: t, gold: make([]int, len(t.tokens))}
		for _, s := range l.Spans {
			for k, tp := range tagged {
				if tp != ours(s.Type) {
					continue
				}
				begun := false
				for i, tok := range t.tokens {
					if tok.start < offset[s.End] && tok.end > offset[s.Start] {
						e.gold[i] = 2*k + 1
						if begun {
							e.gold[i]++
						}
						begun = true
					}
				}
			}
		}
		// A template and its variants share their words outside the slots.
		h := fnv.New32a()
		h.Write([]byte(strings.ToLower(slot.ReplaceAllString(l.Masked, ""))))
		e.fold = int(h.Sum32() % 5)
		out = append(out, e)
	}
	return out
}

const (
	rounds                 = 8
	fills                  = 25
	contextFrom, contextTo = 8, 15 // the features that name neighbouring words
	blindness              = 0.25  // of training sentences in which they are hidden
)

// learn is the averaged perceptron.
func learn(set []example, rounds int) *weights {
	type cell struct{ now, sum float64 }
	row := make([][tags]cell, rows)
	var next [tags + 1][tags]cell
	rng := rand.New(rand.NewPCG(1, 2))
	step := 0.0
	for range rounds {
		for _, k := range rng.Perm(len(set)) {
			e := set[k]
			step++
			f := newFeatures(&e.t)
			scores := make([][tags]float64, len(e.gold))
			blind := rng.Float64() < blindness
			rowsOf := make([][]uint32, len(e.gold))
			for i := range scores {
				// Some features are hidden in each round, so that a name's own
				// letters and the template around it must both learn to speak.
				for n, h := range f.of(i) {
					if ctx := n >= contextFrom && n < contextTo; rng.IntN(6) > 0 && !(ctx && blind) {
						rowsOf[i] = append(rowsOf[i], h)
					}
				}
				for k := range tags {
					if e.t.barred(i, k) {
						scores[i][k] = impossible
					}
				}
				for _, h := range rowsOf[i] {
					for k := range tags {
						scores[i][k] += row[h][k].now
					}
				}
			}
			got := viterbi(scores, func(a, b int) float64 { return next[a][b].now })
			bump := func(c *cell, d float64) { c.now += d; c.sum += d * step }
			for i := range got {
				pg, pb := tags, tags
				if i > 0 {
					pg, pb = e.gold[i-1], got[i-1]
				}
				if got[i] != e.gold[i] {
					for _, h := range rowsOf[i] {
						bump(&row[h][e.gold[i]], 1)
						bump(&row[h][got[i]], -1)
					}
				}
				if got[i] != e.gold[i] || pg != pb {
					bump(&next[pg][e.gold[i]], 1)
					bump(&next[pb][got[i]], -1)
				}
			}
		}
	}
	m := new(weights)
	top := 0.0
	mean := func(c cell) float64 { return c.now - c.sum/(step+1) }
	for i := range row {
		for k := range tags {
			top = max(top, mean(row[i][k]), -mean(row[i][k]))
		}
	}
	for i := range next {
		for k := range tags {
			top = max(top, mean(next[i][k]), -mean(next[i][k]))
		}
	}
	// Rounding to eight bits; what is out of reach of a byte is cut off.
	scale := 127 / (top * 0.7)
	round := func(c cell) int8 { return int8(max(-127, min(127, mean(c)*scale))) }
	for i := range row {
		for k := range tags {
			m.row[i][k] = round(row[i][k])
		}
	}
	for i := range next {
		for k := range tags {
			m.next[i][k] = round(next[i][k])
		}
	}
	return m
}

// plainly are questions of bank customers that name nobody (Banking77, CC BY
// 4.0): they teach the tagger ordinary words.
func plainly(t testing.TB) []labelled {
	f, err := os.Open(filepath.Join(dataDir(t, "banking77"), "train.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []labelled
	for i := 1; i < len(rows); i += 6 {
		out = append(out, labelled{Text: rows[i][0]})
	}
	return out
}

func TestTrain(t *testing.T) {
	if !*train {
		t.Skip("only with -train")
	}
	all := presidio(t)
	set, ordinary := examples(all), examples(plainly(t))
	quiet := func(labelled, string, Type, string) {}
	if os.Getenv("SHOW") != "" {
		quiet = func(l labelled, kind string, tp Type, text string) {
			if os.Getenv("SHOW") == string(tp) || os.Getenv("SHOW") == "*" {
				t.Logf("%s %s %q in %q", kind, tp, text, l.Text)
			}
		}
	}
	old := model
	defer func() { model = old }()
	counts := map[Type]tally{}
	for fold := range 5 {
		var learnt []example
		var held, seen []labelled
		for i, e := range set {
			if e.fold == fold {
				held = append(held, all[i])
			} else {
				learnt = append(learnt, e)
				seen = append(seen, all[i])
			}
		}
		learnt = append(learnt, examples(fill(seen, rand.New(rand.NewPCG(3, 4)), fills))...)
		learnt = append(learnt, ordinary...)
		m := learn(learnt, rounds)
		model = func() *weights { return m }
		for tp, c := range score(held, quiet) {
			d := counts[tp]
			counts[tp] = tally{c.hit + d.hit, c.missed + d.missed, c.wrong + d.wrong}
		}
	}
	var sum tally
	for tp, c := range counts {
		t.Logf("%-14s n %4d  precision %.3f  recall %.3f  F1 %.3f", tp, c.hit+c.missed, c.precision(), c.recall(), c.f1())
		if tp == byCharacter {
			continue
		}
		sum.hit, sum.missed, sum.wrong = sum.hit+c.hit, sum.missed+c.missed, sum.wrong+c.wrong
	}
	t.Logf("templates held out: precision %.3f  recall %.3f  F1 %.3f", sum.precision(), sum.recall(), sum.f1())

	set = append(set, examples(fill(all, rand.New(rand.NewPCG(3, 4)), fills))...)
	set = append(set, ordinary...)
	m := learn(set, rounds)
	var raw []byte
	for i := range m.row {
		for k := range tags {
			raw = append(raw, byte(m.row[i][k]))
		}
	}
	for i := range m.next {
		for k := range tags {
			raw = append(raw, byte(m.next[i][k]))
		}
	}
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if _, err := z.Write(raw); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("tagger.gz", b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Logf("tagger.gz: %d bytes", b.Len())
}
