package transcribe

import (
	"context"
	"fmt"
	"sync"
	"time"

	"throughline/bus"
	"throughline/event"
	"throughline/media"
	"throughline/transcribe/segment"
)

const (
	// remember is how long a call is known after its last leg ended, so that
	// chunks stored twice are not heard twice.
	remember = 2 * time.Minute
	// rememberAway is how long a call is known whose legs bring nothing: holds are
	// long, and the measures go on after them.
	rememberAway = time.Hour
)

// shard is the state of one partition: its open calls.
type shard struct {
	t         *Transcriber
	bus       publisher
	partition int
	ctx       context.Context
	opened    time.Time

	// Of the partition's goroutine: the chunk at hand, when the newest one was
	// stored, and when it had been handled.
	chunk   media.Chunk
	newest  time.Time
	handled time.Time

	mu    sync.Mutex
	open  int  // ears
	gone  bool // the partition is lost or the process stops
	calls map[string]*call
	legs  map[string]*leg // the newest of each id
	queue queue
}

// open begins a partition; what it starts ends with ctx.
func (t *Transcriber) open(ctx context.Context, b publisher, partition int) *shard {
	s := &shard{t: t, bus: b, partition: partition, ctx: ctx, opened: time.Now(),
		calls: map[string]*call{}, legs: map[string]*leg{},
		queue: queue{shed: t.metrics.shed.Inc, wake: make(chan struct{}, 1), room: make(chan struct{}, 1)}}
	go s.publish(ctx)
	context.AfterFunc(ctx, s.abandon)
	return s
}

// abandon takes the legs of a partition that is lost out of the count.
func (s *shard) abandon() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = true
	s.t.metrics.legs.Sub(float64(s.open))
}

// count follows how many legs are heard. The caller holds the lock.
func (s *shard) count(n int) {
	s.open += n
	if !s.gone {
		s.t.metrics.legs.Add(float64(n))
	}
}

