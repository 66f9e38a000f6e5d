package calls

import (
	"cmp"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"time"

	"throughline/event"
)

// The reasons that the door itself gives.
const (
	ReasonStopped      = "process stopped"
	ReasonProcessEnded = "process ended"
	ReasonProcessBack  = "process restarted"
	ReasonNoAudio      = "no audio"
	ReasonAudioStopped = "audio stopped"
	ReasonAudioBack    = "audio resumed"
	ReasonUndecodable  = "audio cannot be decoded"
	ReasonPaused       = "recording paused"
	ReasonUnpaused     = "recording resumed"
	ReasonWithheld     = "audio withheld"
	ReasonAllowed      = "audio allowed again"
	ReasonRole         = "role corrected"
	ReasonQuality      = "audio quality"
	ReasonTooLong      = "longer than calls.max_duration"
)

// nodeAttr names the process that holds the call, for its next life.
const nodeAttr = "node"

// legAttr is the leg that a change is about.
const legAttr = "leg"

// Call is one call going on. It is safe for concurrent use.
type Call struct {
	door     *Door
	id       string
	customer string
	desc     Description
	began    time.Time // offset zero of the legs; for a recording it lies in the past
	taken    time.Time // when the call was taken here
	first    time.Time // when it was taken by the first process that heard it
	out      *outbox

	mu       sync.Mutex
	holders  int
	leaving  int  // of the holders, those that FailAfter will release
	ending   bool // its last holder has let go
	finished bool
	done     chan struct{}
	legs     []*leg
	lost     quality           // of legs that ended before the call
	pauses   map[string]string // why, by whom
	refused  string            // what the customer does not allow, "" if nothing
	unheard  []string          // what legs lacked from their beginning to their end
	held     bool
	heldAt   time.Time     // since when
	heldFor  time.Duration // before that
	checked  time.Time     // when consent was last asked for
}

func newCall(d *Door, id string, desc Description) *Call {
	now := d.now()
	attrs := map[string]string{"source": desc.Source}
	maps.Copy(attrs, desc.Attrs)
	desc.Attrs = attrs
	c := &Call{door: d, id: id, customer: event.CustomerID(desc.Tenant, desc.Customer), desc: desc, began: now, taken: now, first: now,
		holders: 1, done: make(chan struct{}), pauses: map[string]string{}}
	c.out = newOutbox(d)
	return c
}

// Interaction is the call's id.
func (c *Call) Interaction() string { return c.id }

// Tenant is whose call it is.
func (c *Call) Tenant() string { return c.desc.Tenant }

// Customer is the id of the customer, as the call began.
func (c *Call) Customer() string { return c.customer }

// Began is when the call was taken here: offset zero of its legs.
func (c *Call) Began() time.Time { return c.began }

// Done is closed when the call has come to its end.
func (c *Call) Done() <-chan struct{} { return c.done }

// hold adds a holder; it reports false when the call has just ended.
func (c *Call) hold() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.finished || c.ending {
		return false
	}
	c.holders++
	return true
}

// introduce publishes whose handle it is that calls, with the id that the other
// channels give the same fact.
func (c *Call) introduce() {
	c.out.add(event.Identities().Message(c.belongs(c.desc.Customer)))
}

func (c *Call) belongs(h event.Handle) event.Identity {
	h = h.Canonical()
	owner := event.CustomerID(c.desc.Tenant, h)
	return event.Identity{ID: event.ID("n", c.desc.Tenant, owner, string(h.Kind), h.Value), Tenant: c.desc.Tenant, Customer: owner,
		Handle: &h, By: string(event.Voice), Why: "came with a call", At: c.at()}
}

// Identify says that the caller, unknown at first, is the one with this handle.
func (c *Call) Identify(h event.Handle) {
	is := c.belongs(h)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.finished || is.Customer == c.customer {
		return
	}
	c.out.add(event.Identities().Message(is))
	c.out.add(event.Identities().Message(event.Identity{ID: event.ID("n", c.desc.Tenant, c.customer, "into", is.Customer),
		Tenant: c.desc.Tenant, Customer: c.customer, Into: is.Customer, By: string(event.Voice), Why: "named during the call", At: c.door.now()}))
}

func (c *Call) at() time.Time {
	if c.desc.At.IsZero() {
		return c.began
	}
	return c.desc.At
}

func (c *Call) start() {
	c.publish(event.Interaction{ID: event.ID("x", c.id, "started"), Change: event.Started, At: c.at(),
		Direction: c.desc.Direction, Queue: c.desc.Queue, Agent: c.desc.Agent, Case: c.desc.Case, Attrs: c.desc.Attrs})
}

// resume says that the call was begun by a process that died: it is as old as its
// first beginning.
func (c *Call) resume(before event.Interaction) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.finished {
		return
	}
	c.first = before.At
	c.publish(event.Interaction{Change: event.Resumed, Reason: ReasonProcessBack})
}

// publish completes a change and queues it.
func (c *Call) publish(i event.Interaction) {
	now := c.door.now()
	i.Tenant, i.Customer, i.Interaction, i.Channel = c.desc.Tenant, c.customer, c.id, event.Voice
	i.Handle, i.Account, i.Received = c.desc.Customer.Masked(), c.desc.Account, now
	if i.Direction == "" {
		i.Direction = c.desc.Direction
	}
	if i.At.IsZero() {
		i.At = now
	}
	if i.ID == "" {
		i.ID = event.ID("x", c.id, string(i.Change), string(i.Role), i.Reason, i.Attrs[legAttr], strconv.FormatInt(i.At.UnixNano(), 36))
	}
	c.out.put(item{change: &i})
}

