package embedded_test

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"throughline/bus/embedded"
	"throughline/bus/embedded/embeddedtest"
)

func startChild(t testing.TB, cfg embedded.Config) *embeddedtest.Child {
	t.Helper()
	return embeddedtest.Start(t, cfg)
}

func limitedChild(t testing.TB, cfg embedded.Config, maxBytes uint64) *embeddedtest.Child {
	t.Helper()
	return embeddedtest.StartLimited(t, cfg, maxBytes)
}

func dirSize(t testing.TB, dir string) int64 {
	t.Helper()
	var size int64
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return nil // a file may go while it is listed
		}
		if info, err := e.Info(); err == nil {
			size += info.Size()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return size
}

// latest is what a store that reads the topic from its start ends up with.
func latest(messages []kafka.Message) map[string]string {
	state := map[string]string{}
	for _, m := range messages {
		if m.Value == nil {
			delete(state, string(m.Key))
		} else {
			state[string(m.Key)] = string(m.Value)
		}
	}
	return state
}

func compacted() map[string]string { return map[string]string{"cleanup.policy": "compact"} }

func TestCompactionKeepsTheLatestOfEveryKey(t *testing.T) {
	cfg := embedded.Config{Dir: t.TempDir(), CompactAfter: 1 << 20, SegmentBytes: 256 << 10}
	b := open(t, cfg)
	c := client(t, b.Addr())
	createTopic(t, c, "journeys", 2, compacted())
	createTopic(t, c, "other", 1, nil)
	mustProduce(t, c, "other", 0, numbered(1))
	want := []map[string]string{{}, {}}
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 3000 {
		key := fmt.Sprintf("customer-%d", rng.IntN(50))
		p := int(key[len(key)-1]) % 2
		value := fmt.Sprintf("%d %s", i, strings.Repeat("s", 2<<10))
		mustProduce(t, c, "journeys", p, record{key, value})
		want[p][key] = value
		if i%100 == 0 {
			upkeep(t, b)
		}
	}
	upkeep(t, b)
	if size := dirSize(t, cfg.Dir); size > 2<<20 {
		t.Errorf("%d bytes on disk for 100 KiB of state and 6 MiB written", size)
	}
	check := func(addr string) {
		t.Helper()
		for p := range 2 {
			messages := readAll(t, addr, "journeys", p)
			for i := 1; i < len(messages); i++ {
				if messages[i].Offset <= messages[i-1].Offset {
					t.Fatalf("offset %d after %d", messages[i].Offset, messages[i-1].Offset)
				}
			}
			sameState(t, latest(messages), want[p])
		}
		if got := readAll(t, addr, "other", 0); len(got) != 1 {
			t.Errorf("the other topic holds %d records", len(got))
		}
	}
	check(b.Addr())
	_, before := bounds(t, c, "journeys", 0)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = open(t, cfg)
	check(b.Addr())
	if _, after := bounds(t, client(t, b.Addr()), "journeys", 0); after != before {
		t.Errorf("next offset %d after reopening, was %d", after, before)
	}
}

func sameState(t testing.TB, got, want map[string]string) {
	t.Helper()
	for key, value := range want {
		if got[key] != value {
			t.Errorf("%s is %.20q, want %.20q", key, got[key], value)
		}
	}
	for key := range got {
		if _, known := want[key]; !known {
			t.Errorf("%s came from nowhere", key)
		}
	}
}

func TestCompactionForgetsTombstones(t *testing.T) {
	b := open(t, embedded.Config{CompactAfter: 1})
	c := client(t, b.Addr())
	configs := compacted()
	configs["delete.retention.ms"] = "0"
	createTopic(t, c, "journeys", 1, configs)
	mustProduce(t, c, "journeys", 0, record{"erased", "state"})
	mustProduce(t, c, "journeys", 0, record{key: "erased"})
	mustProduce(t, c, "journeys", 0, record{"kept", "state"})
	upkeep(t, b)
	if got := readAll(t, b.Addr(), "journeys", 0); len(got) != 1 || string(got[0].Key) != "kept" {
		t.Errorf("%d records left, first key %s", len(got), got[0].Key)
	}
}

