package media

import (
	"fmt"
	"time"

	"throughline/media/codec"
)

// Feed places the audio of a stream socket (Twilio, AudioHook, jambonz, a recording) on a leg's
// timeline. Such sources have no RTP clock: the samples received are the clock, and the source
// says what it left out.
type Feed struct {
	format  codec.Format
	next    FrameWriter
	ticks   int64 // the end of what was written, in the format's clock
	pending Gap
	frame   Frame
}

// NewFeed gives a feed of one format.
func NewFeed(format codec.Format, next FrameWriter) (*Feed, error) {
	if err := format.Validate(); err != nil {
		return nil, fmt.Errorf("new feed: %w", err)
	}
	if !format.Codec.Audio() {
		return nil, fmt.Errorf("new feed: %s: %w", format, codec.ErrUnsupported)
	}
	return &Feed{format: format, next: next}, nil
}

// String prints the chain from here on.
func (f *Feed) String() string {
	return fmt.Sprintf("feed of %s → %v", f.format, f.next)
}

// Position is the media time at the end of what was written or skipped.
func (f *Feed) Position() time.Duration {
	return TicksDuration(f.ticks, f.format.ClockRate)
}

// Write adds a payload right after what came before. An Opus payload is one packet; of the other
// codecs any length will do.
func (f *Feed) Write(payload []byte) error {
	ticks, err := f.format.Ticks(payload)
	if err != nil {
		return fmt.Errorf("feed payload: %w", err)
	}
	if len(payload) > MaxPayload {
		return fmt.Errorf("feed payload: %d octets, at most %d: %w", len(payload), MaxPayload, codec.ErrPayload)
	}
	if ticks == 0 {
		return nil
	}
	f.frame = Frame{
		Offset: f.Position(), Ticks: ticks, Gap: f.pending, Format: f.format, Payload: payload,
	}
	f.pending = Gap{}
	f.ticks += int64(ticks)
	return f.next.WriteFrame(&f.frame)
}

// Skip leaves a gap before the next payload. Of several, the last kind stands for all.
func (f *Feed) Skip(d time.Duration, kind GapKind) {
	if d <= 0 || kind == NoGap {
		return
	}
	n := DurationTicks(min(d, MaxGap), f.format.ClockRate)
	f.pending.Kind = kind
	f.pending.Ticks += n
	f.ticks += n
}

// SkipTo leaves a gap up to the media time at, where the source counts time itself. A time before
// Position changes nothing, because audio already written cannot move.
func (f *Feed) SkipTo(at time.Duration, kind GapKind) {
	f.Skip(at-f.Position(), kind)
}
