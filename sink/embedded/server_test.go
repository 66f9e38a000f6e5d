package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// pids is a log handler that tells the process id of every child that answers.
type pids chan int

func (p pids) Enabled(context.Context, slog.Level) bool { return true }
func (p pids) WithAttrs([]slog.Attr) slog.Handler       { return p }
func (p pids) WithGroup(string) slog.Handler            { return p }
func (p pids) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "pid" {
			p <- int(a.Value.Int64())
		}
		return true
	})
	return nil
}

func (p pids) next(t testing.TB) int {
	t.Helper()
	select {
	case pid := <-p:
		return pid
	case <-time.After(2 * time.Minute):
		t.Fatal("no child answers")
		return 0
	}
}

func TestStopIsCleanAndKeepsTheData(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a name & <more>, kept")
	for run := range 3 {
		s := start(t, Config{Dir: dir})
		if run == 0 {
			write(t, s, "CREATE TABLE t (a Int64) ENGINE = MergeTree ORDER BY a")
		}
		write(t, s, "INSERT INTO t VALUES (1)")
		if got := read(t, s, "SELECT count() FROM t").body; got != strconv.Itoa(run+1)+"\n" {
			t.Errorf("run %d: %s rows", run, got)
		}
		if err := s.stop(); err != nil {
			t.Errorf("run %d: %v", run, err)
		}
	}
}

func TestStopIsBoundedWhileAStatementRuns(t *testing.T) {
	s := start(t, Config{})
	go func() {
		// It ends with an error of the connection, which is what is tested.
		_ = open(t, options(s)).Exec(context.Background(), "SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number))")
	}()
	for !strings.Contains(read(t, s, "SELECT query FROM system.processes").body, "sipHash64") {
		time.Sleep(10 * time.Millisecond)
	}
	began := time.Now()
	_ = s.stop()
	if took := time.Since(began); took > time.Minute {
		t.Errorf("stopping took %v", took)
	}
}

func TestOneServerADirectory(t *testing.T) {
	dir := t.TempDir()
	first := start(t, Config{Dir: dir})
	second := New(Config{Dir: dir, Listen: "127.0.0.1:0"})
	err := second.Run(t.Context())
	var inUse *InUseError
	if !errors.As(err, &inUse) || !strings.Contains(err.Error(), fmt.Sprintf("process %d", os.Getpid())) || !strings.Contains(err.Error(), "clickhouse.dir") {
		t.Errorf("second server: %v", err)
	}
	if err := first.stop(); err != nil {
		t.Error(err)
	}
	start(t, Config{Dir: dir})
}

