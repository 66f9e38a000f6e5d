package calls

import "time"

// FailAfter releases the call as Fail does, once grace is over: until then the
// source may begin it again and go on. A process that stops does not wait.
func (c *Call) FailAfter(grace time.Duration, reason string) {
	go func() {
		t := time.NewTimer(grace)
		defer t.Stop()
		select {
		case <-t.C:
		case <-c.done:
		}
		c.Fail(reason)
	}()
}
