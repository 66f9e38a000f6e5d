package eval

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"path/filepath"
	"slices"

	"throughline/nlp"
	"throughline/nlp/corpus"
	"throughline/nlp/linear"
)

// satisfaction scores how well a customer's satisfaction is foreseen. On uss
// people rated it at each of the customer's turns; on twacs nobody did, and the
// feeling of the customer's last words, as the sentiment model reads them, stands
// for it and is foreseen from all that came before: a silver label.
//
// A softmax regression over what nlp makes of the last turns, and over the
// features of the journey, is fitted to --data alone. Beside it the shipped
// satisfaction, fitted to neither set, is ranked where it says something
// (spearman_shipped), and a bag of the words before, the simplest baseline of the
// set's authors (…_words).
func (h Harness) satisfaction(ctx context.Context, q request) (Result, error) {
	reader, err := h.reader(q)
	if err != nil {
		return Result{}, err
	}
	listener, err := newListener(ctx, reader)
	if err != nil {
		return Result{}, err
	}
	views := []view{{"", (*moment).whole}, {"_before", (*moment).earlier}, {"_words", (*moment).words}}
	moments := rated
	if q.set == "twacs" {
		views = []view{{"", (*moment).earlier}, {"_words", (*moment).words}}
		moments = lastWords
	}
	train, test, err := moments(ctx, q, listener)
	if err != nil {
		return Result{}, err
	}
	if len(train) == 0 || len(test) == 0 {
		return Result{}, fmt.Errorf("%d moments to fit and %d to score; want some of both", len(train), len(test))
	}
	r := Result{N: len(test)}
	answers := make(map[string]foresight)
	for _, v := range views {
		if answers[v.suffix], err = foresee(ctx, train, test, v.of); err != nil {
			return Result{}, err
		}
	}
	talks := byTalk(test)
	r.Metrics, r.CI = intervals(len(talks), func(drawn []int) map[string]float64 {
		var rows []int
		for _, t := range drawn {
			rows = append(rows, talks[t]...)
		}
		out := make(map[string]float64)
		truth := pick(rows, func(i int) float64 { return float64(test[i].level) })
		for suffix, a := range answers {
			out["spearman"+suffix] = spearman(pick(rows, func(i int) float64 { return a.expected[i] }), truth)
			var unhappy count
			levels := make([]int, len(test))
			for _, i := range rows {
				unhappy = unhappy.tally(test[i].unhappy(), a.unhappy[i])
				levels[i] = test[i].level
			}
			out["f1"+suffix] = unhappy.f1()
			_, _, out["uar"+suffix] = single(rows, levels, a.level, len(test[0].share))
		}
		rows = slices.DeleteFunc(rows, func(i int) bool { return test[i].shipped == nil })
		out["spearman_shipped"] = spearman(pick(rows, func(i int) float64 { return test[i].shipped.Value }),
			pick(rows, func(i int) float64 { return float64(test[i].level) }))
		return out
	})
	return named(r, reader), nil
}

// view is a way of looking at a moment.
type view struct {
	suffix string
	of     func(m *moment) linear.Vector
}

// foresight is what a fitted view says of each test moment.
type foresight struct {
	expected []float64 // level
	level    []int     // the class, for the mean recall of classes
	unhappy  []bool    // the flag, for F1
}

// prior is how many rows the penalty of the weights counts as: the fewer rows
// there are, the more it has to say.
const prior = 0.5

// foresee fits a view to train and applies it to test. How strongly rare levels
// are favoured, and from which probability a customer is called unhappy, is
// decided on a fifth of train that a first fit did not see.
func foresee(ctx context.Context, train, test []moment, of func(m *moment) linear.Vector) (foresight, error) {
	var fitted, held []moment
	for _, m := range train {
		if m.talk%5 == 0 {
			held = append(held, m)
		} else {
			fitted = append(fitted, m)
		}
	}
	probabilities := func(from, to []moment) ([][]float64, error) {
		var rows []linear.Vector
		var targets [][]float32
		for i := range from {
			rows = append(rows, of(&from[i]))
			targets = append(targets, from[i].share)
		}
		for i := range to {
			rows = append(rows, of(&to[i]))
		}
		rows, width := packed(rows)
		r, err := linear.Regress(ctx, rows[:len(from)], targets, nil, width, len(targets[0]),
			linear.RegressOptions{Exclusive: true, Penalty: prior / float64(len(from)), Iterations: 60, History: 5})
		if err != nil {
			return nil, err
		}
		out := make([][]float64, len(to))
		for i := range to {
			out[i] = r.Scores(rows[len(from)+i])
			linear.Softmax(out[i])
		}
		return out, nil
	}
	trial, err := probabilities(fitted, held)
	if err != nil {
		return foresight{}, err
	}
	shares := make([]float64, len(train[0].share))
	for _, m := range fitted {
		shares[m.level] += 1 / float64(len(fitted))
	}
	favour, flag := 0.0, 0.5
	best, bestF1 := -1.0, -1.0
	rows, truth := make([]int, len(held)), make([]int, len(held))
	for i := range held {
		rows[i], truth[i] = i, held[i].level
	}
	for step := range 21 {
		tried := float64(step) / 20
		said := make([]int, len(held))
		for i := range held {
			said[i] = likeliest(trial[i], shares, tried)
		}
		if _, _, uar := single(rows, truth, said, len(shares)); uar > best {
			best, favour = uar, tried
		}
		var c count
		at := 0.02 + 0.03*float64(step)
		for i := range held {
			c = c.tally(held[i].unhappy(), held[i].gloom(trial[i]) >= at)
		}
		if f1 := c.f1(); f1 > bestF1 {
			bestF1, flag = f1, at
		}
	}
	final, err := probabilities(train, test)
	if err != nil {
		return foresight{}, err
	}
	var out foresight
	for i, p := range final {
		expected := 0.0
		for k := range p {
			expected += float64(k) * p[k]
		}
		out.expected = append(out.expected, expected)
		out.level = append(out.level, likeliest(p, shares, favour))
		out.unhappy = append(out.unhappy, test[i].gloom(p) >= flag)
	}
	return out, nil
}

