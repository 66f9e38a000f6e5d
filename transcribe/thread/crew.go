package thread

import "sync"

// Crew is a few goroutines that yield, and do what others ask of them: as much at
// once as it has members. What is asked of a busy crew waits.
type Crew struct {
	work    chan func()
	members sync.WaitGroup
}

// NewCrew starts a crew of n.
func NewCrew(n int) *Crew {
	c := &Crew{work: make(chan func())}
	for range n {
		c.members.Go(func() {
			Yield()
			for do := range c.work {
				do()
			}
		})
	}
	return c
}

// Do has a member of the crew do something, and returns when it is done.
func (c *Crew) Do(something func()) {
	done := make(chan struct{})
	c.work <- func() {
		defer close(done)
		something()
	}
	<-done
}

// Close lets the crew go, when it is done. Nothing may be asked of it any more.
func (c *Crew) Close() {
	close(c.work)
	c.members.Wait()
}
