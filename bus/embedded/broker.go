package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Broker is a running broker. Its methods may be called at the same time.
type Broker struct {
	cfg     Config
	addr    string
	lock    *os.File
	cluster *kfake.Cluster
	floors  floors
	readers readers

	looking      sync.Mutex // held over a look at the log, and by Close
	upkeep       upkeep
	appendFailed atomic.Bool
	refusing     atomic.Bool // the disk is nearly full

	closing sync.Once
	closed  chan struct{}
	failure error
}

// Open locks the directory, restores the log and serves it; when it returns,
// clients are answered. It fails if another process holds the directory
// ([ErrLocked]), if the address is taken, or if the log cannot be read.
func Open(cfg Config) (*Broker, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cfg.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("embedded: make directory: %w", err)
	}
	lock, err := lockDir(cfg.Dir)
	if err != nil {
		return nil, err
	}
	b := &Broker{cfg: cfg, lock: lock, closed: make(chan struct{})}
	if err := b.open(); err != nil {
		lock.Close()
		return nil, err
	}
	return b, nil
}

func (b *Broker) open() error {
	restored, err := restoreBackup(b.cfg.Dir)
	if err != nil {
		return err
	}
	if restored {
		b.cfg.Logger.Warn("restored the log from before an interrupted compaction", slog.String("component", "broker"))
	}
	if b.floors, err = loadFloors(b.cfg.Dir); err != nil {
		return err
	}
	planted, err := b.floors.plant(b.cfg.Dir)
	if err != nil {
		return err
	}
	inner, err := net.Listen("tcp", b.cfg.Listen)
	if err != nil {
		return fmt.Errorf("kafka.listen: %w", err)
	}
	ln := &gate{Listener: frameListener{inner}, open: make(chan struct{}), shut: make(chan struct{})}
	b.addr = inner.Addr().String()
	if b.cluster, err = kfake.NewCluster(b.options(ln)...); err != nil {
		ln.Close()
		return fmt.Errorf("embedded: open log: %w", err)
	}
	for _, name := range planted {
		if err := b.unplant(name); err != nil {
			b.cluster.Close()
			return err
		}
	}
	keepCompacted(b.cluster)
	b.readers.watch(b.cluster)
	observe(b.cluster, kmsg.DescribeLogDirs, b.serveLook)
	observe(b.cluster, kmsg.DeleteRecords, b.beforeDelete)
	b.upkeep.local.addr, b.upkeep.compacted = b.addr, time.Now()
	if err := b.guardDisk(); err != nil {
		b.cluster.Close()
		return err
	}
	close(ln.open)
	return nil
}

func (b *Broker) options(ln net.Listener) []kfake.Opt {
	configs := map[string]string{
		"message.max.bytes":      strconv.Itoa(b.cfg.MaxMessage),
		"log.segment.bytes":      strconv.FormatInt(b.cfg.SegmentBytes, 10),
		"log.retention.ms":       strconv.FormatInt(max(-1, b.cfg.Retention.Milliseconds()), 10),
		"log.retention.bytes":    strconv.FormatInt(max(-1, b.cfg.RetentionBytes), 10),
		"log.cleaner.backoff.ms": never,
	}
	opts := []kfake.Opt{
		kfake.NumBrokers(1),
		kfake.ClusterID("throughline"),
		kfake.DataDir(b.cfg.Dir),
		kfake.DefaultNumPartitions(b.cfg.Partitions),
		kfake.GroupMinSessionTimeout(time.Second),
		kfake.BrokerConfigs(configs),
		kfake.WithLogger(&logger{b}),
		kfake.ListenFn(func(string, string) (net.Listener, error) { return ln, nil }),
	}
	if b.cfg.Sync {
		opts = append(opts, kfake.SyncWrites())
	}
	return opts
}

// unplant deletes the record that kept a partition's floor while opening.
func (b *Broker) unplant(name string) error {
	topic, partition, err := splitPartition(name)
	if err != nil {
		return err
	}
	if b.cluster.TopicInfo(topic) == nil {
		return nil
	}
	if err := b.cluster.DeleteRecords(topic, partition, -1); err != nil {
		return fmt.Errorf("embedded: restore offset of %s: %w", name, err)
	}
	return nil
}

