package calls

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"throughline/event"
	"throughline/media"
	"throughline/media/codec"
)

// ErrGoingOn says that a call with these ids is being taken just now.
var ErrGoingOn = errors.New("call is going on")

// Recording is a call of the past: its time is that of the description, its audio
// comes as fast as it can be stored, and its end tells when Kafka has all of it.
// It is for one goroutine.
type Recording struct {
	call *Call
	legs []*StreamLeg
}

// Recording takes a call of the past in. Its times and ids come from desc alone,
// so that the same recording makes the same events again. One that has ended here
// lately is ErrEnded, one that comes twice at once ErrGoingOn.
func (d *Door) Recording(ctx context.Context, desc Description) (*Recording, error) {
	if desc.At.IsZero() {
		return nil, errors.New("begin recording: At is required")
	}
	c, err := d.begin(ctx, desc, false)
	if errors.Is(err, ErrEnded) && !d.over(desc.Interaction()) {
		return nil, ErrGoingOn // its end is not stored yet
	}
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.finished || c.held {
		c.holders--
		return nil, ErrGoingOn
	}
	c.began = desc.At
	c.held = true // that no audio comes for a while is no problem of a recording
	return &Recording{call: c}, nil
}

// Call is the call that was recorded.
func (r *Recording) Call() *Call { return r.call }

// Leg adds a leg that begins with the call.
func (r *Recording) Leg(o LegOptions, format codec.Format) (*StreamLeg, error) {
	c := r.call
	l := &StreamLeg{}
	initLeg(&l.leg, c, o)
	l.start = c.began
	feed, err := media.NewFeed(format, &l.leg)
	if err != nil {
		return nil, fmt.Errorf("add leg: %w", err)
	}
	l.feed = feed
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.finished {
		return nil, ErrEnded
	}
	if len(c.legs) >= c.door.cfg.MaxLegs {
		return nil, fmt.Errorf("add leg: %d are there: raise calls.max_legs", len(c.legs))
	}
	c.legs = append(c.legs, &l.leg)
	c.checkConsent(c.door.now())
	c.apply()
	c.publish(event.Interaction{Change: event.Joined, At: c.began, Role: l.role, Agent: l.agent, Attrs: l.attrs(nil)})
	r.legs = append(r.legs, l)
	return l, nil
}

// SourceRecording is the source of recordings.
const SourceRecording = "recording"

// endID names the end of a call, which has one. A recording that failed may come
// again and end once more, and that is not the same event.
func endID(interaction string, how event.Change, again bool) string {
	if again && how != event.Ended {
		return event.ID("x", interaction, string(how))
	}
	return event.ID("x", interaction, "ended")
}

// roomEvery is how often a full buffer is looked at again.
const roomEvery = 10 * time.Millisecond

// Wait waits until Kafka has taken enough for more audio to be written.
func (r *Recording) Wait(ctx context.Context) error {
	for !r.room() {
		select {
		case <-time.After(roomEvery):
		case <-r.call.done:
			return ErrEnded
		case <-ctx.Done():
			return fmt.Errorf("wait for Kafka: %w", ctx.Err())
		}
	}
	return nil
}

// room leaves half of every buffer to the live calls, which cannot wait.
func (r *Recording) room() bool {
	d := r.call.door
	if d.buffered.Load() > d.cfg.BufferBytes/2 {
		return false
	}
	for _, l := range r.legs {
		l.mu.Lock()
		full := l.queued > d.cfg.Buffer/2
		l.mu.Unlock()
		if full {
			return false
		}
	}
	return true
}

// Withheld says why audio is not kept, "" if it is.
func (r *Recording) Withheld() string {
	r.call.mu.Lock()
	defer r.call.mu.Unlock()
	for _, why := range r.call.pauses {
		return why
	}
	return r.call.refused
}

// End brings the call to its end after length, and returns when Kafka has
// everything. On an error it may not: what is missing is still being stored, and
// the same recording may be sent again.
func (r *Recording) End(ctx context.Context, length time.Duration, reason string) error {
	return r.finish(ctx, event.Ended, length, reason)
}

// Fail brings the call to an end by a fault; the recording may be sent again.
func (r *Recording) Fail(ctx context.Context, length time.Duration, reason string) error {
	defer r.call.door.forgive(r.call.id)
	return r.finish(ctx, event.Failed, length, reason)
}

func (r *Recording) finish(ctx context.Context, how event.Change, length time.Duration, reason string) error {
	c := r.call
	c.mu.Lock()
	if c.finished {
		c.mu.Unlock()
		return ErrEnded
	}
	for _, l := range c.legs {
		l.close(reason)
	}
	c.legs = nil
	end := event.Interaction{ID: endID(c.id, how, true), Tenant: c.desc.Tenant, Customer: c.customer, Interaction: c.id,
		Channel: event.Voice, Change: how, At: c.began.Add(length), Received: c.door.now(), Reason: reason,
		Direction: c.desc.Direction, Handle: c.desc.Customer.Masked(), Account: c.desc.Account,
		Measures: quality{}.measures(length), Attrs: maps.Clone(c.desc.Attrs)}
	// The outbox tells a leg when its audio is stored. This one stands for the end,
	// which is the last thing in it.
	last := &leg{call: c, room: make(chan struct{}, 1)}
	c.out.put(item{change: &end, leg: last})
	c.finished = true
	close(c.done)
	c.mu.Unlock()
	d := c.door
	d.metrics.finished.WithLabelValues(c.desc.Source, string(how)).Inc()
	c.out.close()
	var err error
	select {
	case <-last.room:
	case <-ctx.Done():
		err = ctx.Err()
	case <-d.life.Done():
		err = ErrStopping
	}
	// Only now: who sends it again must not hear that it is stored before it is.
	d.forget(c)
	if err != nil {
		d.forgive(c.id)
		return fmt.Errorf("store recording: %w", err)
	}
	return nil
}

// over tells whether a call has ended lately, with its end stored.
func (d *Door) over(id string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, over := d.ended[id]
	return over
}

// forgive lets a call that has ended begin once more.
func (d *Door) forgive(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.ended, id)
}
