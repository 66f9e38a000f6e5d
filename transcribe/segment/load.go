package segment

import (
	"math"
	"time"
)

// load is the share of the workers' time that finals take, as a mean that
// forgets with a time constant of two seconds.
type load struct {
	workers int
	busy    time.Duration
	since   time.Time
	mean    float64
}

const (
	loadSample = 250 * time.Millisecond
	loadMemory = 2 * time.Second
)

func (l *load) add(busy time.Duration) { l.busy += busy }

func (l *load) now(t time.Time) float64 {
	if l.since.IsZero() {
		l.since = t
	}
	passed := t.Sub(l.since)
	if passed >= loadSample {
		share := min(1, float64(l.busy)/(float64(passed)*float64(l.workers)))
		keep := math.Exp(-float64(passed) / float64(loadMemory))
		l.mean = keep*l.mean + (1-keep)*share
		l.busy, l.since = 0, t
	}
	return l.mean
}
