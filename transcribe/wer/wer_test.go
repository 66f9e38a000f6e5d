package wer

import (
	"slices"
	"strings"
	"testing"
)

func TestNormalise(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"Four, Queen of Clubs!", "four queen of clubs"},
		{"Mr. John’s 12-year-old car", "mister john's twelve year old car"},
		{"It costs 1,250 dollars", "it costs twelve fifty dollars"},
		{"In 1904 and 1900", "in nineteen zero four and nineteen hundred"},
		{"code 007", "code zero zero seven"},
		{"call 5551234567 now", "call five five five one two three four five six seven now"},
		{"20,017 & 300", "twenty thousand seventeen and three hundred"},
		{"90210 nine oh", "nine zero two one zero nine zero"},
		{"1,2,3,4 and 1,2345", "one two three four and one two thousand three hundred forty five"},
		{"okay gray 50%", "ok grey fifty percent"},
		{"9 a.m. 'quoted'", "nine am quoted"},
	} {
		if got := strings.Join(Normalise(c.in), " "); got != c.want {
			t.Errorf("Normalise(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestScore(t *testing.T) {
	for _, c := range []struct {
		ref, hyp string
		want     Counts
	}{
		{"go forward ten meters", "Go forward 10 meters.", Counts{0, 0, 0, 4}},
		{"a b c d", "a x c", Counts{1, 1, 0, 4}},
		{"a b", "a b c d", Counts{0, 0, 2, 2}},
		{"", "hallo there", Counts{0, 0, 2, 0}},
		{"a b c", "", Counts{0, 3, 0, 3}},
	} {
		if got := Score(c.ref, c.hyp); got != c.want {
			t.Errorf("Score(%q, %q) = %v, want %v", c.ref, c.hyp, got, c.want)
		}
	}
	sum := Score("a b c d", "a x c").Add(Score("a b", "a b"))
	if sum.Errors() != 2 || sum.Rate() != 2.0/6 {
		t.Errorf("sum = %v", sum)
	}
}

// FuzzScore checks what holds for any two texts.
func FuzzScore(f *testing.F) {
	f.Add("a b 12", "A, b! twelve")
	f.Add("0099 1,100 '", "٣ x")
	f.Fuzz(func(t *testing.T, ref, hyp string) {
		if len(ref)+len(hyp) > 2000 {
			t.Skip()
		}
		a, b := Normalise(ref), Normalise(hyp)
		c := Align(a, b)
		if c.Reference != len(a) || c.Reference-c.Deleted+c.Inserted != len(b) {
			t.Fatalf("counts %v do not add up for %d and %d words", c, len(a), len(b))
		}
		if slices.Equal(a, b) != (c.Errors() == 0) {
			t.Fatalf("equal words and no errors disagree: %v", c)
		}
		if again := Normalise(strings.Join(a, " ")); !slices.Equal(again, a) {
			t.Fatalf("normalising twice changed %q to %q", a, again)
		}
	})
}
