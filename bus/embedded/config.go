package embedded

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"
)

// The defaults that a zero [Config] field stands for.
const (
	DefaultListen         = "127.0.0.1:9092"
	DefaultPartitions     = 4
	DefaultRetention      = 7 * 24 * time.Hour
	DefaultRetentionBytes = 64 << 20
	DefaultSegmentBytes   = 16 << 20
	DefaultMaxMessage     = 8 << 20
	DefaultCompactAfter   = 128 << 20
	DefaultMinFree        = 256 << 20
	DefaultUpkeep         = 5 * time.Second
)

// Config says where the broker keeps its log and how much of it. The zero
// value of every field but Dir works.
type Config struct {
	// Dir holds the log. It is made if missing, and belongs to one process.
	Dir string
	// Listen is the loopback address to serve; port 0 takes a free one,
	// which [Broker.Addr] reports. The broker has no authentication, so any
	// address that other hosts can reach is refused.
	Listen string
	// Sync makes every acknowledged batch durable against power loss with
	// two fsyncs before the ack. Without it an ack survives the death of the
	// process, however sudden, but not of the machine, as in Apache Kafka
	// with one replica. BenchmarkProduce, on two shared cores and a virtual
	// disk: one writer of single 1 KiB messages gets 29,000 acks a second
	// without it and 320 with it; of batches of 100, 1,800 and 270.
	Sync bool
	// Partitions of a topic that is created with no count of its own.
	Partitions int
	// Retention and RetentionBytes (of one partition) bound a topic that
	// sets no retention.ms or retention.bytes itself. Negative: no bound.
	// A topic with cleanup.policy=compact is bounded by its keys instead.
	Retention      time.Duration
	RetentionBytes int64
	// SegmentBytes is the size at which a log file is closed and the next
	// one begun. Whole files are what retention gives back to the disk.
	SegmentBytes int64
	// MaxMessage is message.max.bytes: the largest batch of records taken.
	MaxMessage int
	// CompactAfter is how many bytes the compacted topics must hold
	// together before they are compacted at all; after that they are when
	// they have doubled. It waits for readers that are behind, until there is
	// eight times as much.
	CompactAfter int64
	// MinFree is the room, in bytes, below which the broker refuses to take
	// more records (KAFKA_STORAGE_ERROR) until there is room again.
	MinFree int64
	// Upkeep is the time between looks at retention, compaction and room.
	Upkeep time.Duration
	// Logger takes the broker's own events; nil is silent.
	Logger *slog.Logger
}

// Check says what is wrong with the configuration. It opens nothing.
func (c Config) Check() error {
	_, err := c.withDefaults()
	return err
}

// withDefaults fills in the zero fields and checks the rest.
func (c Config) withDefaults() (Config, error) {
	if c.Dir == "" {
		return c, errors.New("embedded: Dir is empty: name a directory for the log")
	}
	if c.Listen == "" {
		c.Listen = DefaultListen
	}
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return c, fmt.Errorf("embedded: Listen %q: want host:port such as %s: %w", c.Listen, DefaultListen, err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return c, fmt.Errorf("embedded: Listen %q is not a loopback address: the embedded broker has no authentication; "+
			"listen on 127.0.0.1, or use an Apache Kafka cluster for more than one host", c.Listen)
	}
	fill(&c.Partitions, DefaultPartitions)
	fill(&c.Retention, DefaultRetention)
	fill(&c.RetentionBytes, DefaultRetentionBytes)
	fill(&c.SegmentBytes, DefaultSegmentBytes)
	fill(&c.MaxMessage, DefaultMaxMessage)
	fill(&c.CompactAfter, DefaultCompactAfter)
	fill(&c.MinFree, DefaultMinFree)
	fill(&c.Upkeep, DefaultUpkeep)
	if c.Partitions < 0 || c.SegmentBytes < 0 || c.MaxMessage < 0 || c.Upkeep < 0 {
		return c, errors.New("embedded: Partitions, SegmentBytes, MaxMessage and Upkeep must be positive")
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

func fill[T comparable](field *T, standard T) {
	var zero T
	if *field == zero {
		*field = standard
	}
}