// likeliest level where each probability is divided by the level's share of all
// rows, to the power of favour.
func likeliest(p, shares []float64, favour float64) int {
	best, most := 0, -1.0
	for k := range p {
		if v := p[k] / math.Pow(max(shares[k], 1e-3), favour); v > most {
			best, most = k, v
		}
	}
	return best
}

// rated are the rated turns of uss. Without a test folder a fifth of the
// dialogues, by hash, is scored.
func rated(ctx context.Context, q request, l *listener) (train, test []moment, err error) {
	read := func(folder string) ([]corpus.Talk, error) {
		files, err := filepath.Glob(filepath.Join(folder, "*.txt"))
		if err != nil || len(files) == 0 {
			return nil, fmt.Errorf("no *.txt in %s", folder)
		}
		var all []corpus.Talk
		for _, file := range files {
			talks, err := corpus.USS(file)
			if err != nil {
				return nil, err
			}
			all = append(all, talks...)
		}
		return all, nil
	}
	talks, err := read(q.data)
	if err != nil {
		return nil, nil, err
	}
	var learnt, asked []corpus.Talk
	if q.test != "" {
		learnt = talks
		if asked, err = read(q.test); err != nil {
			return nil, nil, err
		}
	} else {
		for _, t := range talks {
			if heldOut(t) {
				asked = append(asked, t)
			} else {
				learnt = append(learnt, t)
			}
		}
	}
	if train, err = l.moments(ctx, learnt, ratedAt); err != nil {
		return nil, nil, err
	}
	test, err = l.moments(ctx, asked, ratedAt)
	return train, test, err
}

// heldOut puts a fifth of the dialogues aside, by a hash of what was said first.
func heldOut(t corpus.Talk) bool {
	f := fnv.New32a()
	for _, s := range t.Spoken[:min(3, len(t.Spoken))] {
		f.Write([]byte(s.Text))
	}
	return f.Sum32()%5 == 0
}

// ratedAt gives the ratings of a turn as shares of five levels.
func ratedAt(t *corpus.Talk, k int, _ nlp.Reading) (share []float32, level int, ok bool) {
	ratings := t.Spoken[k].Ratings
	if len(ratings) == 0 {
		return nil, 0, false
	}
	share = make([]float32, 5)
	for _, r := range ratings {
		share[r-1] += 1 / float32(len(ratings))
	}
	return share, slices.Index(share, slices.Max(share)), true // of a tie the lower, as the set's authors do
}

// talksToLearn is how many unlabelled dialogues of twacs are learnt from.
const talksToLearn = 4000

// lastWords are the customers' last turns of twacs, which follow an answer.
// Without a test folder the labelled dialogues are few, and unlabelled ones that
// are not learnt from are scored with them.
func lastWords(ctx context.Context, q request, l *listener) (train, test []moment, err error) {
	file := filepath.Join(q.data, "labelled.dev.jsonl")
	if q.test != "" {
		file = filepath.Join(q.test, "labelled.heldout.jsonl")
	}
	asked, err := corpus.TwACS(file)
	if err != nil {
		return nil, nil, err
	}
	all, err := corpus.TwACS(filepath.Join(q.data, "airlines_unlabelled.dev.jsonl.gz"))
	if err != nil {
		return nil, nil, err
	}
	if q.test == "" {
		for i := 1; i < len(all); i += 25 {
			asked = append(asked, all[i])
		}
	}
	known := make(map[string]bool)
	for _, t := range asked {
		known[t.ID] = true
	}
	var learnt []corpus.Talk
	for i := 0; i < len(all) && len(learnt) < talksToLearn; i += 5 { // spread over the years
		if t := all[i]; !known[t.ID] && answeredLast(&t) > 0 {
			learnt = append(learnt, t)
		}
	}
	if train, err = l.moments(ctx, learnt, feelingAt); err != nil {
		return nil, nil, err
	}
	test, err = l.moments(ctx, asked, feelingAt)
	return train, test, err
}

// answeredLast is the position of the customer's last turn if it is not the
// first and an answer stands before it, else 0.
func answeredLast(t *corpus.Talk) int {
	for k := len(t.Spoken) - 1; k > 1; k-- {
		if t.Spoken[k].Customer {
			if slices.ContainsFunc(t.Spoken[:k], func(s corpus.Spoken) bool { return !s.Customer }) {
				return k
			}
			return 0
		}
	}
	return 0
}

// feelingAt gives the sentiment of the customer's last turn as shares of three levels.
func feelingAt(t *corpus.Talk, k int, r nlp.Reading) (share []float32, level int, ok bool) {
	if k == 0 || k != answeredLast(t) || r.Sentiment == nil {
		return nil, 0, false
	}
	share = []float32{float32(r.Sentiment.Negative), float32(r.Sentiment.Neutral), float32(r.Sentiment.Positive)}
	return share, slices.Index(share, slices.Max(share)), true
}