func TestRunErrorsNameTheFix(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		config Config
		want   string
	}{
		{"no directory", Config{}, "clickhouse.dir"},
		{"a file as directory", Config{Dir: file, Library: file}, "not a directory"},
		{"address in use", Config{Dir: t.TempDir(), Library: file, Listen: taken.Addr().String()}, "clickhouse.listen"},
		{"open to the network", Config{Dir: t.TempDir(), Library: file, Listen: "0.0.0.0:0"}, "clickhouse.reader.password"},
		{"no library", Config{Dir: t.TempDir(), Library: file, Listen: "127.0.0.1:0"}, "load engine"},
		{"no program", Config{Dir: t.TempDir(), Library: file, Listen: "127.0.0.1:0", Child: []string{"/nonexistent"}}, "start child"},
	} {
		err := New(c.config).Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestChildMainRefusesAPerson(t *testing.T) {
	if err := ChildMain([]string{"--help"}); err == nil || !strings.Contains(err.Error(), "by itself") {
		t.Errorf("%v", err)
	}
}

// TestKilledChild kills the child with SIGKILL again and again while writers
// insert batches. What was acknowledged must be there, and of any batch all or
// nothing, and clients must not notice more than a failed request.
func TestKilledChild(t *testing.T) {
	const kills, rows = 8, 500
	log := make(pids, 4*kills)
	s := start(t, Config{Log: slog.New(log)})
	write(t, s, "CREATE TABLE t (batch Int64, n Int64, text String) ENGINE = MergeTree ORDER BY (batch, n)")
	pid := log.next(t)

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var (
		mu    sync.Mutex
		acked []int64
		all   sync.WaitGroup
	)
	for writer := range int64(3) {
		all.Go(func() {
			conn := open(t, options(s))
			for batch := writer * 1_000_000; ctx.Err() == nil; batch++ {
				if insertBatch(ctx, conn, batch, rows) == nil {
					mu.Lock()
					acked = append(acked, batch)
					mu.Unlock()
				}
			}
		})
	}
	done := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(acked)
	}
	// A machine that is busy otherwise may take longer than any pause for a batch.
	another := func() {
		t.Helper()
		before, end := done(), time.Now().Add(2*time.Minute)
		for done() == before {
			if time.Now().After(end) {
				t.Fatal("no batch is acknowledged any more")
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	for kill := range kills {
		another()
		time.Sleep(time.Duration(50+40*kill) * time.Millisecond)
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		pid = log.next(t)
	}
	another()
	cancel()
	all.Wait()

	conn := open(t, options(s))
	result, err := conn.Query(t.Context(), "SELECT batch, count() FROM t GROUP BY batch")
	if err != nil {
		t.Fatal(err)
	}
	defer result.Close()
	stored := map[int64]uint64{}
	for result.Next() {
		var batch int64
		var n uint64
		if err := result.Scan(&batch, &n); err != nil {
			t.Fatal(err)
		}
		if stored[batch] = n; n != rows {
			t.Errorf("batch %d has %d of %d rows", batch, n, rows)
		}
	}
	if err := result.Err(); err != nil {
		t.Fatal(err)
	}
	for _, batch := range acked {
		if stored[batch] == 0 {
			t.Errorf("batch %d was acknowledged and is lost", batch)
		}
	}
	t.Logf("%d batches acknowledged over %d kills, %d stored", len(acked), kills, len(stored))
	if len(acked) < kills {
		t.Errorf("only %d batches were acknowledged", len(acked))
	}
	if got := write(t, s, "CHECK TABLE t SETTINGS check_query_single_value_result = 1"); got != "1\n" {
		t.Errorf("CHECK TABLE: %s", got)
	}
}

func insertBatch(ctx context.Context, conn clickhouse.Conn, id int64, rows int) error {
	batch, err := conn.PrepareBatch(ctx, "INSERT INTO t")
	if err != nil {
		return err
	}
	for n := range int64(rows) {
		if err := batch.Append(id, n, "some text that takes room"); err != nil {
			return err
		}
	}
	return batch.Send()
}

// TestKilledParent kills a parent with SIGKILL: its child must end as well, so
// that the next start finds the directory free and every row in it.
func TestKilledParent(t *testing.T) {
	dir := t.TempDir()
	parent, addr := startParent(t, dir)
	conn := open(t, &clickhouse.Options{Protocol: clickhouse.HTTP, Addr: []string{addr}, Auth: clickhouse.Auth{Username: DefaultWriter, Password: "change"}})
	if err := conn.Exec(t.Context(), "CREATE TABLE t (batch Int64, n Int64, text String) ENGINE = MergeTree ORDER BY n"); err != nil {
		t.Fatal(err)
	}
	if err := insertBatch(t.Context(), conn, 1, 100); err != nil {
		t.Fatal(err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait() // killed, as it should be
	deadline := time.Now().Add(time.Minute)
	for {
		lock, err := lockDir(dir, "")
		if err == nil {
			lock.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the child outlives its parent: %v", err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	s := start(t, Config{Dir: dir})
	if got := read(t, s, "SELECT count() FROM t").body; got != "100\n" {
		t.Errorf("%s rows", got)
	}
}
