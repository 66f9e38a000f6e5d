package audiohook

import (
	"time"

	"throughline/ingest/calls"
	"throughline/media"
)

// ask tells Genesys whether audio is wanted, as it stands when that is sent: the
// last of several says what holds.
func (c *session) ask(call *calls.Call) {
	c.asking.Lock()
	defer c.asking.Unlock()
	kind := "resume"
	if call.Paused(calls.ByRequest) {
		kind = "pause"
		call.Pause(c.id, "Genesys was asked to pause") // until it says resumed: audio is on its way
	}
	_ = c.send(kind, struct{}{}) // whoever reads the connection finds out that it is lost
}

func (c *session) pause() {
	if c.call == nil {
		return
	}
	c.paused = true
	c.call.Pause(c.id, "paused by Genesys")
}

func (c *session) resume(m received) error {
	if err := c.discarded(m); err != nil || c.call == nil {
		return err
	}
	if c.call.Paused(calls.ByRequest) {
		return c.send("pause", struct{}{}) // it was resumed there, and is still to be paused here
	}
	c.paused = false
	c.call.Unpause(c.id)
	return nil
}

// discarded leaves a gap for audio that was never sent.
func (c *session) discarded(m received) error {
	var p spanParameters
	if err := m.parameters(&p); err != nil {
		return fault{err.Error()}
	}
	for _, l := range c.legs {
		l.SkipTo(time.Duration(p.Start+p.Discarded), media.Withheld)
	}
	return nil
}
