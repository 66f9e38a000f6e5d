//go:build kafka

package apachekafka_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"throughline/bus/apachekafka"
)

func TestNodeKeepsWhatItAcknowledged(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // the first run fetches Kafka
	defer cancel()
	node, err := apachekafka.Start(ctx, t.TempDir())
	if errors.Is(err, apachekafka.ErrUnavailable) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(node.Kill)
	addr := node.Addr()
	transport := &kafka.Transport{MetadataTTL: time.Second}
	t.Cleanup(transport.CloseIdleConnections)
	c := &kafka.Client{Addr: kafka.TCP(addr), Transport: transport, Timeout: 10 * time.Second}

	created, err := c.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{
		{Topic: "turns", NumPartitions: 4, ReplicationFactor: 1},
		{Topic: "journeys", NumPartitions: 4, ReplicationFactor: 1, ConfigEntries: []kafka.ConfigEntry{
			{ConfigName: "cleanup.policy", ConfigValue: "compact"}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for topic, err := range created.Errors {
		if err != nil {
			t.Fatalf("create %s: %v", topic, err)
		}
	}

	// A topic just made, or a node just started, has partitions without a
	// leader for a moment: every producer has to bear with that.
	var produce func(key, value string) error
	produce = func(key, value string) error {
		resp, err := c.Produce(ctx, &kafka.ProduceRequest{
			Topic: "turns", Partition: 1, RequiredAcks: kafka.RequireAll,
			Records: kafka.NewRecordReader(kafka.Record{Key: kafka.NewBytes([]byte(key)), Value: kafka.NewBytes([]byte(value))}),
		})
		if err != nil {
			return err
		}
		if errors.Is(resp.Error, kafka.NotLeaderForPartition) && ctx.Err() == nil {
			time.Sleep(50 * time.Millisecond)
			return produce(key, value)
		}
		return resp.Error
	}
	for i := range 20 {
		if err := produce(fmt.Sprint(i), "turn"); err != nil {
			t.Fatal(err)
		}
	}
	if err := produce("20", strings.Repeat("x", 7<<20)); err != nil {
		t.Errorf("7 MiB: %v", err)
	}
	if err := produce("21", strings.Repeat("x", 9<<20)); !errors.Is(err, kafka.MessageSizeTooLarge) {
		t.Errorf("9 MiB: %v, want %v", err, kafka.MessageSizeTooLarge)
	}

	node.Kill()
	if err := node.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	if node.Addr() != addr {
		t.Errorf("restarted at %s, was %s", node.Addr(), addr)
	}

	r := kafka.NewReader(kafka.ReaderConfig{
		Brokers: []string{addr}, Topic: "turns", GroupID: "g", StartOffset: kafka.FirstOffset, MaxBytes: 16 << 20, MaxWait: 100 * time.Millisecond, JoinGroupBackoff: 200 * time.Millisecond,
	})
	defer r.Close()
	for i := range 21 {
		m, err := r.FetchMessage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if string(m.Key) != fmt.Sprint(i) || m.Offset != int64(i) {
			t.Fatalf("record %s at %d, want %d", m.Key, m.Offset, i)
		}
		if err := r.CommitMessages(ctx, m); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(node.Stop(), node.Stop()); err != nil {
		t.Error(err)
	}
}
