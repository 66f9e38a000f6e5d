package openai

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"throughline/transcribe/speech"
)

// errNoText is returned for an answer without a transcript.
var errNoText = errors.New("answer has no text")

// answer is the union of what servers send. Fields that are missing or of
// another type count as absent, so that one odd field does not lose the rest.
type answer struct {
	Text     *string
	Words    []word
	Segments []segment
}

type segment struct {
	Text         string
	Start, End   float64
	AvgLogProb   *float64
	NoSpeechProb *float64
	Words        []word
}

type word struct {
	Text        string
	Start, End  float64
	Probability float64
}

// Whisper's own rule for a segment that holds no speech (Radford et al. 2022,
// §4.5).
const (
	noSpeechProbability = 0.6
	noSpeechLogProb     = -1.0
)

// decode reads an answer in json or verbose_json, with words beside the
// segments (OpenAI, vLLM, speaches) or inside them (whisper.cpp).
func decode(body []byte) (speech.Result, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil {
		return speech.Result{}, fmt.Errorf("read transcription: answer is not a JSON object of %d bytes", len(body))
	}
	var a answer
	if t, ok := text(fields["text"]); ok {
		a.Text = &t
	}
	a.Words = words(fields["words"])
	a.Segments = segments(fields["segments"])
	if len(a.Words) == 0 {
		for _, s := range a.Segments {
			a.Words = append(a.Words, s.Words...)
		}
	}
	if a.Text == nil {
		if len(a.Segments) == 0 {
			return speech.Result{}, fmt.Errorf("read transcription: %w", errNoText)
		}
		joined := ""
		for _, s := range a.Segments {
			joined += s.Text
		}
		a.Text = &joined
	}
	return a.result(), nil
}

func (a answer) result() speech.Result {
	res := speech.Result{Text: strings.Join(strings.Fields(*a.Text), " ")}
	if res.Text == "" || silent(a.Segments) {
		return speech.Result{NoSpeech: true}
	}
	res.Words = spoken(a.Words)
	if joined(res.Words) != strings.ReplaceAll(res.Text, " ", "") {
		res.Words = punctuate(res.Words, res.Text)
	}
	res.Confidence = confidence(res.Words, a.Segments)
	return res
}

// spoken puts words together. whisper.cpp and faster-whisper begin a word with
// a space, and whisper.cpp gives tokens: there one without a space continues
// the word before.
func spoken(words []word) []speech.Word {
	spaced := slices.ContainsFunc(words, func(w word) bool { return strings.HasPrefix(w.Text, " ") })
	var out []speech.Word
	for _, w := range words {
		bare := strings.TrimSpace(w.Text)
		if bare == "" || w.End < w.Start || w.Start < 0 {
			continue
		}
		if spaced && len(out) > 0 && !strings.HasPrefix(w.Text, " ") {
			last := &out[len(out)-1]
			last.Text += bare
			last.End = max(last.End, seconds(w.End))
			last.Confidence = min(last.Confidence, w.Probability)
			continue
		}
		out = append(out, speech.Word{Text: bare, Start: seconds(w.Start), End: seconds(w.End), Confidence: w.Probability})
	}
	return out
}

// punctuate gives the words the spelling of the text, when both have as many:
// OpenAI's words come without punctuation. When they differ the words are of
// no use and are dropped.
func punctuate(words []speech.Word, text string) []speech.Word {
	spelt := strings.Fields(text)
	if len(spelt) != len(words) {
		return nil
	}
	for i := range words {
		words[i].Text = spelt[i]
	}
	return words
}

func joined(words []speech.Word) string {
	var b strings.Builder
	for _, w := range words {
		b.WriteString(w.Text)
	}
	return b.String()
}

func silent(segments []segment) bool {
	for _, s := range segments {
		if s.NoSpeechProb == nil || s.AvgLogProb == nil || *s.NoSpeechProb < noSpeechProbability || *s.AvgLogProb > noSpeechLogProb {
			return false
		}
	}
	return len(segments) > 0
}

// confidence is the mean of the words' probabilities, or of the segments' by
// their length.
func confidence(words []speech.Word, segments []segment) float64 {
	sum, n := 0.0, 0.0
	for _, w := range words {
		if w.Confidence > 0 {
			sum, n = sum+w.Confidence, n+1
		}
	}
	if n == 0 {
		for _, s := range segments {
			if s.AvgLogProb != nil {
				length := max(0.01, s.End-s.Start)
				sum, n = sum+length*math.Exp(*s.AvgLogProb), n+length
			}
		}
	}
	if n == 0 {
		return 0
	}
	return max(0, min(1, sum/n))
}

func segments(raw json.RawMessage) []segment {
	var out []segment
	for _, f := range objects(raw) {
		var s segment
		s.Text, _ = text(f["text"])
		s.Start, _ = number(f["start"])
		s.End, _ = number(f["end"])
		if v, ok := number(f["avg_logprob"]); ok {
			s.AvgLogProb = &v
		}
		if v, ok := number(f["no_speech_prob"]); ok {
			s.NoSpeechProb = &v
		}
		s.Words = words(f["words"])
		out = append(out, s)
	}
	return out
}

func words(raw json.RawMessage) []word {
	var out []word
	for _, f := range objects(raw) {
		t, ok := text(f["word"])
		start, ok1 := number(f["start"])
		end, ok2 := number(f["end"])
		if !ok || !ok1 || !ok2 {
			continue
		}
		w := word{Text: t, Start: start, End: end}
		if p, ok := number(f["probability"]); ok {
			w.Probability = max(0, min(1, p))
		}
		out = append(out, w)
	}
	return out
}

func objects(raw json.RawMessage) []map[string]json.RawMessage {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		return nil
	}
	var out []map[string]json.RawMessage
	for _, item := range list {
		var f map[string]json.RawMessage
		if json.Unmarshal(item, &f) == nil && f != nil {
			out = append(out, f)
		}
	}
	return out
}

func text(raw json.RawMessage) (string, bool) {
	var s *string
	if len(raw) == 0 || json.Unmarshal(raw, &s) != nil || s == nil || !utf8.ValidString(*s) {
		return "", false
	}
	return *s, true
}

// number reads a finite number of at most a day of seconds, which servers also
// write as a string.
func number(raw json.RawMessage) (float64, bool) {
	var v float64
	if len(raw) > 1 && raw[0] == '"' {
		raw = raw[1 : len(raw)-1]
	}
	if len(raw) == 0 || json.Unmarshal(raw, &v) != nil || math.Abs(v) > 86400 {
		return 0, false
	}
	return v, string(raw) != "null"
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
