package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"throughline/event"
	"throughline/journey/score"
)

// Outcomes that hang on the transfers alone: the fitted model must have seen it,
// and the product must open what was written.
func TestScoresAreFittedToOwnOutcomes(t *testing.T) {
	dir := t.TempDir()
	chance := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	for n := range 1200 {
		transfers := chance.IntN(4)
		j := event.Journey{Customer: fmt.Sprint("c", n), Turns: 4, Interactions: []event.InteractionState{{Customer: 2, Transfers: transfers}}}
		document, err := json.Marshal(j)
		if err != nil {
			t.Fatal(err)
		}
		churned := 0
		if chance.Float64() < 0.1+0.25*float64(transfers) {
			churned = 1
		}
		line, err := json.Marshal(map[string]any{"document": string(document), "churned": churned, "satisfaction": min(5, max(1, 4-transfers+chance.IntN(3)))})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s\n", line)
	}
	from, out := filepath.Join(dir, "outcomes.jsonl"), filepath.Join(dir, "scores.json")
	if err := os.WriteFile(from, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := scores(context.Background(), []string{"fit", "--out", out, "--version", "own-7", from}); err != nil {
		t.Fatal(err)
	}
	m, err := score.Open(score.Config{Model: out})
	if err != nil {
		t.Fatal(err)
	}
	of := func(transfers int) event.Scores {
		return m.Score(&event.Journey{Turns: 4, Interactions: []event.InteractionState{{Customer: 2, Transfers: transfers}}})
	}
	calm, hard := of(0), of(3)
	if hard.Churn.Value < calm.Churn.Value+0.4 || hard.Satisfaction.Value > calm.Satisfaction.Value-1.5 || hard.Churn.Model != "own-7" || hard.Churn.Moved[0].Name != "transfers" {
		t.Errorf("no transfers %+v %+v, three %+v %+v", calm.Churn, calm.Satisfaction, hard.Churn, hard.Satisfaction)
	}
	shipped, err := score.Open(score.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := m.File().Resolution.Cuts[0], shipped.File().Resolution.Cuts[0]; got != want {
		t.Errorf("resolution without outcomes was changed: %v, shipped %v", got, want)
	}
}

func TestOutcomesNameTheLineAndTheFix(t *testing.T) {
	for name, c := range map[string]struct{ lines, want string }{
		"rating":     {`{"document":"{}"}` + "\n" + `{"document":"{}","satisfaction":9}`, "line 2: satisfaction is 9"},
		"answer":     {`{"document":"{}","churned":"maybe"}`, "neither true"},
		"document":   {`{"document":"nothing"}`, "line 1: document is not a journey"},
		"no JSON":    {"hello", "line 1"},
		"too little": {`{"document":"{}","churned":1}`, "no model has enough"},
	} {
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, []byte(c.lines), 0o600); err != nil {
			t.Fatal(err)
		}
		err := scores(context.Background(), []string{"fit", "--out", path + ".json", path})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}
