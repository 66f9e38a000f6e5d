package rtpstream

import (
	"fmt"
	"time"

	"throughline/media"
	"throughline/media/codec"
	"throughline/media/quality"
)

const (
	// jumpAfter is how far timestamps and arrival may disagree from one frame to the next before the
	// timestamps are no longer believed.
	jumpAfter = time.Second
	// holdAfter is the same where the timestamps run on: either the network froze and a burst
	// follows, or the sender stopped its clock for a hold. Mobile networks freeze for a second or
	// two, so only a longer pause is a hold. A delay that grows slowly is a queue, never a hold.
	holdAfter = 3 * time.Second
	// joinWithin is the hole at a change of source that is taken for jitter.
	joinWithin = 60 * time.Millisecond
)

// timeline maps RTP timestamps to media time. Within a run of timestamps it counts clock ticks
// from base, so that nothing is rounded twice.
type timeline struct {
	begun   bool // a frame has been placed
	running bool // expect and clock hold for the next frame
	format  codec.Format
	clock   int
	base    time.Duration
	ticks   int64
	expect  uint32        // the timestamp right after the frame before
	last    int           // ticks of the frame before
	transit time.Duration // arrival of the frame before, less its media time
	skew    quality.Skew

	// What came since the last frame, which explains a gap.
	lost      int64
	event     bool
	undecoded bool
}

func (t *timeline) restart() { t.running = false }

func (t *timeline) end() time.Duration {
	return t.base + media.TicksDuration(t.ticks, t.clock)
}

// ptime is the duration of the latest frame.
func (t *timeline) ptime() time.Duration {
	return media.TicksDuration(int64(t.last), t.clock)
}

// run begins a new run of timestamps at media time at.
func (t *timeline) run(at time.Duration, clock int) {
	t.base, t.ticks, t.clock = at, 0, clock
	t.running = true
}

// place finds the gap before a frame with this timestamp and moves to the frame's end.
func (t *timeline) place(timestamp uint32, ticks int, format codec.Format, arrival time.Duration) (gap media.Gap, jumped, overlapped bool) {
	clock := format.ClockRate
	switch {
	case !t.begun:
		// Media time counts from the leg's first packet, which may have been an event.
		t.begun = true
		t.run(0, clock)
		if arrival > 0 {
			gap = media.Gap{Kind: t.reason(), Ticks: media.DurationTicks(arrival, clock)}
		}
	case !t.running || clock != t.clock:
		end := t.end()
		t.run(end, clock)
		if hole := arrival - end - t.transit; hole >= joinWithin {
			gap, jumped = t.jump(hole), true
		}
	default:
		step := int64(int32(timestamp - t.expect))
		behind := arrival - t.end() - media.TicksDuration(step, clock) - t.transit
		// Timestamps that step by no more than what was lost have not been disturbed.
		limit := jumpAfter
		if step >= 0 && step <= t.lost*int64(t.last) {
			limit = holdAfter
		}
		switch {
		case behind > limit, behind < -limit && step != 0:
			gap, jumped = t.jump(arrival-t.end()-t.transit), true
		case step > 0:
			gap = media.Gap{Kind: t.reason(), Ticks: step}
		case step < 0:
			overlapped = true // what is written cannot move; go on from its end
		}
	}
	t.ticks += gap.Ticks
	t.transit = arrival - t.end()
	t.skew.Observe(t.end(), arrival)
	t.ticks += int64(ticks)
	t.expect = timestamp + uint32(ticks)
	t.last, t.format = ticks, format
	t.lost, t.event, t.undecoded = 0, false, false
	return gap, jumped, overlapped
}

// jump is a gap by the arrival clock. Where that lies before the end, media goes on from there.
func (t *timeline) jump(hole time.Duration) media.Gap {
	if hole <= 0 {
		return media.Gap{}
	}
	return media.Gap{Kind: media.Jump, Ticks: media.DurationTicks(hole, t.clock)}
}

// reason explains a step of the timestamps by what came since the last frame.
func (t *timeline) reason() media.GapKind {
	switch {
	case t.lost > 0:
		return media.Lost
	case t.undecoded:
		return media.Unknown
	case t.event:
		return media.Event
	}
	return media.Silent
}

// write handles a packet in its turn, after lost missing ones.
func (r *Receiver) write(p *packet, lost int64) error {
	t := &r.timeline
	t.lost += lost
	switch p.format.Codec {
	case codec.TelephoneEvent:
		if _, err := r.keys.Observe(p.timestamp, p.payload); err != nil {
			r.stats.Malformed++
		}
		t.event = true
		return nil
	case codec.ComfortNoise:
		r.stats.Noise++
		return nil
	case codec.Unknown:
		r.stats.Undecoded++
		t.undecoded = true
		return nil
	}
	ticks, err := p.format.Ticks(p.payload)
	if err != nil {
		r.stats.Malformed++
		t.lost++ // its time will be missing
		return nil
	}
	if ticks == 0 {
		return nil // keep-alive packets without payload
	}
	f := &r.frame
	gap, jumped, overlapped := t.place(p.timestamp, ticks, p.format, p.arrival)
	*f = media.Frame{
		Offset: t.end() - t.ptime(), Ticks: ticks, Gap: gap, Format: p.format, Payload: p.payload,
		Skew: t.skew.Value(),
	}
	if jumped {
		r.stats.Jumps++
	}
	if overlapped {
		r.stats.Overlaps++
	}
	r.count(f)
	if err := r.next.WriteFrame(f); err != nil {
		return fmt.Errorf("write frame: %w", err)
	}
	return nil
}

// count adds a frame to the sums of media time.
func (r *Receiver) count(f *media.Frame) {
	r.stats.Frames++
	r.stats.Heard += media.TicksDuration(int64(f.Ticks), f.Format.ClockRate)
	gap := media.TicksDuration(f.Gap.Ticks, f.Format.ClockRate)
	switch f.Gap.Kind {
	case media.Lost:
		r.stats.LostTime += gap
	case media.Silent:
		r.stats.SilentTime += gap
	default:
		r.stats.OtherGaps += gap
	}
}
