package embedded_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"throughline/bus/embedded"
)

func upkeep(t testing.TB, b *embedded.Broker) {
	t.Helper()
	if err := b.Upkeep(); err != nil {
		t.Fatal(err)
	}
}

func TestRetentionBySize(t *testing.T) {
	for _, c := range []struct {
		name    string
		cfg     embedded.Config
		configs map[string]string
	}{
		{"of the broker", embedded.Config{RetentionBytes: 64 << 10, SegmentBytes: 16 << 10}, nil},
		{"of the topic", embedded.Config{SegmentBytes: 16 << 10}, map[string]string{"retention.bytes": strconv.Itoa(64 << 10)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.cfg.Dir = t.TempDir()
			b := open(t, c.cfg)
			cl := client(t, b.Addr())
			createTopic(t, cl, "audio", 1, c.configs)
			for range 256 {
				mustProduce(t, cl, "audio", 0, record{"k", strings.Repeat("x", 1<<10)})
			}
			// The topic is older than this run, which is when kfake's own
			// cleaner would never start.
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
			b = open(t, c.cfg)
			upkeep(t, b)
			first, next := bounds(t, client(t, b.Addr()), "audio", 0)
			if next != 256 || first < 180 || first > 200 {
				t.Errorf("offsets [%d, %d), want about the last 60 of 256", first, next)
			}
			if size := dirSize(t, c.cfg.Dir); size > 96<<10 {
				t.Errorf("%d bytes on disk", size)
			}
		})
	}
}

// Nothing is written, so nobody waits, while nothing can be removed. What a file
// more than its bound is held is.
func TestLookWithNothingToDo(t *testing.T) {
	dir := t.TempDir()
	b := open(t, embedded.Config{Dir: dir, RetentionBytes: 64 << 10, SegmentBytes: 16 << 10})
	cl := client(t, b.Addr())
	createTopic(t, cl, "audio", 1, nil)
	upkeep(t, b) // the first look writes where partitions are
	floors := func() string {
		raw, err := os.ReadFile(filepath.Join(dir, "floors.json"))
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	before := floors()
	for range 70 {
		mustProduce(t, cl, "audio", 0, record{"k", strings.Repeat("x", 1<<10)})
	}
	upkeep(t, b)
	if first, _ := bounds(t, cl, "audio", 0); first != 0 || floors() != before {
		t.Errorf("a look with nothing to remove left offsets from %d and floors %s", first, floors())
	}
	for range 20 {
		mustProduce(t, cl, "audio", 0, record{"k", strings.Repeat("x", 1<<10)})
	}
	upkeep(t, b)
	if first, next := bounds(t, cl, "audio", 0); first == 0 || next != 90 || floors() == before {
		t.Errorf("offsets [%d, %d) and floors %s of a partition beyond its bound", first, next, floors())
	}
}

// A partition whose records have all expired must go on where it was: with
// kfake alone it begins again at 0, after a clean stop as after a kill.
func TestOffsetsNeverRunBackwards(t *testing.T) {
	for _, stop := range []string{"closed", "killed"} {
		t.Run(stop, func(t *testing.T) {
			child := startChild(t, embedded.Config{Upkeep: 20 * time.Millisecond})
			c := client(t, child.Addr())
			createTopic(t, c, "turns", 2, map[string]string{"retention.ms": strconv.Itoa(int(time.Hour.Milliseconds()))})
			old := time.Now().Add(-2 * time.Hour)
			for range 5 {
				if _, err := produce(t.Context(), c, "turns", 1, old, numbered(0), numbered(1)); err != nil {
					t.Fatal(err)
				}
			}
			eventually(t, "everything expired", func() bool {
				first, _ := bounds(t, c, "turns", 1)
				return first == 10
			})
			for range 2 { // twice, for the floor must outlive a run without records
				if stop == "killed" {
					child.Kill()
				} else if err := child.Stop(); err != nil {
					t.Fatal(err)
				}
				if err := child.Restart(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			c = client(t, child.Addr())
			if first, next := bounds(t, c, "turns", 1); first != 10 || next != 10 {
				t.Errorf("after restart offsets are [%d, %d), want [10, 10)", first, next)
			}
			if got := mustProduce(t, c, "turns", 1, numbered(7)); got != 10 {
				t.Errorf("next record got offset %d, want 10", got)
			}
			if got := readAll(t, child.Addr(), "turns", 1); len(got) != 1 || string(got[0].Value) != "v7" {
				t.Errorf("read %v", got)
			}
		})
	}
}

func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if is() {
			return
		}
	}
	t.Fatalf("waited in vain: %s", what)
}
