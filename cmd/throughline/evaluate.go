package main

import (
	"context"
	"os"

	"throughline/eval"
)

func evaluate(ctx context.Context, args []string) error {
	return eval.Main(ctx, args, os.Stdout)
}
