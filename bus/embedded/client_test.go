package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"throughline/bus/embedded"
	"throughline/bus/embedded/embeddedtest"
)

func TestMain(m *testing.M) { os.Exit(embeddedtest.Main(m)) }

// open opens a broker for the test with small bounds and a port of its own.
func open(t testing.TB, cfg embedded.Config) *embedded.Broker {
	t.Helper()
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	if cfg.Listen == "" {
		cfg.Listen = "127.0.0.1:0"
	}
	b, err := embedded.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// client is a kafka-go client that leaves no connection behind.
func client(t testing.TB, addr string) *kafka.Client {
	transport := &kafka.Transport{MetadataTTL: time.Second}
	t.Cleanup(transport.CloseIdleConnections)
	return &kafka.Client{Addr: kafka.TCP(addr), Transport: transport, Timeout: patience}
}

func createTopic(t testing.TB, c *kafka.Client, topic string, partitions int, configs map[string]string) {
	t.Helper()
	tc := kafka.TopicConfig{Topic: topic, NumPartitions: partitions, ReplicationFactor: 1}
	for name, value := range configs {
		tc.ConfigEntries = append(tc.ConfigEntries, kafka.ConfigEntry{ConfigName: name, ConfigValue: value})
	}
	resp, err := c.CreateTopics(t.Context(), &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{tc}})
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Errors[topic]; err != nil {
		t.Fatalf("create %s: %v", topic, err)
	}
}

// record is what the tests write and read back.
type record struct{ key, value string }

// produce writes one batch with acks=all and returns its first offset.
func produce(ctx context.Context, c *kafka.Client, topic string, partition int, at time.Time, records ...record) (int64, error) {
	var rs []kafka.Record
	for _, r := range records {
		rec := kafka.Record{Time: at, Value: kafka.NewBytes([]byte(r.value))}
		if r.key != "" {
			rec.Key = kafka.NewBytes([]byte(r.key))
		}
		if r.value == "" {
			rec.Value = nil
		}
		rs = append(rs, rec)
	}
	resp, err := c.Produce(ctx, &kafka.ProduceRequest{
		Topic: topic, Partition: partition, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(rs...),
	})
	if err != nil {
		return 0, err
	}
	return resp.BaseOffset, resp.Error
}

func mustProduce(t testing.TB, c *kafka.Client, topic string, partition int, records ...record) int64 {
	t.Helper()
	offset, err := produce(t.Context(), c, topic, partition, time.Now(), records...)
	if err != nil {
		t.Fatalf("produce to %s/%d: %v", topic, partition, err)
	}
	return offset
}

// bounds are a partition's first and next offset.
func bounds(t testing.TB, c *kafka.Client, topic string, partition int) (first, next int64) {
	t.Helper()
	resp, err := c.ListOffsets(t.Context(), &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{
		topic: {kafka.FirstOffsetOf(partition), kafka.LastOffsetOf(partition)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	p := resp.Topics[topic][0]
	if p.Error != nil {
		t.Fatal(p.Error)
	}
	return p.FirstOffset, p.LastOffset
}

// patience bounds what a test waits for. Only a test that fails waits that long,
// so it is what a machine takes that has twenty other things to do.
const patience = 90 * time.Second

// readAll reads a partition from its start to its end.
func readAll(t testing.TB, addr, topic string, partition int) []kafka.Message {
	t.Helper()
	first, next := bounds(t, client(t, addr), topic, partition)
	if first == next {
		return nil
	}
	r := kafka.NewReader(kafka.ReaderConfig{
		Brokers: []string{addr}, Topic: topic, Partition: partition, MaxWait: 100 * time.Millisecond, MaxBytes: 16 << 20,
		ReadBatchTimeout: patience, // a large message may take a busy machine more than ten seconds
	})
	defer r.Close()
	if err := r.SetOffset(first); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var all []kafka.Message
	for {
		m, err := r.FetchMessage(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("%s/%d: read %d messages, then waited for offset %d in vain", topic, partition, len(all), next-1)
		}
		if err != nil {
			continue
		}
		all = append(all, m)
		if m.Offset >= next-1 {
			return all
		}
	}
}

func numbered(i int) record { return record{fmt.Sprintf("k%d", i), fmt.Sprintf("v%d", i)} }
