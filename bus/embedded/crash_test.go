package embedded_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"throughline/bus/embedded"
)

// Writers and a committing reader work while the process is killed at
// moments of no choosing. What was acknowledged must be there, in order.
func TestKillLosesNothingAcknowledged(t *testing.T) {
	if testing.Short() {
		t.Skip("kills processes for some seconds")
	}
	for _, sync := range []bool{false, true} {
		t.Run(fmt.Sprintf("sync=%v", sync), func(t *testing.T) { killUnderLoad(t, sync, 6) })
	}
}

func killUnderLoad(t *testing.T, durable bool, kills int) {
	const partitions = 2
	child := startChild(t, embedded.Config{Sync: durable, SegmentBytes: 64 << 10})
	createTopic(t, client(t, child.Addr()), "turns", partitions, nil)

	stop := make(chan struct{})
	var acked [partitions]atomic.Int64
	var work sync.WaitGroup
	for p := range partitions {
		work.Go(func() { writeUntil(t, child.Addr(), p, &acked[p], stop) })
	}
	var sent int64 // the highest offset whose commit was acknowledged
	work.Go(func() { sent = commitUntil(t, child.Addr(), &acked[0], stop) })

	for i := range kills {
		before := acked[0].Load() + acked[1].Load()
		eventually(t, "writers move", func() bool { return acked[0].Load()+acked[1].Load() > before+20 })
		time.Sleep(time.Duration(i*7) * time.Millisecond)
		if err := child.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	before := acked[0].Load() + acked[1].Load()
	eventually(t, "writers move again", func() bool { return acked[0].Load()+acked[1].Load() > before+20 })
	close(stop)
	work.Wait()
	child.Kill()
	if err := child.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}

	for p := range partitions {
		var next, repeated uint64
		for _, m := range readAll(t, child.Addr(), "turns", p) {
			switch serial := binary.BigEndian.Uint64(m.Key); {
			case serial == next:
				next++
			case next > 0 && serial == next-1:
				repeated++ // its ack was lost with the process, so it was sent again
			default:
				t.Fatalf("partition %d: record %d where %d was due", p, serial, next)
			}
		}
		if n := uint64(acked[p].Load()); next < n {
			t.Errorf("partition %d: %d acknowledged, %d there", p, n, next)
		}
		t.Logf("partition %d: %d acknowledged, %d there, %d sent twice", p, acked[p].Load(), next, repeated)
	}
	if got := committed(t, client(t, child.Addr()), "g", "turns", 0); got < sent {
		t.Errorf("committed offset %d was acknowledged, %d is there", sent, got)
	}
	t.Logf("%d kills, offset %d committed", kills, sent)
}

// writeUntil sends records that carry their serial number, each again until
// it is acknowledged.
func writeUntil(t *testing.T, addr string, partition int, acked *atomic.Int64, stop chan struct{}) {
	w := &kafka.Writer{
		Addr: kafka.TCP(addr), Topic: "turns", RequiredAcks: kafka.RequireAll, BatchSize: 1, MaxAttempts: 1,
		Balancer:  kafka.BalancerFunc(func(kafka.Message, ...int) int { return partition }),
		Transport: &kafka.Transport{MetadataTTL: time.Second},
	}
	defer w.Close()
	body := []byte(strings.Repeat("turn ", 50))
	for serial := uint64(0); ; {
		select {
		case <-stop:
			return
		default:
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience) // one that is given up may still be stored, after others
		err := w.WriteMessages(ctx, kafka.Message{Key: binary.BigEndian.AppendUint64(nil, serial), Value: body})
		cancel()
		if err != nil {
			time.Sleep(5 * time.Millisecond)
			continue
		}
		serial++
		acked.Store(int64(serial))
	}
}

// commitUntil commits what is written, as a worker does, and returns the last
// offset whose commit was acknowledged.
func commitUntil(t *testing.T, addr string, written *atomic.Int64, stop chan struct{}) (sent int64) {
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	c := &kafka.Client{Addr: kafka.TCP(addr), Transport: transport, Timeout: patience}
	for {
		select {
		case <-stop:
			return sent
		case <-time.After(2 * time.Millisecond):
		}
		offset := written.Load()
		resp, err := c.OffsetCommit(t.Context(), &kafka.OffsetCommitRequest{
			GroupID: "g", GenerationID: -1,
			Topics: map[string][]kafka.OffsetCommit{"turns": {{Partition: 0, Offset: offset}}},
		})
		if err == nil && resp.Topics["turns"][0].Error == nil {
			sent = offset
		}
	}
}

