package main

import (
	"context"
	"encoding/json"
	"os"
	"testing"

	"throughline/journey/score"
)

// The shipped models on lives they were not fitted to: better than the bare
// share, in the right order, and with honest probabilities.
func TestShippedModelsOnHeldOutLives(t *testing.T) {
	data, err := os.ReadFile("../model/scores.json")
	if err != nil {
		t.Fatal(err)
	}
	var f score.File
	if err := json.Unmarshal(data, &f); err != nil {
		t.Fatal(err)
	}
	test, err := population(context.Background(), lives, held/3)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range report(&f, test) {
		t.Log(line)
	}
	for _, target := range targets() {
		rows, o := target.rows(test), *target.into(&f)
		for cut := range o.Cuts {
			if q := check(o, rows, cut); q.auc < 0.57 || q.brier > q.base || q.ece > 0.06 {
				t.Errorf("%s, cut %d: %+v", target.name, cut, q)
			}
		}
	}
}

func TestQuality(t *testing.T) {
	q := judge([]float64{0.9, 0.8, 0.2, 0.1}, []bool{true, false, true, false}, []float64{1, 1, 1, 1})
	if q.auc != 0.75 || q.share != 0.5 || q.base != 0.25 {
		t.Errorf("%+v", q)
	}
	want := (0.01 + 0.64 + 0.64 + 0.01) / 4
	if d := q.brier - want; d > 1e-9 || d < -1e-9 {
		t.Errorf("Brier %v, want %v", q.brier, want)
	}
}
