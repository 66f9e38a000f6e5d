package bus

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/segmentio/kafka-go"
)

const (
	fetchBytes = 1 << 20
	fetchWait  = 5 * time.Second
)

// raw is a record as it lies on the topic.
type raw struct {
	topic     string
	partition int
	offset    int64
	key       []byte
	value     []byte // nil: a tombstone
	time      time.Time
	headers   []kafka.Header
	decoded   any // its Record, where that was made while the batch filled
}

// fetched is what one request brought.
type fetched struct {
	input int // index into Stage.In
	recs  []raw
}

// fetcher reads one partition from an offset on. It holds one request in
// flight, is wholly bound to its context (kafka-go's Reader is not, see its
// issues 1006 and 1248), and outlives errors of the broker.
type fetcher struct {
	bus       *Bus
	topic     string
	partition int
	next      int64         // kafka.FirstOffset, kafka.LastOffset or an offset
	wait      time.Duration // for something to come; 0 is fetchWait
	// seen is told each answer, also one that brought nothing; may be nil.
	seen func(recs []raw, end int64)
}

// run hands over what it reads, in order, until ctx ends.
func (f *fetcher) run(ctx context.Context, hand func(recs []raw, end int64) bool) {
	pause := newBackoff(20*time.Millisecond, 2*time.Second)
	for ctx.Err() == nil {
		recs, end, err := f.fetch(ctx)
		if err != nil {
			if ctx.Err() == nil {
				f.bus.metrics.fetchRetries.WithLabelValues(f.topic).Inc()
				f.bus.log.Debug("fetch failed, trying again", "topic", f.topic, "partition", f.partition, "error", err)
			}
			if !pause.wait(ctx) {
				return
			}
			continue
		}
		pause = newBackoff(20*time.Millisecond, 2*time.Second)
		if f.seen != nil {
			f.seen(recs, end)
		}
		if len(recs) > 0 && !hand(recs, end) {
			return
		}
	}
}

func (f *fetcher) fetch(ctx context.Context) ([]raw, int64, error) {
	wait := f.wait
	if wait == 0 {
		wait = fetchWait
	}
	resp, err := f.bus.client.Fetch(ctx, &kafka.FetchRequest{
		Topic: f.topic, Partition: f.partition, Offset: f.next,
		MinBytes: 1, MaxBytes: int64(fetchBytes), MaxWait: wait,
	})
	if err != nil {
		return nil, 0, err
	}
	if errors.Is(resp.Error, kafka.OffsetOutOfRange) {
		// Retention passed us by: go on with the oldest there is. What was
		// lost is counted, since it was answered for.
		first, end, err := f.bus.bounds(ctx, f.topic, f.partition)
		if err != nil {
			return nil, 0, err
		}
		if f.next < first {
			f.bus.metrics.skipped.WithLabelValues(f.topic).Add(float64(first - f.next))
			f.bus.log.Error("events were removed, by retention or compaction, before they were read", "topic", f.topic, "partition", f.partition, "events", first-f.next)
			f.next = first
		} else if f.next > end {
			f.bus.log.Error("topic was re-created: reading from its start", "topic", f.topic, "partition", f.partition)
			f.next = first
		}
		return nil, 0, resp.Error
	}
	if resp.Error != nil {
		return nil, 0, resp.Error
	}
	recs, err := f.read(resp.Records)
	return recs, resp.HighWatermark, err
}

func (f *fetcher) read(records kafka.RecordReader) ([]raw, error) {
	if c, ok := records.(io.Closer); ok {
		defer c.Close()
	}
	var recs []raw
	for {
		r, err := records.ReadRecord()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return recs, nil // a request may end within a batch; the next one brings the rest
		}
		if err != nil {
			if len(recs) > 0 {
				return recs, nil
			}
			return nil, err
		}
		key, keyErr := take(r.Key)
		value, valueErr := take(r.Value)
		if r.Offset < f.next {
			continue // a batch may begin before the offset that was asked for
		}
		if keyErr != nil || valueErr != nil {
			return recs, nil
		}
		out := raw{topic: f.topic, partition: f.partition, offset: r.Offset, key: key, value: value, time: r.Time, headers: cloneHeaders(r.Headers)}
		recs = append(recs, out)
		f.next = r.Offset + 1
	}
}

// take copies b and lets go of it. Each batch lies on pages of 64 KiB of its
// own, which can be used again once all keys and values on them are closed;
// clearing new ones cost a third of the program's time.
func take(b kafka.Bytes) ([]byte, error) {
	if b == nil {
		return nil, nil
	}
	defer b.Close()
	return kafka.ReadAll(b)
}

func cloneHeaders(h []kafka.Header) []kafka.Header {
	if len(h) == 0 {
		return nil
	}
	return append([]kafka.Header(nil), h...)
}

// bounds returns the first offset and the one after the last. A partition that
// has no leader yet is waited for until ctx ends.
func (b *Bus) bounds(ctx context.Context, topic string, partition int) (first, end int64, err error) {
	pause := newBackoff(20*time.Millisecond, time.Second)
	for {
		first, end, err = b.askBounds(ctx, topic, partition)
		if err == nil || !pause.wait(ctx) {
			return first, end, err
		}
	}
}

func (b *Bus) askBounds(ctx context.Context, topic string, partition int) (first, end int64, err error) {
	resp, err := b.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{
		topic: {kafka.FirstOffsetOf(partition), kafka.LastOffsetOf(partition)},
	}})
	if err != nil {
		return 0, 0, err
	}
	for _, p := range resp.Topics[topic] {
		if p.Partition == partition {
			return p.FirstOffset, p.LastOffset, p.Error
		}
	}
	return 0, 0, errors.New("list offsets: the broker left the partition out")
}

func (b *Bus) askOffsetAt(ctx context.Context, topic string, partition int, at time.Time) (int64, error) {
	resp, err := b.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: {kafka.TimeOffsetOf(partition, at)}}})
	if err != nil {
		return 0, err
	}
	for _, p := range resp.Topics[topic] {
		if p.Partition != partition {
			continue
		}
		if p.Error != nil {
			return 0, p.Error
		}
		for offset := range p.Offsets {
			if offset >= 0 {
				return offset, nil
			}
		}
		_, end, err := b.askBounds(ctx, topic, partition)
		return end, err
	}
	return 0, errors.New("list offsets: the broker left the partition out")
}
