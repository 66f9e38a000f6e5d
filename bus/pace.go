package bus

import (
	"runtime"
	"time"
)

// sliceOfWork is how long a batch is worked on before others are let in. Go
// itself takes a processor away after ten milliseconds only, and batches are
// full in all partitions at once: what had to be answered waited for both
// processors at each of its dozen steps.
const sliceOfWork = 100 * time.Microsecond

// Pace lets others in between the parts of work that nobody waits for. The zero
// value is ready; it belongs to one goroutine.
type Pace struct{ since time.Time }

// Step is called after each part.
func (p *Pace) Step() {
	now := time.Now()
	if p.since.IsZero() {
		p.since = now
	}
	if now.Sub(p.since) >= sliceOfWork {
		runtime.Gosched()
		p.since = time.Now()
	}
}
