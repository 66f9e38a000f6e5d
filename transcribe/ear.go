package transcribe

import (
	"context"
	"time"

	"throughline/media"
	"throughline/transcribe/segment"
	"throughline/transcribe/speech"
	"throughline/transcribe/vad"
)

// ear is the end of a leg's decoding chain. It keeps the segmenter on the leg's
// media time, and its frames on multiples of their length: a leg that is taken up
// in the middle, after a crash, then hears the same frames and so finds the same
// utterances.
type ear struct {
	open func(segment.LegConfig) *segment.Leg
	cfg  segment.LegConfig
	// before sees each block first.
	before func(media.Block)

	ctx   context.Context // of the write at hand
	leg   *segment.Leg
	next  int64 // the sample that the segmenter expects
	zeros [vad.Frame]int16
}

// tolerance is how many samples media time may jitter by rounding.
const tolerance = speech.Rate / 1000

// sample is the time of one sample, which at speech.Rate is whole nanoseconds.
const sample = time.Second / speech.Rate

// Rate is the sample rate that WritePCM takes.
func (e *ear) Rate() int { return speech.Rate }

// String prints the end of a chain.
func (e *ear) String() string { return "speech segmenter at 16000 Hz" }

// WritePCM hands a block on. It waits while the segmenter is full.
func (e *ear) WritePCM(b media.Block) error {
	at := media.DurationTicks(b.Offset, speech.Rate)
	frame := at - at%vad.Frame
	e.before(b)
	switch {
	case e.leg == nil:
		e.cfg.Start = time.Duration(frame) * sample
		e.leg, e.next = e.open(e.cfg), frame
		if err := e.fill(at); err != nil {
			return err
		}
	case at-e.next > tolerance:
		if frame > e.next {
			if err := e.leg.Skip(e.ctx, time.Duration(frame-e.next)*sample); err != nil {
				return err
			}
			e.next = frame
		}
		if err := e.fill(at); err != nil {
			return err
		}
	}
	e.next += int64(len(b.Samples))
	return e.leg.Write(e.ctx, b.Samples)
}

// fill writes silence up to a sample within the frame.
func (e *ear) fill(at int64) error {
	n := at - e.next
	e.next = at
	return e.leg.Write(e.ctx, e.zeros[:n])
}
