package redact

import (
	"slices"
	"testing"
)

func TestNamed(t *testing.T) {
	for _, c := range []struct {
		in   string
		want []string
	}{
		{"My name is Anna Berg and I moved to Portugal", []string{"PERSON Anna Berg", "PLACE Portugal"}},
		{"see https://www.example.com/a?b=c, please", []string{"URL https://www.example.com/a?b=c"}},
		{"Dear Mrs. Maria Rossi, thank you", []string{"TITLE Mrs", "PERSON Maria Rossi"}},
		{"where is my parcel?", nil},
		{"", nil},
	} {
		var got []string
		for _, f := range Find(c.in) {
			got = append(got, string(f.Type)+" "+c.in[f.Start:f.End])
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%q: got %q, want %q", c.in, got, c.want)
		}
	}
}

func TestTaggerIsEmbedded(t *testing.T) {
	if m := unpack(packed); m.next == ([tags + 1][tags]int8{}) {
		t.Error("tagger.gz does not unpack")
	}
	for n := range 64 {
		_ = unpack(packed[:n*len(packed)/64]) // a broken file finds nothing, and does not panic
	}
}
