package encoder

import (
	"bytes"
	"testing"
)

func TestSettings(t *testing.T) {
	if _, err := parseSettings(settingsFile); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new string }{
		{`"version": "`, `"edition": "`},
		{`"max_tokens": 128`, `"max_tokens": 1`},
		{`"embedding": 384`, `"embedding": 0`},
		{`"neutral",`, `"neuter",`},
		{`"admiration"`, `"admiring"`},
		{`"reported_from": 0.24`, `"reported_from": 1.24`},
	} {
		if _, err := parseSettings(bytes.Replace(settingsFile, []byte(c.old), []byte(c.new), 1)); err == nil {
			t.Errorf("%s was taken for %s", c.new, c.old)
		}
	}
	for end := range bytes.TrimSpace(settingsFile) {
		if _, err := parseSettings(settingsFile[:end]); err == nil {
			t.Fatalf("the first %d bytes were taken for the whole", end)
		}
	}
}
