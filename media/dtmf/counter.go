package dtmf

import (
	"errors"
	"fmt"
)

// ErrEvent says that a payload is not a telephone-event.
var ErrEvent = errors.New("telephone-event malformed")

// payloadSize is one event block: event, E|R|volume, duration (RFC 4733 §2.3).
const payloadSize = 4

// Counter counts key presses of one leg. The zero value is ready.
type Counter struct {
	count   int
	last    uint32
	started bool
}

// Observe takes one telephone-event payload and reports whether it begins a new key press. All
// packets of one press share their timestamp, and the last is sent three times (RFC 4733 §2.5.1.4),
// so the timestamp alone tells presses apart. Flash hook, tones and trunk events (above 15) are not
// presses.
func (c *Counter) Observe(timestamp uint32, payload []byte) (begins bool, err error) {
	if len(payload) < payloadSize {
		return false, fmt.Errorf("telephone-event: %d octets, want %d: %w", len(payload), payloadSize, ErrEvent)
	}
	if c.started && int32(timestamp-c.last) <= 0 {
		return false, nil // a repetition, or one that arrived late
	}
	c.started, c.last = true, timestamp
	if payload[0] > 15 {
		return false, nil
	}
	c.count++
	return true, nil
}

// Restart forgets the clock after a change of SSRC. The count stays.
func (c *Counter) Restart() { c.started = false }

// Count is the number of key presses so far.
func (c *Counter) Count() int { return c.count }
