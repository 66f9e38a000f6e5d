package main

import (
	"slices"
	"testing"
)

func TestWays(t *testing.T) {
	got := ways("I (am|'m) (so |)glad(| now)")
	want := []string{"I am so glad", "I am so glad now", "I am glad", "I am glad now", "I'm so glad", "I'm so glad now", "I'm glad", "I'm glad now"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if n := len(ways("(a|b|c|d|e|f) (a|b|c|d|e|f)")); n != waysAtMost {
		t.Errorf("%d ways", n)
	}
	rows, err := domain(domainFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if !slices.Contains(classes(), r.Label()) || r.Text == "" || len(r.Language) != 2 {
			t.Fatalf("row %+v", r)
		}
	}
}
