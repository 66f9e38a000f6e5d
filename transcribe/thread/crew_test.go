package thread_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"throughline/transcribe/thread"
)

// As many things are done at once as the crew has members, and no more: each of
// the first waits until all of them have begun.
func TestCrew(t *testing.T) {
	const members, asked = 3, 12
	c := thread.NewCrew(members)
	var now, most atomic.Int32
	var company, all sync.WaitGroup
	company.Add(members)
	var begun atomic.Int32
	for range asked {
		all.Go(func() {
			c.Do(func() {
				n := now.Add(1)
				for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
				}
				if begun.Add(1) <= members {
					company.Done()
					company.Wait()
				}
				now.Add(-1)
			})
		})
	}
	all.Wait()
	c.Close()
	if begun.Load() != asked || most.Load() != members {
		t.Errorf("%d of %d done, at most %d at once, want %d", begun.Load(), asked, most.Load(), members)
	}
}
