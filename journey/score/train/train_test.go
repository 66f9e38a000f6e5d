package main

import (
	"context"
	"testing"

	"throughline/journey/score"
)

// The shipped models on lives they were not fitted to: better than the bare
// share, in the right order, and with honest probabilities.
func TestShippedModelsOnHeldOutLives(t *testing.T) {
	m, err := score.Open(score.Config{})
	if err != nil {
		t.Fatal(err)
	}
	test, err := population(context.Background(), lives, held/3)
	if err != nil {
		t.Fatal(err)
	}
	f := m.File()
	for _, c := range f.Report(examples(test)) {
		t.Log(c)
		if c.AUC < 0.57 || c.Brier > c.Base || c.ECE > 0.06 {
			t.Errorf("%s is worse than it was", c.Name)
		}
	}
}
