// Command train fits the shipped models of journeys to simulated ones, and
// writes their file and card. MODEL_CARD.md says what is assumed.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"

	"throughline/journey/score"
)

// version of the shipped models. It changes with every rebuild.
const version = "journey-1"

// seed of the simulation; how many lives are fitted to, and how many are held out.
const (
	seed  = 20261126
	lives = 6000
	held  = 1500
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "train:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	out := flag.String("out", "journey/score/model", "folder to write scores.json and MODEL_CARD.md to")
	flag.Parse()
	train, err := population(ctx, 0, lives)
	if err != nil {
		return err
	}
	file := score.File{Version: version, Features: score.Names()}
	for _, t := range targets() {
		if *t.into(&file), err = score.Fit(t.rows(train), score.FitOptions{Levels: t.levels, Signs: t.signs(), Penalty: 1e-4}); err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
		trim(*t.into(&file))
	}
	test, err := population(ctx, lives, held)
	if err != nil {
		return err
	}
	lines := report(&file, test)
	for _, l := range lines {
		fmt.Println(l)
	}
	data, err := json.MarshalIndent(file, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(*out, "scores.json"), append(data, '\n'), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(*out, "MODEL_CARD.md"), card(&file, lines), 0o644)
}

// population plays n lives, each with its own seed.
func population(ctx context.Context, from, n int) ([]outcome, error) {
	v, wants, err := listen(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]outcome, n)
	for i := range out {
		if out[i], err = live(ctx, rand.New(rand.NewPCG(seed, uint64(from+i))), v, wants); err != nil {
			return nil, err
		}
	}
	return out, ctx.Err()
}

// target is something to foresee.
type target struct {
	name   string
	levels int
	good   int // 1: more of it is good, −1: bad
	into   func(*score.File) **score.Ordinal
	level  func(o *outcome, m *moment) int
}

func targets() []target {
	return []target{
		{"escalation", 2, -1, func(f *score.File) **score.Ordinal { return &f.Escalation }, func(o *outcome, m *moment) int { return one(o.presses > m.presses) }},
		{"churn", 2, -1, func(f *score.File) **score.Ordinal { return &f.Churn }, func(o *outcome, _ *moment) int { return one(o.churned) }},
		{"satisfaction", 5, 1, func(f *score.File) **score.Ordinal { return &f.Satisfaction }, func(o *outcome, _ *moment) int { return o.satisfaction }},
		{"resolution", 2, 1, func(f *score.File) **score.Ordinal { return &f.Resolution }, func(o *outcome, _ *moment) int { return one(o.resolved) }},
	}
}

// rows of a population; each life counts as one, however long it is.
func (t target) rows(lives []outcome) []score.Row {
	var rows []score.Row
	for i := range lives {
		o := &lives[i]
		for k := range o.moments {
			rows = append(rows, score.Row{X: o.moments[k].x, Level: t.level(o, &o.moments[k]), Group: i, Weight: 1 / float64(len(o.moments))})
		}
	}
	return rows
}

// signs say which way each feature may push: a burden never makes a customer
// happier, whatever chance says of some thousand lives.
func (t target) signs() []int {
	kind := map[string]bool{"mood": true, "last turn": true, "answers": true, "thanks": true, "all closed": true, "journey before": true}
	out := make([]int, 0, len(kind))
	for _, name := range score.Names() {
		if kind[name] {
			out = append(out, t.good)
		} else {
			out = append(out, -t.good)
		}
	}
	return out
}

// trim keeps four digits behind the point.
func trim(o *score.Ordinal) {
	for _, some := range [][]float64{o.Weights, o.Mean, o.Cuts} {
		for k, v := range some {
			some[k] = float64(int64(v*1e4)) / 1e4
		}
	}
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}
