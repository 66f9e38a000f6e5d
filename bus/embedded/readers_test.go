package embedded_test

import (
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"throughline/bus/embedded"
)

// What a group that is alive has yet to read is not compacted away, unless the
// log has grown far beyond what is due.
func TestCompactionWaitsForReaders(t *testing.T) {
	b := open(t, embedded.Config{CompactAfter: 4 << 10})
	c := client(t, b.Addr())
	createTopic(t, c, "journeys", 1, compacted())
	state := strings.Repeat("s", 2<<10)
	mustProduce(t, c, "journeys", 0, record{"a", state})

	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{ID: "moments", Brokers: []string{b.Addr()}, Topics: []string{"journeys"},
		SessionTimeout: time.Minute, HeartbeatInterval: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer group.Close()
	reader, err := group.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	readUpTo := func(offset int64) {
		t.Helper()
		if err := reader.CommitOffsets(map[string]map[int]int64{"journeys": {0: offset}}); err != nil {
			t.Fatal(err)
		}
		beat, err := c.Heartbeat(t.Context(), &kafka.HeartbeatRequest{GroupID: "moments", GenerationID: reader.ID, MemberID: reader.MemberID})
		if err != nil || beat.Error != nil {
			t.Fatalf("heartbeat: %v %v", err, beat)
		}
	}
	left := func(want int, when string) {
		t.Helper()
		upkeep(t, b)
		if got := len(readAll(t, b.Addr(), "journeys", 0)); got != want {
			t.Errorf("%d records are left %s, want %d", got, when, want)
		}
	}

	readUpTo(1)
	mustProduce(t, c, "journeys", 0, record{"a", state})
	mustProduce(t, c, "journeys", 0, record{"b", state})
	left(3, "while the group is behind")
	left(3, "while it stays behind")
	readUpTo(3)
	mustProduce(t, c, "journeys", 0, record{"c", state})
	left(3, "once the group has read what was there at the look before")
	for range 60 {
		mustProduce(t, c, "journeys", 0, record{"a", state})
	}
	left(4, "of a log that has grown beyond all patience")
}
