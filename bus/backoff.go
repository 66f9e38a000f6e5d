package bus

import (
	"context"
	"math/rand/v2"
	"time"
)

// backoff doubles a pause from least to most, with jitter, so that many waiters
// do not come back at once.
type backoff struct{ next, most time.Duration }

func newBackoff(least, most time.Duration) *backoff { return &backoff{next: least, most: most} }

// wait pauses and tells whether to go on; false means ctx ended.
func (b *backoff) wait(ctx context.Context) bool {
	t := time.NewTimer(b.next/2 + rand.N(b.next/2+1))
	defer t.Stop()
	b.next = min(2*b.next, b.most)
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
