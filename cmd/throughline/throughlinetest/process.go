// Package throughlinetest runs the program as people do, in a process of its
// own on a fresh directory and free ports, for tests and benchmarks.
//
// Enters: the path of an executable. Leaves: a running program that can be
// asked, killed and started again. Only tests and benchmarks import it.
package throughlinetest

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
)

// Process is the program.
type Process struct {
	HTTP, Kafka, ClickHouse string // addresses, once started
	Dir                     string // everything it writes
	Cmd                     *exec.Cmd
	Args                    []string // of serve, such as --config and a file

	tb   testing.TB
	exe  string
	env  []string
	log  *logTail
	done chan struct{}
}

// Secret signs the webhooks that the program accepts.
const Secret = "an app secret of the tests"

// New prepares a program; Start runs it. Env sets or overrides settings.
func New(tb testing.TB, exe string, env ...string) *Process {
	tb.Helper()
	p := &Process{tb: tb, exe: exe, Dir: tb.TempDir()}
	p.env = append([]string{
		"THROUGHLINE_DATA_DIR=" + filepath.Join(p.Dir, "var"), "THROUGHLINE_LOG_FORMAT=json",
		"THROUGHLINE_HTTP_LISTEN=127.0.0.1:0", "THROUGHLINE_KAFKA_LISTEN=127.0.0.1:0", "THROUGHLINE_CLICKHOUSE_LISTEN=127.0.0.1:0",
		"THROUGHLINE_SIPREC_UDP=127.0.0.1:0", "THROUGHLINE_SIPREC_TCP=127.0.0.1:0", "THROUGHLINE_RTP_FIRST_PORT=-1", "THROUGHLINE_WEBRTC_LISTEN=127.0.0.1:0",
		"THROUGHLINE_CLICKHOUSE_LINGER=100ms", "THROUGHLINE_WHATSAPP_APP_SECRETS=" + Secret, "THROUGHLINE_WHATSAPP_VERIFY_TOKEN=t",
	}, env...)
	return p
}

// Start runs the program and waits until it is ready.
func (p *Process) Start() {
	p.tb.Helper()
	p.Cmd = exec.Command(p.exe, append([]string{"serve"}, p.Args...)...)
	p.Cmd.Env = append(os.Environ(), p.env...)
	stderr, err := p.Cmd.StderrPipe()
	if err != nil {
		p.tb.Fatal(err)
	}
	if err := p.Cmd.Start(); err != nil {
		p.tb.Fatal(err)
	}
	cmd := p.Cmd
	p.tb.Cleanup(func() { _ = cmd.Process.Kill() })
	p.log, p.done = &logTail{ready: make(chan [3]string, 1)}, make(chan struct{})
	go func() {
		p.log.read(stderr)
		_ = cmd.Wait()
		close(p.done)
	}()
	select {
	case at := <-p.log.ready:
		p.HTTP, p.Kafka, p.ClickHouse = at[0], at[1], at[2]
	case <-p.done:
		p.tb.Fatalf("the program ended at start:\n%s", p.log)
	case <-time.After(4 * time.Minute):
		p.tb.Fatalf("the program is not ready:\n%s", p.log)
	}
}

// Kill ends the program as a power cut would, together with its child, which
// dies with it.
func (p *Process) Kill() {
	p.tb.Helper()
	if err := p.Cmd.Process.Kill(); err != nil {
		p.tb.Fatal(err)
	}
	<-p.done
}

// Stop asks the program to end and checks that it does so cleanly.
func (p *Process) Stop() {
	p.tb.Helper()
	if err := p.Cmd.Process.Signal(os.Interrupt); err != nil {
		p.tb.Fatal(err)
	}
	select {
	case <-p.done:
		if code := p.Cmd.ProcessState.ExitCode(); code != 0 {
			p.tb.Errorf("the program ended with %d:\n%s", code, p.log)
		}
	case <-time.After(2 * time.Minute):
		p.tb.Fatalf("the program does not stop:\n%s", p.log)
	}
}

// Children lists the processes that the program started, whichever of its
// threads did.
func (p *Process) Children() []int {
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", p.Cmd.Process.Pid))
	if err != nil {
		p.tb.Fatalf("children of the program: %v", err)
	}
	var out []int
	for _, list := range lists {
		b, err := os.ReadFile(list)
		if err != nil {
			continue // the thread has ended
		}
		for _, s := range strings.Fields(string(b)) {
			var n int
			if _, err := fmt.Sscan(s, &n); err == nil {
				out = append(out, n)
			}
		}
	}
	return out
}

// Query asks ClickHouse as QA would, and gives the lines of the answer.
func (p *Process) Query(sql string) ([]string, error) {
	resp, err := http.Get("http://" + p.ClickHouse + "/?database=throughline&query=" + url.QueryEscape(sql))
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

// Eventually waits until sql gives want; the bound only ends a test that has failed.
func (p *Process) Eventually(want, sql string) {
	p.tb.Helper()
	got := ""
	for end := time.Now().Add(4 * time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		lines, err := p.Query(sql)
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
	ready chan [3]string
	mu    sync.Mutex
	lines []string
}

func (l *logTail) read(r io.Reader) {
	scan := bufio.NewScanner(r)
	scan.Buffer(nil, 1<<20)
	for scan.Scan() {
		var line struct {
			Msg, HTTP, Kafka, ClickHouse string
		}
		if json.Unmarshal(scan.Bytes(), &line) == nil && line.Msg == "ready" && line.HTTP != "" {
			l.ready <- [3]string{strings.TrimPrefix(line.HTTP, "http://"), line.Kafka, strings.TrimPrefix(line.ClickHouse, "http://")}
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

// Log is everything that the program logged since it was started last.
func (p *Process) Log() string { return p.log.all() }

// Ended is closed when the program has ended.
func (p *Process) Ended() <-chan struct{} { return p.done }

func (l *logTail) all() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

// Post sends body and returns the status; an error means no answer came.
func (p *Process) Post(ctx context.Context, path string, header http.Header, body []byte) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+p.HTTP+path, strings.NewReader(string(body)))
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
