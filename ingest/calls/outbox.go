package calls

import (
	"sync"
	"time"

	"throughline/bus"
	"throughline/event"
)

// outbox stores what one call publishes, in its order. Adding never waits: the
// legs bound what they add, and changes are few.
type outbox struct {
	door *Door
	wake chan struct{} // holds one: something was added or the outbox was closed

	mu     sync.Mutex
	queue  []item
	closed bool
}

// item is a message with the leg whose buffer it takes room in, if it is audio.
type item struct {
	msg    event.Message
	change *event.Interaction // to be cleared, instead of msg
	leg    *leg
	span   time.Duration
	bytes  int64
}

func newOutbox(d *Door) *outbox {
	return &outbox{door: d, wake: make(chan struct{}, 1)}
}

func (o *outbox) add(m event.Message) { o.put(item{msg: m}) }

func (o *outbox) put(i item) {
	o.mu.Lock()
	if !o.closed {
		o.queue = append(o.queue, i)
	}
	o.mu.Unlock()
	o.signal()
}

func (o *outbox) signal() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// close lets run return once everything is stored.
func (o *outbox) close() {
	o.mu.Lock()
	o.closed = true
	o.mu.Unlock()
	o.signal()
}

// run stores the queue until it is closed and empty, or until the door gives up.
func (o *outbox) run() {
	defer o.door.senders.Done()
	var batch []item
	var msgs []event.Message
	for {
		o.mu.Lock()
		batch, o.queue = o.queue, batch[:0]
		closed := o.closed
		o.mu.Unlock()
		if len(batch) == 0 {
			if closed {
				return
			}
			select {
			case <-o.wake:
				continue
			case <-o.door.life.Done():
				return
			}
		}
		msgs = msgs[:0]
		for i := range batch {
			if batch[i].change != nil {
				batch[i].msg = o.door.clear(*batch[i].change)
			}
			msgs = append(msgs, batch[i].msg)
		}
		if !o.store(msgs) {
			return
		}
		for i := range batch {
			if l := batch[i].leg; l != nil {
				l.stored(batch[i].span, batch[i].bytes)
			}
		}
		clear(batch)
		clear(msgs)
	}
}

// The pauses between two tries.
const (
	firstPause = 50 * time.Millisecond
	longPause  = 2 * time.Second
)

// store publishes msgs, however long that takes: the call was answered. It
// reports false when the door gave up.
func (o *outbox) store(msgs []event.Message) bool {
	for pause := firstPause; ; pause = min(2*pause, longPause) {
		err := o.door.bus.Publish(o.door.life, msgs...)
		switch {
		case err == nil:
			return true
		case bus.IsPermanent(err) && len(msgs) == 1:
			o.door.metrics.lost.Inc()
			o.door.log.Error("event of a call cannot be stored", "topic", msgs[0].Topic.Name, "error", err)
			return true
		case bus.IsPermanent(err):
			half := len(msgs) / 2
			return o.store(msgs[:half]) && o.store(msgs[half:])
		}
		o.door.metrics.retries.Inc()
		select {
		case <-time.After(pause):
		case <-o.door.life.Done():
			return false
		}
	}
}
