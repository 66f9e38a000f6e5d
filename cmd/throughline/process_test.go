package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	clickhouse "throughline/sink/embedded"
)

// runAsProgram makes this test binary be the program.
const runAsProgram = "THROUGHLINE_TEST_RUN"

func TestMain(m *testing.M) {
	if os.Getenv(runAsProgram) != "" || len(os.Args) > 1 && os.Args[1] == clickhouse.ChildCommand {
		os.Exit(exit(run()))
	}
	os.Exit(m.Run())
}

// process is the program as people run it, on a directory of its own.
type process struct {
	tb   testing.TB
	dir  string
	env  []string
	cmd  *exec.Cmd
	log  *logTail
	at   addresses
	done chan struct{}
}

const testSecret = "an app secret of the tests"

// newProcess prepares a program; start runs it.
func newProcess(tb testing.TB, env ...string) *process {
	tb.Helper()
	p := &process{tb: tb, dir: tb.TempDir()}
	p.env = append([]string{
		"THROUGHLINE_DATA_DIR=" + filepath.Join(p.dir, "var"), "THROUGHLINE_LOG_FORMAT=json",
		"THROUGHLINE_HTTP_LISTEN=127.0.0.1:0", "THROUGHLINE_KAFKA_LISTEN=127.0.0.1:0", "THROUGHLINE_CLICKHOUSE_LISTEN=127.0.0.1:0",
		"THROUGHLINE_CLICKHOUSE_LINGER=100ms", "THROUGHLINE_WHATSAPP_APP_SECRETS=" + testSecret, "THROUGHLINE_WHATSAPP_VERIFY_TOKEN=t",
	}, env...)
	return p
}

// start runs the program and waits until it is ready.
func (p *process) start() {
	p.tb.Helper()
	p.cmd = exec.Command(os.Args[0], "serve")
	p.cmd.Env = append(append(os.Environ(), p.env...), runAsProgram+"=1")
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		p.tb.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		p.tb.Fatal(err)
	}
	cmd := p.cmd
	p.tb.Cleanup(func() { _ = cmd.Process.Kill() })
	p.log, p.done = &logTail{ready: make(chan addresses, 1)}, make(chan struct{})
	go func() {
		p.log.read(stderr)
		_ = cmd.Wait()
		close(p.done)
	}()
	select {
	case p.at = <-p.log.ready:
	case <-p.done:
		p.tb.Fatalf("the program ended at start:\n%s", p.log)
	case <-time.After(90 * time.Second):
		p.tb.Fatalf("the program is not ready:\n%s", p.log)
	}
}

// kill ends the program as a power cut would, together with its child, which
// dies with it.
func (p *process) kill() {
	p.tb.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		p.tb.Fatal(err)
	}
	<-p.done
}

// stop asks the program to end and checks that it does so cleanly.
func (p *process) stop() {
	p.tb.Helper()
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		p.tb.Fatal(err)
	}
	select {
	case <-p.done:
		if code := p.cmd.ProcessState.ExitCode(); code != 0 {
			p.tb.Errorf("the program ended with %d:\n%s", code, p.log)
		}
	case <-time.After(60 * time.Second):
		p.tb.Fatalf("the program does not stop:\n%s", p.log)
	}
}

// children lists the processes that the program started.
func (p *process) children() []int {
	pid := p.cmd.Process.Pid
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		p.tb.Logf("children of the program: %v", err)
		return nil
	}
	var out []int
	for _, s := range strings.Fields(string(b)) {
		var n int
		if _, err := fmt.Sscan(s, &n); err == nil {
			out = append(out, n)
		}
	}
	return out
}

// query asks ClickHouse as QA would, and gives the lines of the answer.
func (p *process) query(sql string) ([]string, error) {
	resp, err := http.Get("http://" + p.at.ClickHouse + "/?database=throughline&query=" + url.QueryEscape(sql))
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", resp.Status, b)
	}
	return strings.Split(strings.TrimRight(string(b), "\n"), "\n"), nil
}

// eventually waits until sql gives want; the bound only ends a test that has failed.
func (p *process) eventually(want, sql string) {
	p.tb.Helper()
	got := ""
	for end := time.Now().Add(90 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		lines, err := p.query(sql)
		if err != nil {
			got = err.Error()
			continue
		}
		if got = strings.Join(lines, "\n"); got == want {
			return
		}
	}
	p.tb.Fatalf("%s gives %s, want %s\n%s", sql, got, want, p.log)
}

// logTail keeps what the program logged and finds the line that says it is ready.
type logTail struct {
	ready chan addresses
	mu    sync.Mutex
	lines []string
}

func (l *logTail) read(r io.Reader) {
	scan := bufio.NewScanner(r)
	scan.Buffer(nil, 1<<20)
	for scan.Scan() {
		var line struct {
			Msg, Screen, Kafka, ClickHouse string
		}
		if json.Unmarshal(scan.Bytes(), &line) == nil && line.Msg == "ready" && line.Screen != "" {
			l.ready <- addresses{HTTP: strings.TrimPrefix(line.Screen, "http://"), Kafka: line.Kafka, ClickHouse: strings.TrimPrefix(line.ClickHouse, "http://")}
		}
		l.mu.Lock()
		l.lines = append(l.lines, scan.Text())
		l.mu.Unlock()
	}
}

func (l *logTail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines[max(0, len(l.lines)-60):], "\n")
}

func (l *logTail) all() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

// post sends body and returns the status; an error means no answer came.
func (p *process) post(ctx context.Context, path string, header http.Header, body []byte) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+p.at.HTTP+path, strings.NewReader(string(body)))
	if err != nil {
		return 0, "", err
	}
	req.Header = header
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}
