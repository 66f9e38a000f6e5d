package calls

import (
	"cmp"
	"time"

	"throughline/event"
)

// Hold says that a side is on hold. Audio that still comes is kept; that none
// comes is no problem.
func (c *Call) Hold(by event.Role, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.finished || c.held {
		return
	}
	c.held, c.heldAt = true, c.door.now()
	c.publish(event.Interaction{Change: event.Held, At: c.heldAt, Role: by, Reason: reason})
}

// Resume ends a hold.
func (c *Call) Resume(by event.Role, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.finished || !c.held {
		return
	}
	now := c.door.now()
	c.held, c.heldFor = false, c.heldFor+now.Sub(c.heldAt)
	for _, l := range c.legs {
		l.awake(now)
	}
	c.publish(event.Interaction{Change: event.Resumed, At: now, Role: by, Reason: reason,
		Measures: &event.Measures{DurationMS: now.Sub(c.first).Milliseconds(), HoldMS: c.onHold(now)}})
}

// onHold is how long the call has been on hold; nil where that cannot be known,
// since the source does not tell or a process that died heard a part of the call.
// The caller holds mu.
func (c *Call) onHold(now time.Time) *int64 {
	if !c.desc.Holds || c.first.Before(c.began) {
		return nil
	}
	all := c.heldFor
	if c.held {
		all += now.Sub(c.heldAt)
	}
	ms := all.Milliseconds()
	return &ms
}

// Held tells whether the call is on hold.
func (c *Call) Held() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.held
}

// ByRequest is who pauses a call by the API. Everybody else who does is a source,
// which then brings no audio.
const ByRequest = "request"

// Pause discards the audio of all legs from now on, before it is buffered: while
// card data is spoken (PCI DSS). The gap is marked, and the call says why. Whoever
// paused has to unpause: nobody else can.
func (c *Call) Pause(by, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, has := c.pauses[by]; has || c.finished {
		return
	}
	c.pauses[by] = cmp.Or(reason, "no reason given")
	reason = c.pauses[by]
	c.apply()
	c.door.tell(c.id, by)
	c.publish(event.Interaction{Change: event.Measured, Reason: ReasonPaused, Attrs: map[string]string{"recording": "paused", "why": reason}})
}

// Unpause keeps audio again, unless somebody else paused too.
func (c *Call) Unpause(by string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, has := c.pauses[by]; !has || c.finished {
		return
	}
	delete(c.pauses, by)
	c.door.tell(c.id, by)
	if len(c.pauses) > 0 {
		return
	}
	c.apply()
	for _, l := range c.legs {
		l.awake(c.door.now())
	}
	c.publish(event.Interaction{Change: event.Measured, Reason: ReasonUnpaused, Attrs: map[string]string{"recording": "on"}})
}

// Paused tells whether somebody has paused the call.
func (c *Call) Paused(by string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, has := c.pauses[by]
	return has
}

// still tells whether no audio is due: on hold, or because a source paused. The
// caller holds mu.
func (c *Call) still() bool {
	sources := len(c.pauses)
	if _, has := c.pauses[ByRequest]; has {
		sources--
	}
	return c.held || sources > 0
}

// consentEvery is how often consent is asked for again: a withdrawal counts from
// the moment it is known.
const consentEvery = time.Second

// checkConsent shuts or opens the legs. The caller holds mu.
func (c *Call) checkConsent(now time.Time) {
	if now.Sub(c.checked) < consentEvery {
		return
	}
	c.checked = now
	why := c.door.refused(c.desc.Tenant, c.customer)
	if why == c.refused {
		return
	}
	c.refused = why
	c.apply()
	if why == "" {
		c.publish(event.Interaction{Change: event.Measured, Reason: ReasonAllowed, Attrs: map[string]string{"recording": "on"}})
		return
	}
	c.publish(event.Interaction{Change: event.Measured, Reason: ReasonWithheld, Attrs: map[string]string{"recording": "withheld", "why": why}})
}

// apply tells the legs whether audio may pass. The caller holds mu.
func (c *Call) apply() {
	why := ""
	switch {
	case len(c.pauses) > 0:
		why = "pause"
	case c.refused != "":
		why = "consent"
	}
	for _, l := range c.legs {
		l.shut(why)
	}
}
