package main

import (
	"context"
	"fmt"
	"os"
	"sync"

	"throughline/eval"
	"throughline/nlp"
)

// evaluate measures the encoder unless --model says otherwise; where the
// runtime it needs cannot be had, the floor.
func evaluate(ctx context.Context, args []string) error {
	var text *textModel
	open := sync.OnceValues(func() (nlp.Reader, error) {
		var err error
		if text, err = openEncoder(ctx, os.Stderr); err != nil {
			return nil, err
		}
		return text.Reader, nil
	})
	h := eval.Harness{Readers: map[string]func() (nlp.Reader, error){"encoder": open}, Preferred: "encoder", Warnings: os.Stderr}
	err := h.Main(ctx, args, os.Stdout)
	if text == nil {
		return err
	}
	if closing := text.Close(); err == nil && closing != nil {
		return fmt.Errorf("close encoder: %w", closing)
	}
	return err
}
