package calls

import (
	"time"

	"throughline/event"
)

// FailAfter releases the call as Fail does, once grace is over: until then the
// source may begin it again and go on, and who does so alone decides how the call
// ends. A process that stops does not wait.
func (c *Call) FailAfter(grace time.Duration, reason string) {
	c.mu.Lock()
	c.leaving++
	c.mu.Unlock()
	go func() {
		t := time.NewTimer(grace)
		defer t.Stop()
		select {
		case <-t.C:
		case <-c.done:
		}
		c.mu.Lock()
		c.leaving--
		c.holders--
		last := c.holders <= 0
		c.ending = c.ending || last
		c.mu.Unlock()
		if last {
			c.finish(event.Failed, reason)
		}
	}()
}
