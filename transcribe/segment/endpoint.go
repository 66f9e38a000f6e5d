package segment

import (
	"slices"

	"throughline/transcribe/speech"
	"throughline/transcribe/vad"
)

// The rules by which speech becomes utterances, with the values that were
// tuned on recorded speech. Lengths are in samples.
const (
	// An utterance opens at a frame with a probability of onset or more, and
	// goes on while frames have sustain or more.
	onset   = 0.5
	sustain = 0.35

	// leastVoiced is how many frames must be voiced before it counts as speech.
	leastVoiced = 4

	// lead and trail are the audio kept before and after the voiced part. Over
	// lines from clean to 5 % loss, a lead of 0.2 s gives 13.5 % word errors,
	// 0.3 s 10.5 % and 0.4 s 14 %; the trail matters less.
	lead  = speech.Rate * 3 / 10
	trail = speech.Rate / 5

	// hangover is the silence that ends an utterance, and shortHangover the
	// silence that ends a long one: it is better to cut in a short pause than
	// to be forced to cut without one.
	hangover      = speech.Rate * 2 / 5
	shortHangover = speech.Rate * 24 / 100
	long          = 6 * speech.Rate

	// longest is where an utterance is cut without a pause, at the frame least
	// like speech of the last cutWindow.
	longest   = 12 * speech.Rate
	cutWindow = 60

	// guessAfter is the silence after which the end is guessed.
	guessAfter = speech.Rate / 5
)

// span is an utterance in the leg's audio, as absolute sample numbers: from
// and to bound what the recogniser hears, start and end the voiced part.
type span struct {
	from, to, start, end int64
	// voiced tells for each frame from start on whether it is speech.
	voiced []bool
	cut    bool
}

// endpointer decides from one frame after the other where utterances begin and
// end. The zero value has heard nothing.
type endpointer struct {
	open     bool
	told     bool  // the utterance counts as speech and was reported
	from     int64 // first sample that the recogniser hears
	start    int64 // first sample of the first frame
	end      int64 // sample after the last voiced frame
	floor    int64 // samples before it belong to an earlier utterance
	voiced   int
	guessed  bool
	progress []float32 // probabilities from start on
}

// verdict is what a frame changed.
type verdict struct {
	started bool  // speech began
	guess   *span // the utterance may be over
	resumed bool  // a guess was wrong
	final   *span // the utterance is over
	ended   bool  // speech ended
}

// step hears the probability of the frame that begins at sample at.
func (e *endpointer) step(p float32, at int64) verdict {
	var v verdict
	if !e.open {
		if p < onset {
			return v
		}
		*e = endpointer{open: true, floor: e.floor, start: at, from: max(at-lead, e.floor), progress: e.progress[:0]}
	}
	e.progress = append(e.progress, p)
	now := at + vad.Frame
	if p >= sustain {
		e.end = now
		e.voiced++
		if e.guessed {
			e.guessed = false
			v.resumed = true
		}
		if !e.told && e.voiced >= leastVoiced {
			e.told = true
			v.started = true
		}
	}
	silence := now - e.end
	need := int64(hangover)
	if now-e.from > long {
		need = shortHangover
	}
	switch {
	case silence >= need:
		e.close(&v)
	case now-e.from >= longest:
		v.final = e.cutHere()
	case silence >= guessAfter && !e.guessed && e.told && need == hangover:
		e.guessed = true
		s := e.span()
		v.guess = &s
	}
	return v
}

// flush ends an open utterance because the audio ends.
func (e *endpointer) flush() verdict {
	var v verdict
	if e.open {
		e.close(&v)
	}
	return v
}

func (e *endpointer) close(v *verdict) {
	if e.told {
		if e.voiced >= leastVoiced {
			s := e.span()
			v.final = &s
		}
		v.ended = true
	}
	e.floor = e.end
	e.open = false
}

// silence is for how many samples before now nobody spoke.
func (e *endpointer) silence(now int64) int64 { return now - e.end }

func (e *endpointer) span() span {
	frames := int(e.end-e.start) / vad.Frame
	return span{from: e.from, to: e.end + trail, start: e.start, end: e.end, voiced: voicedFrames(e.progress[:frames])}
}

// cutHere ends the utterance without a pause and opens the next one where it
// ended, without a margin: words heard twice are worse than a clipped sound.
func (e *endpointer) cutHere() *span {
	at := len(e.progress) - 1
	for i := at; i > 0 && i > len(e.progress)-cutWindow; i-- {
		if e.progress[i] < e.progress[at] {
			at = i
		}
	}
	to := e.start + int64(at+1)*vad.Frame
	s := &span{from: e.from, to: to, start: e.start, end: min(to, e.end), cut: true}
	s.voiced = voicedFrames(e.progress[:at+1])
	rest := slices.Clone(e.progress[at+1:])
	next := endpointer{open: true, told: true, from: to, start: to, end: max(to, e.end), floor: to, progress: rest}
	for _, p := range rest {
		if p >= sustain {
			next.voiced++
		}
	}
	*e = next
	return s
}

func voicedFrames(p []float32) []bool {
	out := make([]bool, len(p))
	for i, v := range p {
		out[i] = v >= sustain
	}
	return out
}