// A torn write leaves any number of the last bytes missing.
func TestTornTailKeepsEverythingBefore(t *testing.T) {
	dir := t.TempDir()
	b := open(t, embedded.Config{Dir: dir})
	c := client(t, b.Addr())
	createTopic(t, c, "turns", 1, nil)
	const batches = 3
	var ends []int64 // the file's size after each batch
	segment := filepath.Join(dir, "partitions", "turns-0", "0.dat")
	for i := range batches {
		mustProduce(t, c, "turns", 0, numbered(2*i), numbered(2*i+1))
		info, err := os.Stat(segment)
		if err != nil {
			t.Fatal(err)
		}
		ends = append(ends, info.Size())
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(segment)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range ends[2] - ends[0] {
		length := ends[2] - cut
		if err := os.WriteFile(segment, whole[:length], 0o600); err != nil {
			t.Fatal(err)
		}
		want := 0
		for _, end := range ends {
			if length >= end {
				want += 2
			}
		}
		b, err := embedded.Open(embedded.Config{Dir: dir, Listen: "127.0.0.1:0"})
		if err != nil {
			t.Fatalf("%d bytes short: %v", cut, err)
		}
		if _, next := bounds(t, client(t, b.Addr()), "turns", 0); next != int64(want) {
			t.Errorf("%d bytes short: next offset %d, want %d", cut, next, want)
		}
		if cut%40 == 0 {
			for i, m := range readAll(t, b.Addr(), "turns", 0) {
				if string(m.Value) != numbered(i).value {
					t.Errorf("%d bytes short: record %d is %s", cut, i, m.Value)
				}
			}
			if got := mustProduce(t, client(t, b.Addr()), "turns", 0, numbered(9)); got != int64(want) {
				t.Errorf("%d bytes short: next record at %d, want %d", cut, got, want)
			}
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A write that the disk refuses must be answered with an error, and whatever
// was acknowledged before must still be there.
func TestFullDiskRefusesRecords(t *testing.T) {
	const limit = 256 << 10
	child := limitedChild(t, embedded.Config{}, limit)
	c := client(t, child.Addr())
	createTopic(t, c, "audio", 1, nil)
	var acked int
	var refused error
	for range 2 * limit >> 12 {
		if _, err := produce(t.Context(), c, "audio", 0, time.Now(), record{"k", strings.Repeat("x", 4<<10)}); err != nil {
			refused = err
			break
		}
		acked++
	}
	if refused == nil {
		t.Fatal("a full disk acknowledged everything")
	}
	t.Logf("%d acknowledged, then: %v", acked, refused)
	if got := readAll(t, child.Addr(), "audio", 0); len(got) != acked {
		t.Errorf("%d acknowledged, %d there", acked, len(got))
	}
	if err := child.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := readAll(t, child.Addr(), "audio", 0); len(got) != acked {
		t.Errorf("%d acknowledged, %d there after a kill", acked, len(got))
	}
}

// Before the disk is full the broker stops taking records and offsets.
func TestNearlyFullDiskRefusesRecords(t *testing.T) {
	dir := t.TempDir()
	b := open(t, embedded.Config{Dir: dir})
	c := client(t, b.Addr())
	createTopic(t, c, "turns", 1, nil)
	mustProduce(t, c, "turns", 0, numbered(0))
	if err := b.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	b.Close()

	b = open(t, embedded.Config{Dir: dir, MinFree: 1 << 60})
	if err := b.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "nearly full") {
		t.Errorf("a full broker is ready: %v", err)
	}
	c = client(t, b.Addr())
	if _, err := produce(t.Context(), c, "turns", 0, time.Now(), numbered(1)); !errors.Is(err, kafka.KafkaStorageError) {
		t.Errorf("produce: %v, want %v", err, kafka.KafkaStorageError)
	}
	resp, err := c.OffsetCommit(t.Context(), &kafka.OffsetCommitRequest{
		GroupID: "g", GenerationID: -1, Topics: map[string][]kafka.OffsetCommit{"turns": {{Partition: 0, Offset: 1}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Topics["turns"][0].Error; !errors.Is(err, kafka.KafkaStorageError) {
		t.Errorf("commit: %v, want %v", err, kafka.KafkaStorageError)
	}
	if got := readAll(t, b.Addr(), "turns", 0); len(got) != 1 {
		t.Errorf("%d records can be read", len(got))
	}
}
