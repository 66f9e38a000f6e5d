package siprec

import (
	"sync"
	"time"
)

// turn lets the requests of a dialog be handled one at a time and in the order of
// their numbers. Each comes in a goroutine of its own, and a BYE on the heels of a
// re-INVITE would often be the first to run: the re-INVITE would be told that
// there is no such call, and the metadata that it brought would be lost.
type turn struct {
	mu    sync.Mutex
	last  uint32 // CSeq of the latest request that had its turn
	taken bool
	moved chan struct{} // closed when taken or last has changed
}

func newTurn(first uint32) *turn { return &turn{last: first, moved: make(chan struct{})} }

// overtaken is how long a request waits for one with a lower number. Numbers may be
// left out (RFC 3261 §12.2.1.1), so it is shorter than T1, after which the peer
// would send its request again.
const overtaken = 200 * time.Millisecond

// enter waits for the turn of a request. It reports false if one with a higher
// number had it.
func (t *turn) enter(seq uint32) bool {
	patience := time.NewTimer(overtaken)
	defer patience.Stop()
	waited := false
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		switch {
		case seq < t.last:
			return false
		case !t.taken && (waited || seq <= t.last+1):
			t.taken, t.last = true, seq
			return true
		}
		moved := t.moved
		t.mu.Unlock()
		select {
		case <-moved:
		case <-patience.C:
			waited = true
		}
		t.mu.Lock()
	}
}

// leave ends the turn of the request that has it.
func (t *turn) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.taken = false
	close(t.moved)
	t.moved = make(chan struct{})
}
