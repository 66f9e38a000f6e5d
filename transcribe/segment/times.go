package segment

import (
	"strings"
	"time"
	"unicode"

	"throughline/transcribe/speech"
	"throughline/transcribe/vad"
)

// offset is the time of a sample number.
func offset(sample int64) time.Duration {
	// Multiplying nanoseconds by samples overflows after six days of audio.
	return time.Duration(sample/speech.Rate)*time.Second +
		time.Duration(sample%speech.Rate)*time.Second/speech.Rate
}

// sampleAt is the sample number of a time.
func sampleAt(t time.Duration) int64 {
	return int64(t/time.Second)*speech.Rate + int64(t%time.Second)*speech.Rate/int64(time.Second)
}

// timed gives the words of a result their place in the leg. Times of the
// engine are kept; without them the words are spread over the voiced frames,
// each for as long as its letters are many.
func timed(res speech.Result, s *span) []speech.Word {
	if len(res.Words) > 0 {
		words := make([]speech.Word, len(res.Words))
		for i, w := range res.Words {
			w.Start += offset(s.from)
			w.End += offset(s.from)
			words[i] = w
		}
		return words
	}
	texts := strings.Fields(res.Text)
	total := 0.0
	for _, t := range texts {
		total += effort(t)
	}
	voice := 0
	for _, v := range s.voiced {
		if v {
			voice++
		}
	}
	words := make([]speech.Word, len(texts))
	said := 0.0
	for i, t := range texts {
		words[i] = speech.Word{Text: t, Confidence: res.Confidence, Approximate: true}
		words[i].Start = offset(s.start + voicedAt(s, said/total*float64(voice), false))
		said += effort(t)
		words[i].End = offset(s.start + voicedAt(s, said/total*float64(voice), true))
	}
	return words
}

// effort is how long a word takes to say, in letters: the letters it is spelt
// with, and one and a half for the transition to the next. A digit is a word
// of its own.
func effort(word string) float64 {
	e := 1.5
	for _, r := range word {
		switch {
		case unicode.IsDigit(r):
			e += 5
		case unicode.IsLetter(r):
			e++
		}
	}
	return e
}

// voicedAt finds, in samples from the start of the span, the moment after
// which voiced frames have been heard. At a pause, ending tells the side.
func voicedAt(s *span, voiced float64, ending bool) int64 {
	heard := 0.0
	for i, v := range s.voiced {
		if !v {
			continue
		}
		if heard+1 > voiced || ending && heard+1 >= voiced {
			return int64((float64(i) + voiced - heard) * vad.Frame)
		}
		heard++
	}
	return s.end - s.start
}

// joined is the text that words make.
func joined(words []speech.Word) string {
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = w.Text
	}
	return strings.Join(texts, " ")
}