// hear takes chunks of audio in the order of the topic. It waits while the
// engine is not there, a leg is full, or turns cannot be stored: audio then
// waits in Kafka.
func (s *shard) hear(ctx context.Context, recs []bus.Record[event.AudioChunk]) ([]event.Message, error) {
	engine, err := s.t.ready(ctx)
	if err != nil {
		return nil, err
	}
	for _, r := range recs {
		if r.Deleted {
			continue
		}
		err := s.take(ctx, engine, r)
		s.newest, s.handled = r.Time, time.Now()
		if err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func (s *shard) take(ctx context.Context, engine *segment.Engine, r bus.Record[event.AudioChunk]) error {
	a := r.Value
	for _, f := range []struct{ name, value string }{
		{"tenant", a.Tenant}, {"customer", a.Customer}, {"interaction", a.Interaction}, {"leg", a.Leg},
	} {
		if f.value == "" {
			return bus.Permanent(fmt.Errorf("audio chunk: field %s is empty", f.name))
		}
	}
	if err := s.chunk.UnmarshalBinary(a.Payload); err != nil {
		return bus.Permanent(fmt.Errorf("audio chunk: %w", err))
	}
	if err := s.room(ctx); err != nil {
		return err
	}
	s.t.metrics.handled(s.partition, time.Since(r.Time))
	l := s.leg(r)
	if l == nil {
		return nil
	}
	if err := l.write(ctx, engine, &s.chunk); err != nil {
		return fmt.Errorf("hear audio: %w", err)
	}
	l.seq, l.sent = s.chunk.Sequence, a.At
	if a.Last || s.chunk.Last {
		l.putAway()
		s.mu.Lock()
		l.over = true
		s.mu.Unlock()
	}
	return nil
}

// room waits until finals that were told are stored.
func (s *shard) room(ctx context.Context) error {
	for {
		s.mu.Lock()
		full := s.queue.finals >= mostFinals
		s.mu.Unlock()
		if !full {
			return nil
		}
		select {
		case <-s.queue.room:
		case <-ctx.Done():
			return fmt.Errorf("wait for turns to be stored: %w", ctx.Err())
		}
	}
}

// leg finds the leg of a chunk and notes where the chunk lies; nil means that
// the chunk was heard before.
func (s *shard) leg(r bus.Record[event.AudioChunk]) *leg {
	a, k := r.Value, &s.chunk
	l := s.legs[a.Leg] // only this goroutine writes the map
	if l != nil && k.Sequence <= l.seq {
		if !a.At.After(l.sent) {
			return nil
		}
		// Numbers begin anew when the door was restarted within the call.
		l.putAway()
		s.mu.Lock()
		l.over = true
		s.mu.Unlock()
		l = nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.calls[a.Interaction]
	if c == nil {
		c = &call{id: a.Interaction, tenant: a.Tenant, customer: a.Customer, began: zero(&a), measured: time.Now()}
		s.calls[a.Interaction] = c
	}
	if l == nil {
		l = newLeg(s, c, r, k)
		s.legs[a.Leg] = l
		c.legs = append(c.legs, l)
	}
	l.role, l.agent, l.away, l.came = a.Role, a.Agent, false, r.Time
	late := c.late(&a)
	if len(l.marks) == 0 {
		l.late = late
	}
	shift := time.Duration(a.OffsetMS)*time.Millisecond - k.Offset + late
	l.marks = append(l.marks.forget(l.settled()-rewind), mark{
		begin: k.Offset, end: k.End(), shift: shift, late: late, at: a.At, stored: r.Time, offset: r.Offset,
	})
	c.end = max(c.end, k.End()+shift)
	c.dirty, c.closed, c.quietAt = true, false, time.Time{}
	return l
}

// needs is the first offset that must be read again if this process died now:
// for each leg, the chunk that lies rewind before what is settled.
func (s *shard) needs() (first int64, held bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.calls {
		for _, l := range c.legs {
			if len(l.marks) == 0 || !l.held() {
				continue
			}
			if at := l.marks.of(l.settled() - rewind).offset; !held || at < first {
				first, held = at, true
			}
		}
	}
	return first, held
}

// tick tells measures that are due, and looks after legs that went quiet.
func (s *shard) tick(now time.Time) []event.Message {
	clock := s.clock(now)
	for _, l := range s.legs {
		s.quieten(l, clock)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var msgs []event.Message
	for id, c := range s.calls {
		over := c.over()
		switch {
		case over && !c.closed:
			c.closed, c.quietAt = true, now
			msgs = append(msgs, c.message(now))
		case over && now.Sub(c.quietAt) > c.memory():
			for _, l := range c.legs {
				if s.legs[l.id] == l {
					delete(s.legs, l.id)
				}
			}
			delete(s.calls, id)
		case !over && c.dirty && now.Sub(c.measured) >= s.t.cfg.MeasureEvery && c.whole():
			msgs = append(msgs, c.message(now))
		}
	}
	return msgs
}

// caughtUp is after how long without a chunk the partition holds no more.
const caughtUp = time.Second

// clock is how far the topic has been heard. While there is a backlog, because a
// leg made this partition wait, it stands still: legs whose audio is in the
// backlog are not quiet.
func (s *shard) clock(now time.Time) time.Time {
	if idle := now.Sub(s.handled); idle > caughtUp {
		return s.newest.Add(idle)
	}
	return s.newest
}

// memory is how long the call is known after it fell silent.
func (c *call) memory() time.Duration {
	for _, l := range c.legs {
		if !l.over {
			return rememberAway
		}
	}
	return remember
}

// over tells whether all that the call's legs said was told.
func (c *call) over() bool {
	for _, l := range c.legs {
		if l.held() {
			return false
		}
	}
	return true
}

// quieten puts a leg away that brings nothing any more.
func (s *shard) quieten(l *leg, clock time.Time) {
	s.mu.Lock()
	silent, speaking := clock.Sub(l.came), l.speaking
	if silent >= s.t.cfg.Idle && !l.over {
		l.away = true
	}
	if (l.away || l.over) && !l.held() {
		l.voice, l.loud = voice{}, levels{}
	}
	away := l.away
	s.mu.Unlock()
	if away || speaking && silent >= quiet {
		l.putAway()
	}
}