// Only the age of a record that is still the latest of its key speaks for
// dropping it, and in Apache Kafka age is no reason in a compacted topic.
func TestRetentionSparesCompactedTopics(t *testing.T) {
	b := open(t, embedded.Config{Retention: time.Second, RetentionBytes: 1, CompactAfter: 1})
	c := client(t, b.Addr())
	old := time.Now().Add(-time.Hour)
	for topic, how := range map[string]func(){
		"created": func() {
			configs := compacted()
			configs["retention.ms"] = "1000"
			createTopic(t, c, "created", 1, configs)
		},
		"altered": func() {
			createTopic(t, c, "altered", 1, nil)
			alter(t, c, "altered", "cleanup.policy", "compact")
		},
	} {
		how()
		for i := range 3 {
			if _, err := produce(t.Context(), c, topic, 0, old, numbered(i)); err != nil {
				t.Fatal(err)
			}
		}
	}
	upkeep(t, b)
	for _, topic := range []string{"created", "altered"} {
		if got := readAll(t, b.Addr(), topic, 0); len(got) != 3 {
			t.Errorf("%s: %d of 3 records left", topic, len(got))
		}
	}
}

func alter(t testing.TB, c *kafka.Client, topic, name, value string) {
	t.Helper()
	_, err := c.IncrementalAlterConfigs(t.Context(), &kafka.IncrementalAlterConfigsRequest{
		Resources: []kafka.IncrementalAlterConfigsRequestResource{{
			ResourceType: kafka.ResourceTypeTopic, ResourceName: topic,
			Configs: []kafka.IncrementalAlterConfigsRequestConfig{{Name: name, Value: value, ConfigOperation: kafka.ConfigOperationSet}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The process dies while it compacts, over and over, each time a little later
// into it. A broker that has just started compacts on its first look.
func TestKillDuringCompaction(t *testing.T) {
	if testing.Short() {
		t.Skip("kills processes for some seconds")
	}
	child := startChild(t, embedded.Config{CompactAfter: 1, Upkeep: time.Millisecond, SegmentBytes: 128 << 10})
	createTopic(t, client(t, child.Addr()), "journeys", 1, compacted())
	want := map[string]string{}
	interrupted := 0
	// Whether a kill meets a compaction is up to the scheduler of a busy machine.
	const rounds, most = 12, 100
	for round := 0; round < rounds || interrupted == 0 && round < most; round++ {
		c := client(t, child.Addr())
		for i := 0; i < 300; i += 10 {
			var batch []record
			for j := range 10 {
				r := record{fmt.Sprintf("customer-%d", (round*300+(i+j)*7)%400), fmt.Sprintf("%d.%d %s", round, i+j, strings.Repeat("s", 2<<10))}
				batch = append(batch, r)
				want[r.key] = r.value
			}
			mustProduce(t, c, "journeys", 0, batch...)
		}
		if err := child.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		backup := filepath.Join(child.Dir(), "compacting")
		for deadline := time.Now().Add(time.Second); time.Now().Before(deadline); {
			if _, err := os.Stat(backup); err == nil {
				break
			}
		}
		time.Sleep(time.Duration(round%rounds) * 2 * time.Millisecond)
		child.Kill()
		if _, err := os.Stat(backup); err == nil {
			interrupted++
		}
		if err := child.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		sameState(t, latest(readAll(t, child.Addr(), "journeys", 0)), want)
	}
	if interrupted == 0 {
		t.Error("no kill met a compaction")
	}
	t.Logf("%d kills met a compaction", interrupted)
}

// Compaction that cannot write its files must leave the log as it was. The
// second process may not write files as large as it wants to make them.
func TestFailedCompactionIsUndone(t *testing.T) {
	dir := t.TempDir()
	child := startChild(t, embedded.Config{Dir: dir, SegmentBytes: 64 << 10})
	c := client(t, child.Addr())
	createTopic(t, c, "journeys", 1, compacted())
	want := map[string]string{}
	for i := range 200 {
		r := record{fmt.Sprintf("customer-%d", i%150), fmt.Sprintf("%d %s", i, strings.Repeat("s", 2<<10))}
		mustProduce(t, c, "journeys", 0, r)
		want[r.key] = r.value
	}
	if err := child.Stop(); err != nil {
		t.Fatal(err)
	}
	limited := limitedChild(t, embedded.Config{Dir: dir, SegmentBytes: 1 << 20, CompactAfter: 1, Upkeep: time.Millisecond}, 100<<10)
	err := limited.Wait()
	if err == nil {
		t.Fatal("the broker went on after losing its files")
	}
	t.Log(err)
	if _, err := os.Stat(filepath.Join(dir, "compacting")); err != nil {
		t.Errorf("no backup is left: %v", err)
	}
	child = startChild(t, embedded.Config{Dir: dir})
	sameState(t, latest(readAll(t, child.Addr(), "journeys", 0)), want)
}
