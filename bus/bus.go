package bus

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"

	"throughline/event"
)

// The defaults of Config.
const (
	DefaultPartitions      = 4
	DefaultMaxMessageBytes = 8 << 20
	DefaultSessionTimeout  = 10 * time.Second
)

// Config says which cluster to use. Only Brokers is required.
type Config struct {
	Brokers         []string      `yaml:"brokers" doc:"Kafka bootstrap addresses; empty runs the embedded broker"`
	Partitions      int           `yaml:"partitions" default:"4" doc:"partitions of each topic; all topics keyed by customer share the number"`
	Replicas        int           `yaml:"replicas" default:"1" doc:"replicas of each topic that is created"`
	MaxMessageBytes int           `yaml:"max_message_bytes" default:"8388608" doc:"largest event, bytes of JSON"`
	SessionTimeout  time.Duration `yaml:"session_timeout" default:"10s" doc:"after this silence a process loses its partitions to the others"`
	Compression     string        `yaml:"compression" default:"none" doc:"none, snappy, lz4 or zstd"`
	TLS             bool          `yaml:"tls" default:"false" doc:"speak TLS to the brokers"`
	Mechanism       string        `yaml:"sasl" doc:"SASL mechanism: plain, scram-sha-256 or scram-sha-512; empty for none"`
	User            string        `yaml:"user" doc:"SASL user"`
	Password        string        `yaml:"password" secret:"true" doc:"SASL password"`

	Metrics prometheus.Registerer `yaml:"-"` // nil: not registered
	Logger  *slog.Logger          `yaml:"-"` // nil: slog.Default()
}

// Bus is a connection to one Kafka cluster. It is safe for concurrent use.
type Bus struct {
	cfg       Config
	addr      net.Addr
	dialer    *kafka.Dialer
	transport *kafka.Transport
	client    *kafka.Client
	log       *slog.Logger
	metrics   *metrics
	compress  kafka.Compression

	life context.Context // ends when Close gives up on what is queued
	end  context.CancelFunc

	mu         sync.RWMutex
	closed     bool
	partitions map[string]int
	lanes      map[laneKey]*lane
	running    sync.WaitGroup // lanes
}

// Dial prepares a Bus; the first use connects.
func Dial(cfg Config) (*Bus, error) {
	if len(cfg.Brokers) == 0 {
		return nil, errors.New("kafka config: brokers is empty: give at least one host:port")
	}
	if cfg.Partitions == 0 {
		cfg.Partitions = DefaultPartitions
	}
	if cfg.Replicas == 0 {
		cfg.Replicas = 1
	}
	if cfg.MaxMessageBytes == 0 {
		cfg.MaxMessageBytes = DefaultMaxMessageBytes
	}
	if cfg.SessionTimeout == 0 {
		cfg.SessionTimeout = DefaultSessionTimeout
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	compress, err := compression(cfg.Compression)
	if err != nil {
		return nil, err
	}
	mechanism, err := saslMechanism(cfg)
	if err != nil {
		return nil, err
	}
	b := &Bus{
		cfg: cfg, addr: kafka.TCP(cfg.Brokers...), log: cfg.Logger.With("component", "bus"),
		metrics: newMetrics(cfg.Metrics), compress: compress,
		partitions: map[string]int{}, lanes: map[laneKey]*lane{},
	}
	b.dialer = &kafka.Dialer{Timeout: 5 * time.Second, DualStack: true, SASLMechanism: mechanism, ClientID: "throughline"}
	b.transport = &kafka.Transport{DialTimeout: 5 * time.Second, IdleTimeout: time.Minute, MetadataTTL: 5 * time.Second, SASL: mechanism, ClientID: "throughline"}
	if cfg.TLS {
		b.dialer.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
		b.transport.TLS = b.dialer.TLS
	}
	b.client = &kafka.Client{Addr: b.addr, Transport: b.transport}
	b.life, b.end = context.WithCancel(context.Background())
	return b, nil
}

func compression(name string) (kafka.Compression, error) {
	switch name {
	case "", "none":
		return 0, nil
	case "snappy":
		return kafka.Snappy, nil
	case "lz4":
		return kafka.Lz4, nil
	case "zstd":
		return kafka.Zstd, nil
	}
	return 0, fmt.Errorf("kafka config: compression is %q: use none, snappy, lz4 or zstd", name)
}

func saslMechanism(cfg Config) (sasl.Mechanism, error) {
	switch strings.ToLower(cfg.Mechanism) {
	case "":
		return nil, nil
	case "plain":
		return plain.Mechanism{Username: cfg.User, Password: cfg.Password}, nil
	case "scram-sha-256":
		return scram.Mechanism(scram.SHA256, cfg.User, cfg.Password)
	case "scram-sha-512":
		return scram.Mechanism(scram.SHA512, cfg.User, cfg.Password)
	}
	return nil, fmt.Errorf("kafka config: sasl is %q: use plain, scram-sha-256 or scram-sha-512", cfg.Mechanism)
}

// Close waits for what was published until ctx ends, then lets go of the cluster.
// Stages must have returned from Run before. It may be called more than once.
func (b *Bus) Close(ctx context.Context) error {
	b.mu.Lock()
	if !b.closed {
		b.closed = true
		for _, l := range b.lanes {
			close(l.in)
		}
	}
	b.mu.Unlock()
	done := make(chan struct{})
	go func() { b.running.Wait(); close(done) }()
	var err error
	select {
	case <-done:
	case <-ctx.Done():
		err = fmt.Errorf("bus close: %w: unacknowledged events were given up", ctx.Err())
	}
	b.end()
	<-done
	b.transport.CloseIdleConnections()
	return err
}

// Ready tells whether the cluster answers.
func (b *Bus) Ready(ctx context.Context) error {
	_, err := b.client.Metadata(ctx, &kafka.MetadataRequest{})
	if err != nil {
		return fmt.Errorf("kafka metadata: %w", err)
	}
	return nil
}

// Ensure creates the topics that are missing and checks the ones that are there:
// co-partitioned stages need equal numbers of partitions.
func (b *Bus) Ensure(ctx context.Context, specs ...event.Spec) error {
	want := make([]kafka.TopicConfig, 0, 2*len(specs))
	for _, s := range specs {
		for _, t := range []event.Spec{s, s.Dead()} {
			if !slices.ContainsFunc(want, func(w kafka.TopicConfig) bool { return w.Topic == t.Name }) {
				want = append(want, b.topicConfig(t))
			}
		}
	}
	resp, err := b.client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: want})
	if err != nil {
		return fmt.Errorf("create topics: %w", err)
	}
	for name, err := range resp.Errors {
		if err != nil && !errors.Is(err, kafka.TopicAlreadyExists) {
			return fmt.Errorf("create topic %s: %w", name, err)
		}
	}
	names := make([]string, len(want))
	for i, w := range want {
		names[i] = w.Topic
	}
	found, err := b.waitPartitions(ctx, names)
	if err != nil {
		return err
	}
	for _, w := range want {
		if n := found[w.Topic]; n != w.NumPartitions {
			return fmt.Errorf("topic %s has %d partitions and kafka.partitions is %d: set kafka.partitions to %d, or re-create the topic", w.Topic, n, w.NumPartitions, n)
		}
	}
	b.mu.Lock()
	for name, n := range found {
		b.partitions[name] = n
	}
	b.mu.Unlock()
	return nil
}

func (b *Bus) topicConfig(s event.Spec) kafka.TopicConfig {
	n := s.Partitions
	if n == 0 {
		n = b.cfg.Partitions
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
