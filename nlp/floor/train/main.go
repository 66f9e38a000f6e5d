// Command train rebuilds the model files of package floor and their card:
//
//	go run ./nlp/floor/train --data ../shared/data
//
// Enters: the public sets whose licence allows a shipped model, domain.txt, and the
// turns that the encoder's training has too.
// Leaves: nlp/floor/model/*.bin and MODEL_CARD.md. The same data gives the same
// bytes. It reads no set that is for evaluation only.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"throughline/nlp/corpus"
	"throughline/nlp/floor"
	"throughline/nlp/linear"
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
	data := flag.String("data", "", "folder of the public sets (found above the working directory when empty)")
	out := flag.String("out", "nlp/floor/model", "folder to write the model files to")
	written := flag.String("turns", "nlp/train/turns.txt", "turns of customer service, for sentiment")
	only := flag.String("only", "", "train only this model: sentiment, emotion, language or rarity")
	flag.Parse()
	if *data == "" {
		found, err := corpus.Folder()
		if err != nil {
			return err
		}
		*data = found
	}
	sets, err := load(*data, *written)
	if err != nil {
		return err
	}
	report := newCard(sets)
	for _, m := range []struct {
		name  string
		train func(context.Context, sources, *card) (*linear.Regression, []string, error)
	}{
		{"rarity", rarity}, {"language", language}, {"sentiment", sentiment}, {"emotion", emotion},
	} {
		if *only != "" && *only != m.name {
			continue
		}
		began := time.Now()
		r, names, err := m.train(ctx, sets, report)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		file, err := floor.Encode(r, names)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		if err := os.WriteFile(filepath.Join(*out, m.name+".bin"), file, 0o644); err != nil {
			return err
		}
		fmt.Printf("%s: %d bytes, %.1f s\n", m.name, len(file), time.Since(began).Seconds())
		report.size(m.name, len(file))
	}
	if *only != "" {
		_, err := os.Stdout.Write(report.markdown()) // not the card: the other models' lines are missing
		return err
	}
	return os.WriteFile(filepath.Join(*out, "MODEL_CARD.md"), report.markdown(), 0o644)
}