// clear has the gate take personal data out of a change. It is done when the
// change is stored, since nothing may keep a call from being answered. The names
// that we give, of the process and of the leg, are no personal data and must be
// read back as written.
func (d *Door) clear(i event.Interaction) event.Message {
	leg := i.Attrs[legAttr]
	i = d.gate.Interaction(i)
	ours := map[string]string{}
	if leg != "" {
		ours[legAttr] = leg
	}
	if i.Change == event.Started || i.Change == event.Resumed {
		ours[nodeAttr] = d.cfg.Node
	}
	if len(ours) > 0 {
		attrs := maps.Clone(i.Attrs)
		if attrs == nil {
			attrs = ours
		}
		maps.Copy(attrs, ours)
		i.Attrs = attrs
	}
	return event.Interactions().Message(i)
}

// change publishes i unless the call has ended.
func (c *Call) change(i event.Interaction) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.finished {
		c.publish(i)
	}
}

// Transfer says that a side was handed to another agent or queue.
func (c *Call) Transfer(agent, queue, reason string) {
	c.change(event.Interaction{Change: event.Transferred, Role: event.Agent, Agent: agent, Queue: queue, Reason: reason})
}

// Note reports a fact about the call that is no change of its state.
func (c *Call) Note(reason string, attrs map[string]string) {
	c.change(event.Interaction{Change: event.Measured, Reason: reason, Attrs: attrs})
}

// Leg is one leg of a call as it is shown.
type Leg struct {
	ID    string     `json:"leg"`
	Name  string     `json:"name"`
	Role  event.Role `json:"role,omitempty"`
	Agent string     `json:"agent,omitempty"`
}

// Legs are the legs that the call has now.
func (c *Call) Legs() []Leg {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]Leg, 0, len(c.legs))
	for _, l := range c.legs {
		l.mu.Lock()
		all = append(all, Leg{ID: l.id, Name: l.opts.Name, Role: l.role, Agent: l.agent})
		l.mu.Unlock()
	}
	return all
}

// Correct says who speaks on the leg with an id. It reports false if the call has
// no such leg.
func (c *Call) Correct(id string, role event.Role, agent, by string) bool {
	c.mu.Lock()
	var found *leg
	for _, l := range c.legs {
		if l.id == id {
			found = l
		}
	}
	c.mu.Unlock()
	if found == nil {
		return false
	}
	found.SetRole(role, agent, by)
	return true
}

func (c *Call) addLeg(l *leg) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.finished {
		return ErrEnded
	}
	if len(c.legs) >= c.door.cfg.MaxLegs {
		return fmt.Errorf("add leg: %d are there: raise calls.max_legs", len(c.legs))
	}
	c.legs = append(c.legs, l)
	c.checkConsent(c.door.now())
	c.apply()
	c.publish(event.Interaction{Change: event.Joined, Role: l.role, Agent: l.agent, Attrs: l.attrs(nil)})
	return nil
}

// removeLeg forgets a leg. The caller holds mu.
func (c *Call) removeLeg(l *leg) {
	for i, have := range c.legs {
		if have == l {
			c.legs = append(c.legs[:i], c.legs[i+1:]...)
			return
		}
	}
}

func (c *Call) lookAfter(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.finished {
		return
	}
	if now.Sub(c.taken) > c.door.cfg.MaxDuration {
		go c.finish(event.Failed, ReasonTooLong) // it takes the lock that is held here
		return
	}
	c.checkConsent(now)
	for _, l := range c.legs {
		l.lookAfter(now, c.still())
	}
}

// Quiet is how long no leg has received anything.
func (c *Call) Quiet(now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	quiet := now.Sub(c.taken)
	for _, l := range c.legs {
		quiet = min(quiet, l.Quiet(now))
	}
	return quiet
}

// End releases the call; the last holder's End brings it to its regular end.
func (c *Call) End(reason string) { c.release(event.Ended, reason) }

// Fail brings the call to an end by a fault.
func (c *Call) Fail(reason string) { c.release(event.Failed, reason) }

// Abandon brings to an end a call that never came about.
func (c *Call) Abandon(reason string) { c.release(event.Abandoned, reason) }

func (c *Call) release(how event.Change, reason string) {
	if c.letGo() {
		c.finish(how, reason)
	}
}

// letGo takes a holder away, and tells whether it was the last: whoever comes from
// then on comes too late.
func (c *Call) letGo() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.holders--
	last := c.holders <= c.leaving
	c.ending = c.ending || last
	return last
}

// finish closes the legs and publishes the end, once.
func (c *Call) finish(how event.Change, reason string) {
	c.mu.Lock()
	if c.finished {
		c.mu.Unlock()
		return
	}
	legs := c.legs
	c.legs = nil
	whole := c.lost
	for _, l := range legs {
		whole.add(l.close(reason))
	}
	reason = cmp.Or(reason, "no reason given")
	if how == event.Ended && len(c.unheard) > 0 {
		// A call of which a side was never heard looks like one in which it kept silent.
		reason += "; " + strings.Join(c.unheard, ", ")
	}
	now := c.door.now()
	measures := whole.measures(now.Sub(c.first))
	measures.HoldMS = c.onHold(now)
	c.publish(event.Interaction{ID: event.ID("x", c.id, "ended"), Change: how, At: now, Reason: reason, Measures: measures})
	c.finished = true
	close(c.done)
	c.mu.Unlock()
	c.door.metrics.finished.WithLabelValues(c.desc.Source, string(how)).Inc()
	c.door.forget(c)
	c.out.close()
}
