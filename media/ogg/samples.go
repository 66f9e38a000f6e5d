package ogg

import (
	"errors"
	"fmt"
	"io"
	"time"

	"throughline/media"
	"throughline/media/codec"
)

// Samples gives the sound of a file, without lead-in and padding. The header's gain is not applied:
// recognisers level their input, and a wrong gain could clip it.
type Samples struct {
	in       *Reader
	codec    codec.Decoder
	channels int
	lead     int     // samples of the lead-in still to be dropped
	held     []int16 // one packet behind, because the end of the last is known only after it
	out      []int16
	done     bool
}

// NewSamples reads what r gives, at one of Opus' own rates. Stereo is mixed for one channel; two are
// given in turn.
func NewSamples(r *Reader, rate, channels int) (*Samples, error) {
	d, err := codec.NewOpus(rate, channels)
	if err != nil {
		return nil, fmt.Errorf("ogg decode: %w: %w", err, media.ErrRate)
	}
	return &Samples{in: r, codec: d, channels: channels, lead: r.head.PreSkip * rate / clock * channels}, nil
}

// Next gives the samples of the next packet, valid until the call after; io.EOF at the end. A packet
// that is damaged is silence of its length.
func (s *Samples) Next() ([]int16, error) {
	for !s.done {
		s.out, s.held = s.held, s.out[:0]
		packet, ticks, err := s.in.Next()
		switch {
		case errors.Is(err, io.EOF):
			s.done = true
			s.out = s.out[:max(len(s.out)-s.scale(s.in.Surplus()), 0)]
		case err != nil:
			return nil, err
		default:
			if s.held, err = s.codec.Decode(s.held, packet); err != nil {
				s.held = append(s.held, make([]int16, s.scale(ticks))...)
			}
		}
		n := min(s.lead, len(s.out))
		s.lead -= n
		if n < len(s.out) {
			return s.out[n:], nil
		}
	}
	return nil, io.EOF
}

// scale turns ticks into samples of all channels.
func (s *Samples) scale(ticks int) int { return ticks * s.codec.Rate() / clock * s.channels }

// Decode writes the file's sound to sink, in blocks of media time from 0, mixed to mono, and gives
// its duration.
func Decode(in io.Reader, sink media.PCMWriter) (time.Duration, error) {
	r, err := NewReader(in)
	if err != nil {
		return 0, err
	}
	s, err := NewSamples(r, sink.Rate(), 1)
	if err != nil {
		return 0, err
	}
	at := int64(0)
	for {
		samples, err := s.Next()
		if errors.Is(err, io.EOF) {
			return media.TicksDuration(at, sink.Rate()), nil
		}
		if err != nil {
			return 0, err
		}
		if err := sink.WritePCM(media.Block{Offset: media.TicksDuration(at, sink.Rate()), Samples: samples}); err != nil {
			return 0, fmt.Errorf("ogg decode: %w", err)
		}
		at += int64(len(samples))
	}
}
