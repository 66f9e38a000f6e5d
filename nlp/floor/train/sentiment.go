package main

import (
	"context"
	"slices"

	"gonum.org/v1/gonum/floats"
	"throughline/nlp/corpus"
	"throughline/nlp/floor"
	"throughline/nlp/linear"
)

// How much one row of each set counts. Our own sentences are few and the only
// ones that sound like a contact centre; requests to assistants teach that a
// plain want is neutral.
const (
	weightDomain   = 8.0
	weightTurns    = 5.0
	weightTweets   = 1.0
	weightReddit   = 0.6
	weightRequests = 0.15

	penaltySentiment = 8e-7
	domainEvery      = 5 // the fifth of our sentences is held out while measuring
)

func classes() []string { return []string{"negative", "neutral", "positive"} }

// polarity is the authors' grouping of the emotions; "" where a comment feels
// both ways, and for surprise, which may be either.
func polarity(labels []string) string {
	negative, positive, other := false, false, false
	for _, l := range labels {
		switch l {
		case "anger", "annoyance", "disappointment", "disapproval", "disgust", "embarrassment", "fear", "grief",
			"nervousness", "remorse", "sadness":
			negative = true
		case "neutral", "curiosity", "realization":
			other = true
		case "confusion", "surprise":
		default:
			positive = true
		}
	}
	switch {
	case negative && !positive:
		return "negative"
	case positive && !negative:
		return "positive"
	case other && !negative && !positive:
		return "neutral"
	}
	return ""
}

// rows collects weighted training rows.
type rows struct {
	vectors []linear.Vector
	targets [][]float32
	weights []float64
}

func (r *rows) add(text, label string, weight float64) {
	target := make([]float32, 3)
	k := slices.Index(classes(), label)
	if k < 0 {
		return
	}
	target[k] = 1
	r.vectors = append(r.vectors, floor.Features(text, floor.Mood, floor.Width))
	r.targets = append(r.targets, target)
	r.weights = append(r.weights, weight)
}

func (s sources) moods(domain, turns []corpus.Example) *rows {
	r := new(rows)
	for _, e := range s.emotions {
		r.add(e.Text, polarity(e.Labels), weightReddit)
	}
	for _, e := range s.umsab {
		r.add(e.Text, e.Label(), weightTweets)
	}
	for _, e := range domain {
		r.add(e.Text, e.Label(), weightDomain)
	}
	for _, e := range turns {
		r.add(e.Text, e.Label(), weightTurns)
	}
	for _, set := range [][]corpus.Example{s.clinc, s.hwu} {
		for _, e := range set {
			switch e.Label() {
			case "thank_you", "general_praise", "music_likeness", "lost_luggage", "damaged_card", "tell_joke":
				continue // not plain wants
			}
			r.add(e.Text, "neutral", weightRequests)
		}
	}
	return r
}

func sentiment(ctx context.Context, s sources, card *card) (*linear.Regression, []string, error) {
	o := linear.RegressOptions{Exclusive: true, Penalty: penaltySentiment, Iterations: 70}
	fit := func(domain, turns []corpus.Example) (*linear.Regression, error) {
		r := s.moods(domain, turns)
		return linear.Regress(ctx, r.vectors, r.targets, r.weights, floor.Width, 3, o)
	}
	known, held := apart(s.domain)
	knownTurns, heldTurns := apart(s.turns)
	measured, err := fit(known, knownTurns)
	if err != nil {
		return nil, nil, err
	}
	scores := make([][]float64, 0, len(held))
	var truth []int
	for _, e := range append(slices.Clone(held), s.umsabDev...) {
		scores = append(scores, measured.Scores(floor.Features(e.Text, floor.Mood, floor.Width)))
		truth = append(truth, slices.Index(classes(), e.Label()))
	}
	// Our own sentences count as much as the tweets for how sure the model may be.
	share := len(s.umsabDev) / max(len(held), 1)
	calibration, calibrationTruth := slices.Clone(scores), slices.Clone(truth)
	for range share {
		calibration = append(calibration, scores[:len(held)]...)
		calibrationTruth = append(calibrationTruth, truth[:len(held)]...)
	}
	temperature, err := linear.FitTemperature(calibration, calibrationTruth)
	if err != nil {
		return nil, nil, err
	}
	card.line("sentiment", "temperature %.2f, fitted on the held-out sentences and the umsab development split", temperature)
	card.line("sentiment", "held-out sentences of ours: accuracy %.3f, macro-F1 %.3f (n %d)",
		accuracy(scores[:len(held)], truth[:len(held)]), macroF1(scores[:len(held)], truth[:len(held)]), len(held))
	var turnScores [][]float64
	var turnTruth []int
	for _, e := range heldTurns {
		turnScores = append(turnScores, measured.Scores(floor.Features(e.Text, floor.Mood, floor.Width)))
		turnTruth = append(turnTruth, slices.Index(classes(), e.Label()))
	}
	card.line("sentiment", "held-out turns of ours: accuracy %.3f, macro-F1 %.3f (n %d)", accuracy(turnScores, turnTruth), macroF1(turnScores, turnTruth), len(heldTurns))
	var mean float64
	languages := []string{"ar", "de", "en", "es", "fr", "hi", "it", "pt"}
	for _, language := range languages {
		var some [][]float64
		var want []int
		for i, e := range s.umsabDev {
			if e.Language == language {
				some = append(some, scores[len(held)+i])
				want = append(want, truth[len(held)+i])
			}
		}
		f := macroF1(some, want)
		mean += f / float64(len(languages))
		card.line("sentiment", "umsab %s: macro-F1 %.3f (n %d)", language, f, len(some))
	}
	card.line("sentiment", "umsab mean macro-F1 %.3f", mean)
	var reddit [][]float64
	var want []int
	for _, e := range s.emotionsDev {
		if p := polarity(e.Labels); p != "" {
			reddit = append(reddit, measured.Scores(floor.Features(e.Text, floor.Mood, floor.Width)))
			want = append(want, slices.Index(classes(), p))
		}
	}
	card.line("sentiment", "goemotions grouped: macro-F1 %.3f (n %d)", macroF1(reddit, want), len(reddit))
	final, err := fit(s.domain, s.turns)
	if err != nil {
		return nil, nil, err
	}
	final.Scale(1 / temperature)
	return final, classes(), nil
}

// apart holds the fifth rows back.
func apart(rows []corpus.Example) (known, held []corpus.Example) {
	for i, e := range rows {
		if i%domainEvery == 0 {
			held = append(held, e)
		} else {
			known = append(known, e)
		}
	}
	return known, held
}

func accuracy(scores [][]float64, truth []int) float64 {
	right := 0
	for i, s := range scores {
		if floats.MaxIdx(s) == truth[i] {
			right++
		}
	}
	return float64(right) / float64(max(len(scores), 1))
}

func macroF1(scores [][]float64, truth []int) float64 {
	var hit, said, real [3]float64
	for i, s := range scores {
		k := floats.MaxIdx(s)
		said[k]++
		real[truth[i]]++
		if k == truth[i] {
			hit[k]++
		}
	}
	var sum float64
	for k := range hit {
		if said[k]+real[k] > 0 {
			sum += 2 * hit[k] / (said[k] + real[k])
		}
	}
	if len(scores) == 0 {
		return 0
	}
	return sum / 3
}
