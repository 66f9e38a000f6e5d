package moonshine

import (
	"encoding/base64"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

// In these tokens 100 and above carry a letter, the others are digits or
// punctuation.
func letter(t int64) bool { return t >= 100 }

func TestLoopStart(t *testing.T) {
	repeat := func(times int, phrase ...int64) []int64 { return slices.Repeat(phrase, times) }
	for _, c := range []struct {
		name   string
		tokens []int64
		want   int
	}{
		{"empty", nil, 0},
		{"no, no, no", append([]int64{150}, repeat(3, 101, 5)...), 0},
		{"thank you bye", append([]int64{150}, repeat(3, 101, 102, 5, 103, 5)...), 6},
		{"thank you bye, cut early", append([]int64{150}, repeat(2, 101, 102, 5, 103, 5)...), 0},
		{"one word", repeat(12, 101), 1},
		{"zero zero zero", append([]int64{7}, repeat(6, 8, 5)...), 0},
		{"digits for ever", append([]int64{7}, repeat(10, 8, 5)...), 3},
		{"long phrase", repeat(3, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112), 12},
	} {
		if got := loopStart(c.tokens, letter); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func vocabularyFile(n int) []byte {
	text := "<unk>\n<s>\n</s>\n" + strings.Repeat("▁word\n", n-5) + "<0x41>\n▁end"
	return []byte("var v='" + base64.StdEncoding.EncodeToString([]byte(text)) + "';")
}

func TestPieces(t *testing.T) {
	p, err := findPieces(vocabularyFile(32000))
	if err != nil {
		t.Fatal(err)
	}
	if got := p.text([]int64{1, 3, 31998, 31999, 2, 32005}); got != "wordA end" {
		t.Errorf("text = %q", got)
	}
	if p.hasLetter(31998) || p.hasLetter(-1) || p.hasLetter(40000) || !p.hasLetter(3) {
		t.Error("letters are told apart wrongly")
	}
	for _, bad := range [][]byte{nil, []byte("x"), vocabularyFile(31000), vocabularyFile(32000)[:20]} {
		if _, err := findPieces(bad); !errors.Is(err, errNoVocabulary) {
			t.Errorf("%d bytes: %v", len(bad), err)
		}
	}
}

// TestForeign offers one token that is likeliest of all and one that is second:
// what is not of an English sentence is passed over, and all else is taken.
func TestForeign(t *testing.T) {
	texts := []string{
		"<unk>", "<s>", "</s>", "▁word", "a", "é", "▁Ł", "ª", "7", "▁", ",", "…", "£", "▁€", "–", "<0x0A>", "<0x7F>", "second",
		"中", "▁п", "ст", "λ", "の", "ה", "ा", "한", "▁α", "々", "٣", "<0x80>", "<0xE4>", "<0xFF>",
	}
	const second = 17
	d := decoding{model: &Recogniser{pieces: texts, foreign: pieces(texts).foreign()}}
	for i := 1; i < len(texts); i++ {
		row := make([]float32, vocabulary)
		row[second] = 8
		row[i] = 9
		want := i
		if i > second {
			want = second
		}
		d.tokens = nil
		switch done := d.take(row); {
		case i == endToken && (!done || len(d.tokens) > 0):
			t.Errorf("the end is not taken: %v", d.tokens)
		case i != endToken && (done || len(d.tokens) != 1 || d.tokens[0] != int64(want)):
			t.Errorf("%q likeliest: took %v, want %q", texts[i], d.tokens, texts[want])
		}
	}
	row := make([]float32, vocabulary)
	row[vocabulary-1] = 9
	if d.tokens = nil; d.take(row) || d.tokens[0] != vocabulary-1 {
		t.Errorf("a mark above the vocabulary is not taken: %v", d.tokens)
	}
}

// FuzzPieces reads anything as a vocabulary and any token from it.
func FuzzPieces(f *testing.F) {
	f.Add(vocabularyFile(32000), int64(5))
	f.Add([]byte(vocabularyHead+"===="), int64(-7))
	f.Fuzz(func(t *testing.T, b []byte, token int64) {
		p, err := findPieces(b)
		if err != nil {
			return
		}
		p.text([]int64{token, token + 1})
		p.hasLetter(token)
		p.foreign()
	})
}

func TestLevel(t *testing.T) {
	quiet := make([]float32, 1600)
	for i := range quiet {
		quiet[i] = 0.01 * float32(math.Sin(float64(i)))
	}
	out := level(quiet)
	if len(out) != len(quiet)+2*padding || max(math.Abs(float64(out[0])), math.Abs(float64(out[len(out)-1]))) > 2*dither {
		t.Fatal("padding is wrong")
	}
	var energy float64
	for _, v := range out {
		energy += float64(v) * float64(v)
	}
	if rms := math.Sqrt(energy / float64(len(quiet))); math.Abs(rms-targetRMS) > 0.002 {
		t.Errorf("RMS = %v", rms)
	}
	click := make([]float32, 1600)
	click[5] = 0.5
	if out := level(click); slices.Max(out) > peakLimit+2*dither {
		t.Errorf("peak = %v", slices.Max(out))
	}
	if out := level(make([]float32, 100)); slices.Max(out) > 2*dither {
		t.Error("silence was amplified into something")
	}
}

func TestScore(t *testing.T) {
	row := make([]float32, vocabulary)
	row[7] = 9
	var sum float64
	for _, v := range row {
		sum += math.Exp(float64(v))
	}
	if got, want := score(row, 7), 9-math.Log(sum); math.Abs(got-want) > 0.005 {
		t.Errorf("score = %v, want %v", got, want)
	}
}
