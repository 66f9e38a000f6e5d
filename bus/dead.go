package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"

	"throughline/event"
)

// Headers of an event that was set aside, beside those it had.
const (
	headerError     = "error"
	headerStage     = "stage"
	headerTopic     = "topic"
	headerPartition = "partition"
	headerOffset    = "offset"
	// headerDelivered is on a mark: the letter at that offset of the same
	// partition was delivered again. A mark has no value.
	headerDelivered = "delivered"
)

// Letter is an event that a stage could not handle, as it lies on a dead-letter
// topic. What the event says stays inside: it may be somebody's words.
type Letter struct {
	Topic     event.Spec // where it was read
	Partition int        // where it lies on Topic.Dead()
	Offset    int64
	At        time.Time // when it was set aside
	Stage     string    // that could not handle it
	Reason    string
	Bytes     int
	Delivered bool // again, after it was set aside

	raw raw
}

// Letters reads what was set aside of topic since a moment, oldest first.
func (b *Bus) Letters(ctx context.Context, topic event.Spec, since time.Time) ([]Letter, error) {
	dead := topic.Dead().Name
	first, end, err := b.Bounds(ctx, dead)
	if err != nil {
		return nil, err
	}
	var all []Letter
	for p := range first {
		delivered := map[string]bool{}
		var here []Letter
		err := b.span(ctx, dead, p, first[p], end[p], func(r raw) error {
			if at, mark := header(r, headerDelivered); mark {
				delivered[at] = true
			} else if !r.time.Before(since) {
				l := Letter{Topic: topic, Partition: p, Offset: r.offset, At: r.time, Bytes: len(r.value), raw: r}
				l.Stage, _ = header(r, headerStage)
				l.Reason, _ = header(r, headerError)
				here = append(here, l)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		for i := range here {
			here[i].Delivered = delivered[strconv.FormatInt(here[i].Offset, 10)]
		}
		all = append(all, here...)
	}
	slices.SortStableFunc(all, func(a, b Letter) int { return a.At.Compare(b.At) })
	return all, nil
}

// Deliver publishes a letter on its topic again, in its partition and with its
// bytes, then marks it as delivered. Every reader of the topic gets it: ids make
// that one effect for those who had handled it. An event of a compacted topic is
// refused, because it would replace what came after it.
func (b *Bus) Deliver(ctx context.Context, l Letter) error {
	if l.Topic.Compact {
		return fmt.Errorf("deliver %s/%d/%d: %s keeps the latest of each key, and an old event would replace a newer one: publish the change anew", l.Topic.Dead().Name, l.Partition, l.Offset, l.Topic.Name)
	}
	home, err := l.home(ctx, b)
	if err != nil {
		return err
	}
	again := outgoing{Message: event.Message{Topic: l.Topic, Key: string(l.raw.key)}, encoded: l.raw.value, partition: &home}
	for _, h := range l.raw.headers {
		if !slices.Contains([]string{headerError, headerStage, headerTopic, headerPartition, headerOffset}, h.Key) {
			again.headers = append(again.headers, h)
		}
	}
	if err := b.publish(ctx, []outgoing{again}); err != nil {
		return err
	}
	return b.publish(ctx, []outgoing{{
		Message: event.Message{Topic: l.Topic.Dead(), Key: string(l.raw.key)}, partition: &l.Partition,
		headers: []kafka.Header{{Key: headerDelivered, Value: strconv.AppendInt(nil, l.Offset, 10)}},
	}})
}

// home is the partition that the letter was read from: keyed state lives there.
func (l Letter) home(ctx context.Context, b *Bus) (int, error) {
	n, err := b.Partitions(ctx, l.Topic.Name)
	if err != nil {
		return 0, err
	}
	text, _ := header(l.raw, headerPartition)
	p, err := strconv.Atoi(text)
	if err != nil || p < 0 || p >= n {
		return 0, errors.New("deliver " + l.Topic.Dead().Name + ": the letter does not say which partition it came from")
	}
	return p, nil
}

// header is the last of that name: a letter set aside twice has two of each.
func header(r raw, name string) (string, bool) {
	for _, h := range slices.Backward(r.headers) {
		if h.Key == name {
			return string(h.Value), true
		}
	}
	return "", false
}
