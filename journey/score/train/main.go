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
	file, _, err := score.FitFile(version, score.File{}, examples(train))
	if err != nil {
		return err
	}
	test, err := population(ctx, lives, held)
	if err != nil {
		return err
	}
	checks := file.Report(examples(test))
	for _, c := range checks {
		fmt.Println(c)
	}
	data, err := json.MarshalIndent(file, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(*out, "scores.json"), append(data, '\n'), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(*out, "MODEL_CARD.md"), card(&file, checks), 0o644)
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

// examples of a population: each life counts as one, however long it is.
func examples(lives []outcome) []score.Example {
	var out []score.Example
	for i := range lives {
		o := &lives[i]
		answer := o.satisfaction + 1
		for _, m := range o.moments {
			escalated := o.presses > m.presses
			out = append(out, score.Example{X: m.x, Group: i, Weight: 1 / float64(len(o.moments)),
				Outcome: score.Outcome{Satisfaction: &answer, Escalated: &escalated, Churned: &o.churned, Resolved: &o.resolved}})
		}
	}
	return out
}
