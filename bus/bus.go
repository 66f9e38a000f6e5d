package bus

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
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
	Partitions      int           `yaml:"partitions" default:"0" doc:"partitions of each topic; all topics keyed by customer share the number. 0: as the topics have that are there; new ones get 4, or on the embedded broker one a processor, 2 to 4"`
	Replicas        int           `yaml:"replicas" default:"1" doc:"replicas of each topic that is created"`
	MaxMessageBytes int           `yaml:"max_message_bytes" default:"8388608" doc:"largest event, bytes of JSON"`
	SessionTimeout  time.Duration `yaml:"session_timeout" default:"10s" doc:"after this silence a process loses its partitions to the others"`
	Compression     string        `yaml:"compression" default:"none" doc:"none, snappy, lz4 or zstd"`
	TLS             bool          `yaml:"tls" default:"false" doc:"speak TLS to the brokers"`
	Mechanism       string        `yaml:"sasl" doc:"SASL mechanism: plain, scram-sha-256 or scram-sha-512; empty for none"`
	User            string        `yaml:"user" doc:"SASL user"`
	Password        string        `yaml:"password" secret:"true" doc:"SASL password"`

	// Fresh is the number where Partitions is 0 and no topic is there yet; 0 is DefaultPartitions.
	Fresh int `yaml:"-"`

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
	shared     int // partitions of topics that name none; 0 until known
	partitions map[string]int
	lanes      map[laneKey]*lane
	running    sync.WaitGroup // lanes
}

// Dial prepares a Bus; the first use connects.
func Dial(cfg Config) (*Bus, error) {
	if len(cfg.Brokers) == 0 {
		return nil, errors.New("kafka config: brokers is empty: give at least one host:port")
	}
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if cfg.Fresh == 0 {
		cfg.Fresh = DefaultPartitions
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
		shared: cfg.Partitions, partitions: map[string]int{}, lanes: map[laneKey]*lane{},
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

// Check says what is wrong with the settings. It connects to nobody.
func (c Config) Check() error {
	for _, broker := range c.Brokers {
		host, port, err := broker, "9092", error(nil) // the port that the client takes where none is written
		if strings.Contains(broker, ":") {
			host, port, err = net.SplitHostPort(broker)
		}
		if n, perr := strconv.ParseUint(port, 10, 16); err != nil || host == "" || strings.Contains(host, "/") || perr != nil || n == 0 {
			return fmt.Errorf("kafka.brokers holds %q: write host:port, such as kafka:9092", broker)
		}
	}
	if c.Partitions < 0 || c.Replicas < 0 || c.MaxMessageBytes < 0 || c.SessionTimeout < 0 {
		return errors.New("kafka config: partitions, replicas, max_message_bytes and session_timeout may not be negative")
	}
	if _, err := compression(c.Compression); err != nil {
		return err
	}
	_, err := saslMechanism(c)
	return err
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

// Ready tells whether the cluster answers now. It does not ask for metadata: the
// client answers that from what it last heard, however long ago. A connection
// that has outlived its broker fails one request, which says nothing of the
// broker that came after it.
func (b *Bus) Ready(ctx context.Context) error {
	var err error
	for range 3 {
		if _, err = b.client.ApiVersions(ctx, &kafka.ApiVersionsRequest{}); err == nil || ctx.Err() != nil {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("kafka does not answer: %w", err)
	}
	return nil
}