// beforeDelete writes the floors down before a client deletes records.
func (b *Broker) beforeDelete(r kmsg.Request) {
	var topics []string
	for _, t := range r.(*kmsg.DeleteRecordsRequest).Topics {
		topics = append(topics, t.Topic)
	}
	next := floors{}
	for name, offset := range b.floors {
		next[name] = offset
	}
	for _, p := range b.partitions(topics) {
		next[p.name] = p.info.HighWatermark
	}
	if err := next.save(b.cfg.Dir); err != nil {
		b.cfg.Logger.Error("saving offsets failed", slog.String("component", "broker"), slog.Any("error", err))
		return
	}
	b.floors = next
}

// Addr is the host:port that the broker serves and advertises.
func (b *Broker) Addr() string { return b.addr }

// Ready tells why the broker takes no records, nil where it does.
func (b *Broker) Ready(context.Context) error {
	if b.refusing.Load() {
		return fmt.Errorf("the disk under the embedded broker is nearly full: records are refused until %d MiB are free", b.cfg.MinFree>>20)
	}
	return nil
}

// Run keeps the log within its bounds until ctx ends, then closes the
// broker. It returns nil after ctx or [Broker.Close], or the failure that
// the broker stopped for.
func (b *Broker) Run(ctx context.Context) error {
	tick := time.NewTicker(b.cfg.Upkeep)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return b.Close()
		case <-b.closed:
			return b.failure
		case <-tick.C:
			if err := b.Upkeep(); fatal(err) {
				return err
			}
		}
	}
}

// Upkeep looks at retention, compaction and room on disk at once, as [Run]
// does on its own time. A failed compaction closes the broker.
func (b *Broker) Upkeep() error {
	b.looking.Lock()
	select {
	case <-b.closed:
		b.looking.Unlock()
		return nil
	default:
	}
	err := errors.Join(b.guardDisk(), b.look(false))
	b.looking.Unlock()
	if err == nil {
		return nil
	}
	b.cfg.Logger.Error("upkeep failed", slog.String("component", "broker"), slog.Any("error", err))
	if fatal(err) {
		b.stop(err)
	}
	return err
}

// Close stops serving, writes down what makes the next opening fast, and
// gives the directory back. Further calls return the first one's result.
func (b *Broker) Close() error { return b.stop(nil) }

func (b *Broker) stop(cause error) error {
	b.closing.Do(func() {
		b.looking.Lock()
		defer b.looking.Unlock()
		if cause == nil {
			cause = b.look(true)
		}
		b.upkeep.local.close()
		b.cluster.Close()
		b.failure = errors.Join(cause, b.lock.Close())
		close(b.closed)
	})
	<-b.closed
	return b.failure
}

// splitPartition undoes partitionName.
func splitPartition(name string) (string, int32, error) {
	i := strings.LastIndexByte(name, '-')
	if i < 0 {
		return "", 0, fmt.Errorf("embedded: partition %q: no number", name)
	}
	partition, err := strconv.ParseInt(name[i+1:], 10, 32)
	if err != nil {
		return "", 0, fmt.Errorf("embedded: partition %q: %w", name, err)
	}
	topic, err := url.PathUnescape(name[:i])
	if err != nil {
		return "", 0, fmt.Errorf("embedded: partition %q: %w", name, err)
	}
	return topic, int32(partition), nil
}

// gate holds connections back until the broker is ready for them.
type gate struct {
	net.Listener
	open, shut chan struct{}
	once       sync.Once
}

func (g *gate) Accept() (net.Conn, error) {
	select {
	case <-g.open:
		return g.Listener.Accept()
	case <-g.shut:
		return nil, net.ErrClosed
	}
}

func (g *gate) Close() error {
	g.once.Do(func() { close(g.shut) })
	return g.Listener.Close()
}

// logger hands kfake's warnings to ours. They name topics, partitions and
// files, never what a record holds.
type logger struct{ b *Broker }

func (l *logger) Logf(level kfake.LogLevel, format string, args ...any) {
	if level > kfake.LogLevelWarn || level == kfake.LogLevelNone {
		return
	}
	if strings.HasPrefix(format, "persist batch") {
		l.b.appendFailed.Store(true)
	}
	to := slog.LevelWarn
	if level == kfake.LogLevelError {
		to = slog.LevelError
	}
	l.b.cfg.Logger.Log(context.Background(), to, fmt.Sprintf(format, args...), slog.String("component", "broker"))
}
