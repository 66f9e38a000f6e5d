package eval

import (
	"context"
	"os"
	"path/filepath"
	"slices"

	"throughline/nlp"
	"throughline/nlp/corpus"
	"throughline/nlp/intent"
)

// several scores NLU++, where a turn has several intents. Each domain has its own
// head, as its authors do it. Without a test folder, fold 0 is scored by heads
// fitted on the other folds.
func (h Harness) several(ctx context.Context, q request, reader nlp.Reader) (Result, error) {
	var truth, said [][]bool
	var read [][2][]corpus.Example // train and test of each domain
	for _, domain := range []string{"banking", "hotels"} {
		train, test, err := folds(q, domain)
		if err != nil {
			return Result{}, err
		}
		read = append(read, [2][]corpus.Example{train, test})
	}
	names := labels(slices.Concat(read[0][0], read[0][1], read[1][0], read[1][1]))
	known := make(map[string]int, len(names))
	for k, name := range names {
		known[name] = k
	}
	for _, domain := range read {
		train, test := domain[0], domain[1]
		local := labels(train)
		fitted, err := embed(ctx, reader, train, local)
		if err != nil {
			return Result{}, err
		}
		head, err := intent.Fit(ctx, local, fitted, intent.Options{Threshold: severalThreshold})
		if err != nil {
			return Result{}, err
		}
		asked, err := embed(ctx, reader, test, local)
		if err != nil {
			return Result{}, err
		}
		p := make([]float64, len(local))
		for i, e := range test {
			head.Probabilities(asked[i].Vector, p)
			t, s := make([]bool, len(names)), make([]bool, len(names))
			for _, l := range e.Labels {
				t[known[l]] = true
			}
			for k, name := range local {
				s[known[name]] = p[k] >= severalThreshold
			}
			truth, said = append(truth, t), append(said, s)
		}
	}
	r := Result{N: len(truth)}
	r.Metrics, r.CI = intervals(len(truth), func(drawn []int) map[string]float64 {
		var all count
		exact := 0.0
		per := make([]count, len(names))
		for _, i := range drawn {
			if slices.Equal(truth[i], said[i]) {
				exact++
			}
			for k := range names {
				per[k] = per[k].tally(truth[i][k], said[i][k])
			}
		}
		macro, present := 0.0, 0.0
		for _, c := range per {
			all.hit, all.said, all.real = all.hit+c.hit, all.said+c.said, all.real+c.real
			if c.said+c.real > 0 {
				present++
				macro += c.f1()
			}
		}
		return map[string]float64{"f1": all.f1(), "precision": all.precision(), "recall": all.recall(),
			"macro_f1": ratio(macro, present), "accuracy": ratio(exact, float64(len(drawn)))}
	})
	return named(r, reader), nil
}

// severalThreshold is where an intent counts as said when a turn may have many.
const severalThreshold = 0.45

func folds(q request, domain string) (train, test []corpus.Example, err error) {
	first := 0
	if q.test == "" {
		if test, err = corpus.NLUPlusPlus(filepath.Join(q.data, domain), 0); err != nil {
			return nil, nil, err
		}
		first = 1
	} else if test, err = corpus.NLUPlusPlus(filepath.Join(q.test, domain)); err != nil {
		return nil, nil, err
	}
	var numbers []int
	for n := first; n < 20; n++ {
		if _, err := os.Stat(filepath.Join(q.data, domain, corpus.FoldFile(n))); err == nil {
			numbers = append(numbers, n)
		}
	}
	train, err = corpus.NLUPlusPlus(filepath.Join(q.data, domain), numbers...)
	return train, test, err
}
