package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"

	"throughline/event"
)

// answersIn is how long a cluster may take to answer before the log is told.
const answersIn = 10 * time.Second

// Ensure creates the topics that are missing and checks the ones that are there:
// co-partitioned stages need equal numbers of partitions. A cluster that is not
// there yet is waited for, and the log told.
func (b *Bus) Ensure(ctx context.Context, specs ...event.Spec) error {
	pause := newBackoff(50*time.Millisecond, 5*time.Second)
	for {
		asked, cancel := context.WithTimeout(ctx, answersIn)
		err := b.Ready(asked)
		cancel()
		if err == nil {
			err = b.ensure(ctx, specs)
		}
		if err == nil || !passing(err) {
			return err
		}
		b.log.Warn("Kafka cannot be used yet, trying again", "brokers", strings.Join(b.cfg.Brokers, ","), "error", err)
		if !pause.wait(ctx) {
			return err
		}
	}
}

// passing tells what a cluster says while it starts, or cannot say, from what it
// says of our request or our right to make it.
func passing(err error) bool {
	var said kafka.Error
	return !errors.Is(err, errMismatch) && (!errors.As(err, &said) || said.Temporary() || said.Timeout() || said == kafka.BrokerNotAvailable)
}

// errMismatch is about a topic that is there and is not as we need it.
var errMismatch = errors.New("re-create the topic")

func (b *Bus) ensure(ctx context.Context, specs []event.Spec) error {
	shared, err := b.sharedPartitions(ctx, specs)
	if err != nil {
		return err
	}
	want := make([]kafka.TopicConfig, 0, 2*len(specs))
	for _, s := range specs {
		for _, t := range []event.Spec{s, s.Dead()} {
			if !slices.ContainsFunc(want, func(w kafka.TopicConfig) bool { return w.Topic == t.Name }) {
				want = append(want, b.topicConfig(t, shared))
			}
		}
	}
	names := make([]string, len(want))
	for i, w := range want {
		names[i] = w.Topic
	}
	if err := b.create(ctx, want, names); err != nil {
		return err
	}
	shown, cancel := context.WithTimeout(ctx, answersIn)
	found, err := b.waitPartitions(shown, names)
	cancel()
	if err != nil {
		return err
	}
	for _, w := range want {
		if n := found[w.Topic]; n != w.NumPartitions {
			return fmt.Errorf("topic %s has %d partitions and kafka.partitions is %d: set kafka.partitions to %d, or %w", w.Topic, n, w.NumPartitions, n, errMismatch)
		}
	}
	b.mu.Lock()
	for name, n := range found {
		b.partitions[name] = n
	}
	b.mu.Unlock()
	return nil
}

// create makes those of want that are not there. It asks for no others: Kafka
// refuses who may not create also what need not be created.
func (b *Bus) create(ctx context.Context, want []kafka.TopicConfig, names []string) error {
	found, _, err := b.countPartitions(ctx, names)
	if err != nil {
		return fmt.Errorf("topic metadata: %w", err)
	}
	missing := slices.DeleteFunc(slices.Clone(want), func(w kafka.TopicConfig) bool { return found[w.Topic] > 0 })
	if len(missing) == 0 {
		return nil
	}
	resp, err := b.client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: missing})
	if err != nil {
		return fmt.Errorf("create topics: %w", err)
	}
	for name, err := range resp.Errors {
		if err != nil && !errors.Is(err, kafka.TopicAlreadyExists) {
			return fmt.Errorf("create topic %s: %w", name, err)
		}
	}
	return nil
}

// sharedPartitions is the number of partitions of topics that name none: as
// configured, or as those of specs have that are there, or Fresh.
func (b *Bus) sharedPartitions(ctx context.Context, specs []event.Spec) (int, error) {
	b.mu.RLock()
	n := b.shared
	b.mu.RUnlock()
	if n > 0 {
		return n, nil
	}
	var names []string
	for _, s := range specs {
		if s.Partitions == 0 {
			names = append(names, s.Name)
		}
	}
	found, _, err := b.countPartitions(ctx, names)
	if err != nil {
		return 0, fmt.Errorf("topic metadata: %w", err)
	}
	n = b.cfg.Fresh
	for _, name := range names {
		if found[name] > 0 {
			n = found[name]
			break
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.shared == 0 {
		b.shared = n
	}
	return b.shared, nil
}

func (b *Bus) topicConfig(s event.Spec, shared int) kafka.TopicConfig {
	n := s.Partitions
	if n == 0 {
		n = shared
	}
	entries := []kafka.ConfigEntry{{ConfigName: "max.message.bytes", ConfigValue: strconv.Itoa(b.cfg.MaxMessageBytes)}}
	if s.Compact {
		entries = append(entries, kafka.ConfigEntry{ConfigName: "cleanup.policy", ConfigValue: "compact"})
	} else if s.Retention > 0 {
		entries = append(entries, kafka.ConfigEntry{ConfigName: "retention.ms", ConfigValue: strconv.FormatInt(s.Retention.Milliseconds(), 10)})
	}
	return kafka.TopicConfig{Topic: s.Name, NumPartitions: n, ReplicationFactor: b.cfg.Replicas, ConfigEntries: entries}
}

// waitPartitions reads the number of partitions of each name; a cluster shows a
// new topic only after a moment.
func (b *Bus) waitPartitions(ctx context.Context, names []string) (map[string]int, error) {
	pause := newBackoff(20*time.Millisecond, time.Second)
	for {
		found, missing, err := b.countPartitions(ctx, names)
		if err == nil && missing == "" {
			return found, nil
		}
		if err == nil {
			err = fmt.Errorf("topic %s is not there", missing)
		}
		if !pause.wait(ctx) {
			return nil, fmt.Errorf("topic metadata: %w", err)
		}
	}
}

func (b *Bus) countPartitions(ctx context.Context, names []string) (found map[string]int, missing string, err error) {
	m, err := b.client.Metadata(ctx, &kafka.MetadataRequest{Topics: names})
	if err != nil {
		return nil, "", err
	}
	found = map[string]int{}
	for _, t := range m.Topics {
		if t.Error == nil {
			found[t.Name] = len(t.Partitions)
		}
	}
	for _, n := range names {
		if found[n] == 0 {
			return found, n, nil
		}
	}
	return found, "", nil
}

// Partitions is the number of partitions of a topic.
func (b *Bus) Partitions(ctx context.Context, topic string) (int, error) {
	b.mu.RLock()
	n := b.partitions[topic]
	b.mu.RUnlock()
	if n > 0 {
		return n, nil
	}
	found, err := b.waitPartitions(ctx, []string{topic})
	if err != nil {
		return 0, err
	}
	b.mu.Lock()
	b.partitions[topic] = found[topic]
	b.mu.Unlock()
	return found[topic], nil
}
