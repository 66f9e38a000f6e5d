package twilio

import (
	"errors"
	"time"

	"throughline/ingest/calls"
	"throughline/media"
	"throughline/media/codec"
)

// The limits of what is waited for and believed of a track's order and time.
const (
	maxHeld   = 16                    // frames held back for one that is missing
	firstLate = 4                     // a first chunk up to this number may follow earlier ones
	tolerance = 60 * time.Millisecond // by which a timestamp may run ahead of the samples
	maxAhead  = 30 * time.Second      // by which it may run ahead of our clock
	pieces    = 8000                  // octets written at once
)

// track is one party of a stream. Telnyx does not keep the order of frames, and a
// pause of either party is told by timestamps alone.
type track struct {
	leg    *calls.StreamLeg
	format codec.Format
	count  func(what string)
	next   int64 // number of the chunk that comes next; −1: none has come
	held   map[int64]piece
	missed bool // chunks were given up since the last that was written
}

// piece is the audio of one frame.
type piece struct {
	at     time.Duration // since the stream's first audio
	timed  bool
	octets []byte
}

// put takes the frame with the given number; −1 is one that is not counted.
func (t *track) put(chunk int64, p piece, arrival time.Time) error {
	if chunk < 0 {
		return t.write(p, arrival)
	}
	if t.next < 0 {
		t.next = chunk
		if chunk <= firstLate {
			t.next = min(chunk, 1)
		}
	}
	switch {
	case chunk == t.next:
		if err := t.write(p, arrival); err != nil {
			return err
		}
		t.next++
		return t.release(arrival)
	case chunk < t.next:
		t.count("late")
		return nil
	}
	if _, twice := t.held[chunk]; twice {
		t.count("repeated")
		return nil
	}
	if t.held == nil {
		t.held = map[int64]piece{}
	}
	p.octets = append([]byte(nil), p.octets...)
	t.held[chunk] = p
	if len(t.held) < maxHeld {
		return nil
	}
	return t.skip(arrival)
}

// skip gives up the chunks before the first that is held.
func (t *track) skip(arrival time.Time) error {
	lowest := int64(-1)
	for n := range t.held {
		if lowest < 0 || n < lowest {
			lowest = n
		}
	}
	if lowest < 0 {
		return nil
	}
	t.count("missing")
	t.missed = true
	t.next = lowest
	return t.release(arrival)
}

// release writes what is held and comes next.
func (t *track) release(arrival time.Time) error {
	for {
		p, ok := t.held[t.next]
		if !ok {
			return nil
		}
		delete(t.held, t.next)
		if !t.missed {
			t.count("reordered")
		}
		if err := t.write(p, arrival); err != nil {
			return err
		}
		t.next++
	}
}

// drain writes all that is held, when nothing more will come.
func (t *track) drain(arrival time.Time) {
	for len(t.held) > 0 {
		if t.skip(arrival) != nil {
			return // the call is over
		}
	}
}

// write places audio where its timestamp says.
func (t *track) write(p piece, arrival time.Time) error {
	if p.timed && p.at > t.leg.Position()+tolerance {
		why := media.Silent
		if t.missed {
			why = media.Lost
		}
		t.leg.SkipTo(p.at, why)
	}
	t.missed = false
	for all := p.octets; len(all) > 0; {
		n := len(all)
		if t.format.Codec != codec.Opus { // a packet of Opus is one whole
			n = min(n, pieces)
		}
		err := t.leg.Write(all[:n], arrival)
		if errors.Is(err, codec.ErrPayload) {
			t.count("unusable")
			return nil
		}
		if err != nil {
			return err
		}
		all = all[n:]
	}
	return nil
}
