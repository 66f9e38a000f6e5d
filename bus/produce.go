package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"

	"throughline/event"
)

// ErrTooLarge says that an event is larger than kafka.max_message_bytes.
var ErrTooLarge = errors.New("event too large")

// ErrClosed says that the bus takes no more events.
var ErrClosed = errors.New("bus is closed")

const (
	laneQueue   = 8192    // events waiting in one lane before Publish waits
	laneBatch   = 2000    // events in one request
	laneBytes   = 1 << 20 // bytes in one request, unless one event is larger
	recordExtra = 1024    // what key, headers and framing may add to a value
)

type laneKey struct {
	topic     string
	partition int
}

// lane writes one partition: whatever arrived while a request was under way
// goes out as the next one (group commit). One event alone waits for nobody,
// many share a request, and order is kept because only one is in flight.
type lane struct {
	bus *Bus
	laneKey
	in chan pending
}

type pending struct {
	key, value []byte
	at         time.Time
	headers    []kafka.Header
	size       int
	ack        *ack
}

// ack collects the acknowledgements of one Publish.
type ack struct {
	left atomic.Int64
	once sync.Once
	err  error
	done chan struct{}
}

func (a *ack) settle(err error) {
	if a == nil {
		return
	}
	if err != nil {
		a.once.Do(func() { a.err = err; close(a.done) })
		return
	}
	if a.left.Add(-1) == 0 {
		a.once.Do(func() { close(a.done) })
	}
}

// Publish writes msgs and returns when every broker in charge has stored them.
// Events of one key are stored in the order given. An error means that some may
// not be stored; publishing again is safe, since ids are deterministic.
// Events of lossy topics are dropped and counted where their lane is full.
func (b *Bus) Publish(ctx context.Context, msgs ...event.Message) error {
	headers := injectTrace(ctx)
	outs := make([]outgoing, len(msgs))
	for i, m := range msgs {
		outs[i] = outgoing{Message: m, headers: headers}
	}
	return b.publish(ctx, outs)
}

// outgoing is a message with the headers of its own trace. The value of one
// that is set aside is already bytes, and one that is delivered again has its
// partition.
type outgoing struct {
	event.Message
	headers   []kafka.Header
	encoded   []byte
	partition *int // nil: By or Key chooses
}

func (b *Bus) publish(ctx context.Context, outs []outgoing) error {
	if len(outs) == 0 {
		return nil
	}
	a := &ack{done: make(chan struct{})}
	a.left.Store(int64(len(outs)))
	for _, o := range outs {
		if err := b.enqueue(ctx, o, a); err != nil {
			return err
		}
	}
	select {
	case <-a.done:
		return a.err
	case <-ctx.Done():
		return fmt.Errorf("publish to kafka: %w", ctx.Err())
	}
}

func (b *Bus) enqueue(ctx context.Context, m outgoing, a *ack) error {
	value := m.encoded
	if m.Value != nil {
		var err error
		if value, err = json.Marshal(m.Value); err != nil {
			return Permanent(fmt.Errorf("encode event for %s: %w", m.Topic.Name, err))
		}
	}
	size := len(value) + len(m.Key) + recordExtra
	if size > b.cfg.MaxMessageBytes {
		return Permanent(fmt.Errorf("publish to %s: %w: %d bytes, at most %d", m.Topic.Name, ErrTooLarge, size, b.cfg.MaxMessageBytes))
	}
	n, err := b.Partitions(ctx, m.Topic.Name)
	if err != nil {
		return err
	}
	p := pending{key: []byte(m.Key), value: value, at: time.Now(), headers: m.headers, size: size, ack: a}
	// The read lock is held while sending so that Close cannot close the
	// channel in between; Close waits for a place in the queue at most.
	l, release, err := b.lane(laneKey{m.Topic.Name, m.place(n)})
	if err != nil {
		return err
	}
	defer release()
	if m.Topic.Lossy {
		select {
		case l.in <- p:
		default:
			b.metrics.dropped.WithLabelValues(m.Topic.Name).Inc()
		}
		a.settle(nil) // nobody waits for what the next one replaces
		return nil
	}
	select {
	case l.in <- p:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("publish to %s: queue is full: %w", m.Topic.Name, ctx.Err())
	case <-b.life.Done():
		return ErrClosed
	}
}

