package quality

import "time"

// skewWindow is how long the least transit time is sought for. Queues only ever add delay, so the
// least of ten seconds is nearly free of jitter, and clock drift of 100 ppm moves it 1 ms only.
const skewWindow = 10 * time.Second

// Skew follows how far a sender's media clock lies behind the arrival clock: at first because the
// first packet was itself delayed, later because the clocks drift. The zero value is ready.
type Skew struct {
	started bool
	settled bool // a whole window has passed
	begun   time.Duration
	least   time.Duration // of the window at hand
	value   time.Duration
}

// Observe takes one packet's media time and arrival, both since the leg's start.
func (s *Skew) Observe(media, arrival time.Duration) {
	transit := arrival - media
	switch {
	case !s.started:
		*s = Skew{started: true, begun: arrival, least: transit, value: transit}
	case arrival-s.begun >= skewWindow:
		s.settled = true
		s.value = s.least
		s.begun, s.least = arrival, transit
	default:
		s.least = min(s.least, transit)
		if !s.settled {
			s.value = s.least
		}
	}
}

// Value is the least transit time: positive when media lies behind arrival. Once the first window
// has passed, it changes only at the end of each.
func (s *Skew) Value() time.Duration { return s.value }

// LegOffset gives how much later leg b began than leg a, by arrival, and by the senders' own
// clocks where both sent a believable report. Add it to b's media times to put both legs on one
// timeline. BySender says which clock was used.
func LegOffset(a, b LegClock) (offset time.Duration, bySender bool) {
	byArrival := b.Start.Sub(a.Start)
	if a.Sender.Arrival.IsZero() || b.Sender.Arrival.IsZero() || a.ClockRate <= 0 || b.ClockRate <= 0 {
		return byArrival, false
	}
	offset = b.senderStart().Sub(a.senderStart())
	// Both streams cross the same network. A sender's clock that disagrees with arrival by more
	// than any jitter is one of the bogus clocks of border controllers.
	const believable = 250 * time.Millisecond
	if d := offset - byArrival; d > believable || d < -believable {
		return byArrival, false
	}
	return offset, true
}

// LegClock is what is known about when a leg began.
type LegClock struct {
	Start     time.Time   // arrival of the first packet
	Timestamp uint32      // its RTP timestamp
	ClockRate int         // of the timestamps
	Sender    SenderClock // the zero value where no report came
}

func (l LegClock) senderStart() time.Time {
	ticks := int64(int32(l.Sender.Timestamp - l.Timestamp))
	return l.Sender.Wall().Add(-time.Duration(ticks * int64(time.Second) / int64(l.ClockRate)))
}
