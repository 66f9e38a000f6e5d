package eval

import (
	"context"
	"path/filepath"
	"slices"

	"throughline/nlp"
	"throughline/nlp/corpus"
)

// emotion scores GoEmotions over the 27 emotions, neutral left out, and over the
// six Ekman groups with neutral. Thresholds are tuned on the development split;
// where that is also what is scored, each tenth of it with those of the others.
func (h Harness) emotion(ctx context.Context, q request) (Result, error) {
	reader, err := h.reader(q)
	if err != nil {
		return Result{}, err
	}
	dev, err := feelings(ctx, reader, filepath.Join(q.data, "dev.tsv"))
	if err != nil {
		return Result{}, err
	}
	test := dev
	if q.test != "" {
		if test, err = feelings(ctx, reader, filepath.Join(q.test, "test.tsv")); err != nil {
			return Result{}, err
		}
	}
	names := nlp.Emotions()
	single, groups := make([][]string, 0, len(names)), [][]string{}
	for _, name := range names {
		if name != "neutral" {
			single = append(single, []string{name})
		}
	}
	for _, group := range []string{"anger", "disgust", "fear", "joy", "sadness", "surprise", "neutral"} {
		var members []string
		for _, name := range names {
			if nlp.EkmanGroup(name) == group {
				members = append(members, name)
			}
		}
		groups = append(groups, members)
	}
	judge := decide
	if q.test == "" {
		judge = decideAcross
	}
	singleSaid, singleTrue := judge(dev, test, single)
	groupSaid, groupTrue := judge(dev, test, groups)
	r := Result{N: len(test), Thresholds: make(map[string]float64)}
	for _, name := range names {
		r.Thresholds[name] = bestThreshold(dev, []string{name})
	}
	r.Metrics, r.CI = intervals(len(test), func(drawn []int) map[string]float64 {
		return map[string]float64{
			"macro_f1":       several(drawn, singleTrue, singleSaid),
			"macro_f1_ekman": several(drawn, groupTrue, groupSaid),
		}
	})
	return named(r, reader), nil
}

// feeling is a row's probabilities and true labels.
type feeling struct {
	p    []float64
	true []string
}

func feelings(ctx context.Context, reader nlp.Reader, file string) ([]feeling, error) {
	rows, err := corpus.GoEmotions(file, nlp.Emotions())
	if err != nil {
		return nil, err
	}
	out := make([]feeling, len(rows))
	return out, each(len(rows), func(i int) error {
		reading, err := reader.Read(ctx, rows[i].Text)
		if err != nil {
			return err
		}
		out[i] = feeling{reading.Emotions, rows[i].Labels}
		if reading.Emotions == nil {
			out[i].p = make([]float64, len(nlp.Emotions()))
		}
		return nil
	})
}

// strength of a class is that none of its members is absent: 1 − Π(1 − p).
func strength(f feeling, members []string) float64 {
	absent := 1.0
	for k, name := range nlp.Emotions() {
		if slices.Contains(members, name) {
			absent *= 1 - f.p[k]
		}
	}
	return 1 - absent
}

func (f feeling) has(members []string) bool {
	return slices.ContainsFunc(f.true, func(name string) bool { return slices.Contains(members, name) })
}

// decide applies to test, class by class, the threshold that gives the best F1 on dev.
func decide(dev, test []feeling, classes [][]string) (said, truth [][]bool) {
	said, truth = make([][]bool, len(test)), make([][]bool, len(test))
	for i := range test {
		said[i], truth[i] = make([]bool, len(classes)), make([]bool, len(classes))
	}
	for k, members := range classes {
		threshold := bestThreshold(dev, members)
		for i, f := range test {
			said[i][k] = strength(f, members) >= threshold
			truth[i][k] = f.has(members)
		}
	}
	return said, truth
}

// decideAcross is decide where dev is scored itself: in ten parts, each with the
// thresholds of the other nine.
func decideAcross(dev, _ []feeling, classes [][]string) (said, truth [][]bool) {
	const parts = 10
	said, truth = make([][]bool, len(dev)), make([][]bool, len(dev))
	for part := range parts {
		var rows []int
		var scored, rest []feeling
		for i, f := range dev {
			if i%parts == part {
				rows, scored = append(rows, i), append(scored, f)
			} else {
				rest = append(rest, f)
			}
		}
		s, t := decide(rest, scored, classes)
		for k, i := range rows {
			said[i], truth[i] = s[k], t[k]
		}
	}
	return said, truth
}

func bestThreshold(dev []feeling, members []string) float64 {
	p, belongs := make([]float64, len(dev)), make([]bool, len(dev))
	for i, f := range dev {
		p[i], belongs[i] = strength(f, members), f.has(members)
	}
	best, threshold := -1.0, 0.5
	for step := 1; step < 100; step++ {
		var c count
		at := float64(step) / 100
		for i := range dev {
			c = c.tally(belongs[i], p[i] >= at)
		}
		if f1 := c.f1(); f1 > best {
			best, threshold = f1, at
		}
	}
	return threshold
}

// several is the macro-F1 of rows with several classes each.
func several(rows []int, truth, said [][]bool) float64 {
	if len(rows) == 0 {
		return 0
	}
	var sum float64
	classes := len(truth[0])
	for k := range classes {
		var c count
		for _, i := range rows {
			c = c.tally(truth[i][k], said[i][k])
		}
		sum += c.f1()
	}
	return sum / float64(classes)
}