// place is the partition, of n, that the message belongs to.
func (m outgoing) place(n int) int {
	switch {
	case m.partition != nil:
		return *m.partition
	case m.By != "":
		return partitionOf(m.By, n)
	}
	return partitionOf(m.Key, n)
}

// partitionOf hashes as Kafka's own clients do (murmur2, sign bit cleared), so
// that other producers of the same key reach the same partition.
func partitionOf(key string, n int) int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return kafka.Murmur2Balancer{Consistent: true}.Balance(kafka.Message{Key: []byte(key)}, all...)
}

func (b *Bus) lane(k laneKey) (*lane, func(), error) {
	b.mu.RLock()
	if b.closed {
		b.mu.RUnlock()
		return nil, nil, ErrClosed
	}
	if l := b.lanes[k]; l != nil {
		return l, b.mu.RUnlock, nil
	}
	b.mu.RUnlock()
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return nil, nil, ErrClosed
	}
	if b.lanes[k] == nil {
		l := &lane{bus: b, laneKey: k, in: make(chan pending, laneQueue)}
		b.lanes[k] = l
		b.running.Add(1)
		go l.run()
	}
	b.mu.Unlock()
	return b.lane(k)
}

func (l *lane) run() {
	defer l.bus.running.Done()
	batch := make([]pending, 0, 64)
	for first := range l.in {
		batch = append(batch[:0], first)
		size := first.size
	fill:
		for len(batch) < laneBatch && size < laneBytes {
			select {
			case p, ok := <-l.in:
				if !ok {
					break fill
				}
				batch = append(batch, p)
				size += p.size
			default:
				break fill
			}
		}
		l.write(batch)
	}
}

// write stores batch, however long that takes: what the queue holds may have
// been answered for, and a retry keeps the order.
func (l *lane) write(batch []pending) {
	pause := newBackoff(20*time.Millisecond, 2*time.Second)
	for {
		err := l.produce(batch)
		if err == nil {
			l.bus.metrics.produced.WithLabelValues(l.topic).Add(float64(len(batch)))
			for _, p := range batch {
				p.ack.settle(nil)
			}
			return
		}
		if errors.Is(err, kafka.MessageSizeTooLarge) || errors.Is(err, kafka.RecordListTooLarge) {
			if len(batch) == 1 {
				batch[0].ack.settle(fmt.Errorf("publish to %s: %w: the broker allows less than kafka.max_message_bytes", l.topic, ErrTooLarge))
				return
			}
			half := len(batch) / 2
			l.write(batch[:half])
			l.write(batch[half:])
			return
		}
		l.bus.metrics.produceRetries.WithLabelValues(l.topic).Inc()
		if !pause.wait(l.bus.life) {
			for _, p := range batch {
				p.ack.settle(fmt.Errorf("publish to %s: %w: %w", l.topic, ErrClosed, err))
			}
			return
		}
	}
}

func (l *lane) produce(batch []pending) error {
	ctx, cancel := context.WithTimeout(l.bus.life, 10*time.Second)
	defer cancel()
	records := &recordList{batch: batch}
	resp, err := l.bus.client.Produce(ctx, &kafka.ProduceRequest{
		Topic: l.topic, Partition: l.partition, RequiredAcks: kafka.RequireAll,
		Records: records, Compression: l.bus.compress,
	})
	if err != nil {
		return err
	}
	return resp.Error
}

// recordList reads a batch in the form that kafka-go wants. A retry makes a new one.
type recordList struct {
	batch []pending
	next  int
}

func (r *recordList) ReadRecord() (*kafka.Record, error) {
	if r.next == len(r.batch) {
		return nil, io.EOF
	}
	p := r.batch[r.next]
	r.next++
	return &kafka.Record{Time: p.at, Key: kafka.NewBytes(p.key), Value: kafka.NewBytes(p.value), Headers: p.headers}, nil
}
