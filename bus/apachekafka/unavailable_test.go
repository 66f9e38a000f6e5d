package apachekafka_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"throughline/bus/apachekafka"
)

func TestMissingToolsAreNamed(t *testing.T) {
	for _, c := range []struct {
		missing string
		there   []string
	}{
		{"java", nil},
		{"mvn", []string{"java"}},
	} {
		t.Run(c.missing, func(t *testing.T) {
			bin := t.TempDir()
			for _, name := range c.there {
				if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			t.Setenv("PATH", bin)
			t.Setenv("XDG_CACHE_HOME", t.TempDir())
			t.Setenv("HOME", t.TempDir())
			_, err := apachekafka.Start(t.Context(), t.TempDir())
			if !errors.Is(err, apachekafka.ErrUnavailable) || !strings.Contains(err.Error(), c.missing+" is missing") {
				t.Errorf("Start: %v", err)
			}
		})
	}
}
