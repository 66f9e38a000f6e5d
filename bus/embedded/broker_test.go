package embedded_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"throughline/bus/embedded"
)

func TestOpenRefusesWhatCannotWork(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, c := range []struct {
		name, want string
		cfg        embedded.Config
	}{
		{"no directory", "Dir is empty", embedded.Config{}},
		{"no port", "want host:port", embedded.Config{Dir: t.TempDir(), Listen: "127.0.0.1"}},
		{"open to all", "not a loopback address", embedded.Config{Dir: t.TempDir(), Listen: "0.0.0.0:9092"}},
		{"any host", "not a loopback address", embedded.Config{Dir: t.TempDir(), Listen: ":9092"}},
		{"negative", "must be positive", embedded.Config{Dir: t.TempDir(), Listen: "127.0.0.1:0", Partitions: -1}},
		{"not a directory", "make directory", embedded.Config{Dir: file, Listen: "127.0.0.1:0"}},
		{"port taken", "address already in use", embedded.Config{Dir: t.TempDir(), Listen: taken.Addr().String()}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := embedded.Open(c.cfg)
			if err == nil {
				b.Close()
				t.Fatal("opened")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %q does not say %q", err, c.want)
			}
		})
	}
}

func TestDirectoryBelongsToOneProcess(t *testing.T) {
	dir := t.TempDir()
	b := open(t, embedded.Config{Dir: dir})
	_, err := embedded.Open(embedded.Config{Dir: dir, Listen: "127.0.0.1:0"})
	if !errors.Is(err, embedded.ErrLocked) {
		t.Fatalf("second opening: %v", err)
	}
	for _, want := range []string{dir, strconv.Itoa(os.Getpid()), "another directory"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not name %q", err, want)
		}
	}
	if err := errors.Join(b.Close(), b.Close()); err != nil {
		t.Fatal(err)
	}
	open(t, embedded.Config{Dir: dir})
}

func TestAdvertisedAddressIsTheRealOne(t *testing.T) {
	b := open(t, embedded.Config{})
	meta, err := client(t, b.Addr()).Metadata(t.Context(), &kafka.MetadataRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if len(meta.Brokers) != 1 {
		t.Fatalf("brokers %v", meta.Brokers)
	}
	advertised := net.JoinHostPort(meta.Brokers[0].Host, strconv.Itoa(meta.Brokers[0].Port))
	if advertised != b.Addr() {
		t.Errorf("advertises %s, serves %s", advertised, b.Addr())
	}
}

func TestReopenKeepsRecordsAndOffsets(t *testing.T) {
	dir := t.TempDir()
	b := open(t, embedded.Config{Dir: dir})
	c := client(t, b.Addr())
	createTopic(t, c, "turns", 2, nil)
	for i := range 10 {
		mustProduce(t, c, "turns", i%2, numbered(i))
	}
	commit(t, c, "g", "turns", 1, 3)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = open(t, embedded.Config{Dir: dir})
	c = client(t, b.Addr())
	for p := range 2 {
		got := readAll(t, b.Addr(), "turns", p)
		if len(got) != 5 {
			t.Fatalf("partition %d holds %d records, want 5", p, len(got))
		}
		for i, m := range got {
			if want := numbered(2*i + p); string(m.Key) != want.key || string(m.Value) != want.value || m.Offset != int64(i) {
				t.Errorf("record %d is %s=%s at %d, want %v", i, m.Key, m.Value, m.Offset, want)
			}
		}
	}
	if got := committed(t, c, "g", "turns", 1); got != 3 {
		t.Errorf("committed offset %d, want 3", got)
	}
}

func TestTopicsAreNotMadeByAccident(t *testing.T) {
	b := open(t, embedded.Config{})
	c := client(t, b.Addr())
	if _, err := produce(t.Context(), c, "misspelt", 0, time.Now(), numbered(0)); err == nil {
		t.Error("produced to an unknown topic")
	}
	meta, err := c.Metadata(t.Context(), &kafka.MetadataRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if len(meta.Topics) != 0 {
		t.Errorf("topics appeared: %v", meta.Topics)
	}
}

func TestMessageSizeBound(t *testing.T) {
	b := open(t, embedded.Config{})
	c := client(t, b.Addr())
	createTopic(t, c, "audio", 1, nil)
	mustProduce(t, c, "audio", 0, record{"k", strings.Repeat("x", 7<<20)})
	if _, err := produce(t.Context(), c, "audio", 0, time.Now(), record{"k", strings.Repeat("x", 9<<20)}); !errors.Is(err, kafka.MessageSizeTooLarge) {
		t.Errorf("9 MiB: %v, want %v", err, kafka.MessageSizeTooLarge)
	}
	if got := readAll(t, b.Addr(), "audio", 0); len(got) != 1 || len(got[0].Value) != 7<<20 {
		t.Errorf("read %d messages", len(got))
	}
}

// kfake alone dies of the last of these, and makes room for a gigabyte at
// the first.
func TestStrangersDoNoHarm(t *testing.T) {
	b := open(t, embedded.Config{})
	for name, bytes := range map[string]string{
		"http":          "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"tls":           "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x00\x00",
		"negative size": "\xff\xff\xff\xff\x00\x12\x00\x00\x00\x00\x00\x01",
		"no header":     "\x00\x00\x00\x04\x00\x12\x00\x00\x00\x00\x00\x01",
		"no version":    "\x00\x00\x00\x0a\x00\x12\xff\xff\x00\x00\x00\x01\xff\xff",
		"unknown key":   "\x00\x00\x00\x0a\x7f\xff\x00\x00\x00\x00\x00\x01\xff\xff",
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", b.Addr())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(patience))
			if _, err := io.WriteString(conn, bytes); err != nil {
				t.Fatal(err)
			}
			if n, err := conn.Read(make([]byte, 1)); n != 0 || errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("got %d bytes, %v; want the connection closed", n, err)
			}
		})
	}
	createTopic(t, client(t, b.Addr()), "still.here", 1, nil)
}

func TestRunEndsWithItsContext(t *testing.T) {
	b := open(t, embedded.Config{Upkeep: 5 * time.Millisecond})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	createTopic(t, client(t, b.Addr()), "turns", 1, nil)
	time.Sleep(50 * time.Millisecond)
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Fatal("Run goes on")
	}
	if _, err := net.Dial("tcp", b.Addr()); err == nil {
		t.Error("still serving")
	}
}

func commit(t testing.TB, c *kafka.Client, group, topic string, partition int, offset int64) {
	t.Helper()
	resp, err := c.OffsetCommit(t.Context(), &kafka.OffsetCommitRequest{
		GroupID: group, GenerationID: -1,
		Topics: map[string][]kafka.OffsetCommit{topic: {{Partition: partition, Offset: offset}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Topics[topic][0].Error; err != nil {
		t.Fatal(err)
	}
}

func committed(t testing.TB, c *kafka.Client, group, topic string, partition int) int64 {
	t.Helper()
	resp, err := c.OffsetFetch(t.Context(), &kafka.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{topic: {partition}}})
	if err != nil {
		t.Fatal(err)
	}
	if resp.Error != nil {
		t.Fatal(resp.Error)
	}
	return resp.Topics[topic][0].CommittedOffset
}
