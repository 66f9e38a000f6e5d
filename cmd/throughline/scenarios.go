package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"throughline/assist"
	"throughline/assist/scenario"
	"throughline/event"
	"throughline/journey"
)

// testPolicy plays scenarios by the parts that the product runs on.
func testPolicy(ctx context.Context, args []string) error {
	f := flags("policy test [--scenario FILE] [POLICY]", "Play scenarios over every channel, through the gate, the understanding and the journeys that the product runs on. It fails where a decision differs from channel to channel (unless the rule asks for the channel), or from what a scenario expects. Without --scenario the shipped scenarios are played; with a POLICY of yours they expect nothing but that channels agree.")
	file := f.String("scenario", "", "scenario `file` (YAML)")
	config := f.String("config", "", "settings `file` (YAML): intents, categories, redaction and journeys as they are there")
	if err := parse(f, args, 0, 1); err != nil {
		return err
	}
	p, err := assist.LoadFile(f.Arg(0))
	if err != nil {
		return err
	}
	scenarios, err := scenariosOf(*file, f.NArg() > 0)
	if err != nil {
		return err
	}
	parts, err := productParts(*config)
	if err != nil {
		return err
	}
	failed := 0
	for _, s := range scenarios {
		res, err := scenario.Run(ctx, s, p, parts)
		if err != nil {
			return err
		}
		if err := writeResult(os.Stdout, res); err != nil {
			return err
		}
		if len(res.Problems) > 0 {
			failed++
		}
	}
	if failed > 0 {
		return fmt.Errorf("policy %s: %d of %d scenarios fail", p.Version, failed, len(scenarios))
	}
	fmt.Printf("policy %s: %d scenarios decide alike on %d channels\n", p.Version, len(scenarios), len(scenario.Channels()))
	return nil
}

func scenariosOf(file string, foreign bool) ([]scenario.Scenario, error) {
	if file != "" {
		return scenario.LoadFile(file)
	}
	all, err := scenario.Default()
	if foreign {
		for i := range all {
			all[i].Expect = nil
		}
	}
	return all, err
}

// productParts are the gate, the reader that needs nothing fetched, and the fold.
func productParts(config string) (scenario.Parts, error) {
	s, err := load(config)
	if err != nil {
		return scenario.Parts{}, err
	}
	h, err := newHouse(s, []string{"nlp"})
	if err != nil {
		return scenario.Parts{}, err
	}
	return scenario.Parts{
		Understand: func(ctx context.Context, t event.Turn) (event.Features, error) {
			v, err := h.gate.Turn(ctx, t)
			if err != nil {
				return event.Features{}, err
			}
			msgs, err := h.read.model.Understand(ctx, v.Cleared.Turn())
			if err != nil {
				return event.Features{}, err
			}
			for _, m := range msgs {
				if f, ok := m.Value.(event.Features); ok {
					return f, nil
				}
			}
			return event.Features{}, errors.New("a turn was understood as nothing")
		},
		Fold: func() (scenario.Fold, error) { return journey.OpenShard(s.Journey) },
	}, nil
}

func writeResult(out io.Writer, res scenario.Result) error {
	verdict := "passes"
	if len(res.Problems) > 0 {
		verdict = "FAILS"
	}
	fmt.Fprintf(out, "%s: %s\n", res.Scenario, verdict)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, row := range res.Rows {
		switch {
		case row.Same():
			fmt.Fprintf(w, "  %s\tevery channel\t%s\n", row.Rule, row.Told(event.Voice))
		default:
			for _, c := range scenario.Channels() {
				note := ""
				if row.Purpose {
					note = "on purpose: the rule asks for the channel"
				}
				fmt.Fprintf(w, "  %s\t%s\t%s\t%s\n", row.Rule, c, row.Told(c), note)
			}
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, p := range res.Problems {
		fmt.Fprintf(out, "  ! %s\n", p)
	}
	_, err := fmt.Fprintln(out)
	return err
}
