package outgoing

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	failuresToOpen = 5               // in a row, over all customers
	leastPause     = time.Second     // before the first probe of an open breaker
	mostPause      = 5 * time.Minute // between probes
	mostRetryAfter = time.Hour       // what a target may ask for with Retry-After
)

var errTooOld = errors.New("too old")

// breaker decides when the next request to a target may begin. Closed, requests
// run side by side up to a number, each a little after the one before, so that
// a target which comes back is met by a steady rate and not by all that waited.
// Open, after a row of failures, nobody calls but a single probe after each pause.
type breaker struct {
	concurrency int
	every       time.Duration // between the starts of two requests

	mu       sync.Mutex
	changed  chan struct{} // closed, and made anew, whenever somebody may go on
	busy     int
	next     time.Time // no request begins before: the rate
	until    time.Time // no request begins before: a pause
	failures int       // in a row
	gone     bool      // the target said that it wants no more, ever
	accepted uint64
}

func newBreaker(rate float64, concurrency int) *breaker {
	return &breaker{concurrency: concurrency, every: time.Duration(float64(time.Second) / rate), changed: make(chan struct{})}
}

// enter waits for a turn. It fails when ctx ends, and with errTooOld at expiry,
// unless it is the first turn that is asked for and the target is well: then it
// was not the target that kept the event waiting.
func (b *breaker) enter(ctx context.Context, expiry time.Time, first bool) error {
	for {
		wait, changed := b.tryEnter(time.Now())
		if wait == 0 {
			return nil
		}
		if left := time.Until(expiry); left > 0 {
			wait = min(wait, left)
		} else if !first || b.state() != 0 {
			return errTooOld
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-changed:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// tryEnter takes a turn, or tells how long to wait and what may come before.
func (b *breaker) tryEnter(now time.Time) (time.Duration, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	begin := b.next
	if b.until.After(begin) {
		begin = b.until
	}
	switch {
	case b.gone, b.failures >= failuresToOpen && b.busy > 0, b.busy >= b.concurrency:
		return time.Hour, b.changed // whoever is under way tells when it is over
	case begin.After(now):
		return begin.Sub(now), b.changed
	}
	b.busy++
	b.next = now.Add(b.every)
	return 0, nil
}

// leave ends a turn with what came of it.
func (b *breaker) leave(v verdict) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.busy--
	switch v.result {
	case accepted:
		b.accepted++
		b.failures = 0
	case refused:
		b.failures = 0 // it is there, and answers
	case gone:
		b.gone = true
	case failed:
		b.failures++
		if b.failures >= failuresToOpen {
			b.pause(jittered(leastPause, mostPause, b.failures-failuresToOpen))
		}
	}
	b.pause(min(v.retryAfter, mostRetryAfter))
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *breaker) pause(d time.Duration) {
	if until := time.Now().Add(d); until.After(b.until) {
		b.until = until
	}
}

// jittered is an exponential pause with full jitter: anything between nothing
// and least·2^tries, at most most, so that those who failed together do not
// come back together.
func jittered(least, most time.Duration, tries int) time.Duration {
	longest := most
	if tries < 32 && least<<tries < most {
		longest = least << tries
	}
	return rand.N(longest) + 1
}

// taken is how many requests were accepted so far.
func (b *breaker) taken() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.accepted
}

// state is closed (0), open (1) or gone (2).
func (b *breaker) state() float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.gone:
		return 2
	case b.failures >= failuresToOpen:
		return 1
	}
	return 0
}
