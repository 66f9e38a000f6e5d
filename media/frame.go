package media

import (
	"time"

	"throughline/media/codec"
)

// GapKind says why audio is absent. The numbers are written into chunks and never change.
type GapKind uint8

const (
	NoGap    GapKind = 0
	Lost     GapKind = 1 // packets were sent and did not arrive in time
	Silent   GapKind = 2 // the sender paused: silence suppression or comfort noise
	Event    GapKind = 3 // a telephone-event stood in the audio's place
	Jump     GapKind = 4 // the clock was set anew: a new SSRC, a transfer, a hold
	Withheld GapKind = 5 // audio was kept back on purpose: a pause for card data, a discarded span
	Unknown  GapKind = 6 // audio arrived in a format that cannot be decoded here
)

// String names the kind as metrics and chains print it.
func (k GapKind) String() string {
	switch k {
	case NoGap:
		return "none"
	case Lost:
		return "lost"
	case Silent:
		return "silent"
	case Event:
		return "event"
	case Jump:
		return "jump"
	case Withheld:
		return "withheld"
	}
	return "unknown"
}

// Gap is a stretch of media time without audio, right before a frame.
type Gap struct {
	Kind  GapKind
	Ticks int64 // in the clock of the frame that follows
}

// Frame is one codec payload in its place on the leg's timeline.
type Frame struct {
	// Offset is the media time of the frame's first sample since the leg's first packet. It never
	// decreases, and the frame and its gap begin where the one before it ended.
	Offset time.Duration
	// Ticks is the duration of the payload in the format's clock.
	Ticks int
	// Gap precedes the frame.
	Gap Gap
	// Format says how to read Payload.
	Format codec.Format
	// Payload is valid until WriteFrame returns.
	Payload []byte
	// Skew is how far the sender's media clock has drifted behind the arrival clock since the leg
	// began; leg start + Offset + Skew is the moment of arrival, less network jitter. Two legs are
	// compared on that clock.
	Skew time.Duration
}

// FrameWriter takes frames in media order.
type FrameWriter interface {
	WriteFrame(*Frame) error
	// String prints the writer and what it writes to.
	String() string
}

// TicksDuration converts clock ticks to time without overflow for any sane clock. It gives 0 for a
// clock that is not positive.
func TicksDuration(ticks int64, clock int) time.Duration {
	if clock <= 0 {
		return 0
	}
	c := int64(clock)
	return time.Duration(ticks/c)*time.Second + time.Duration(ticks%c*int64(time.Second)/c)
}

// DurationTicks converts time to clock ticks, rounding to the nearest.
func DurationTicks(d time.Duration, clock int) int64 {
	if clock <= 0 {
		return 0
	}
	c := int64(clock)
	whole, rest := int64(d/time.Second), int64(d%time.Second)
	half := int64(time.Second) / 2
	if rest < 0 {
		half = -half
	}
	return whole*c + (rest*c+half)/int64(time.Second)
}
