package embeddedtest

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"throughline/bus/embedded"
)

// envConfig carries the child's settings, and by its presence says that this
// run of the test binary is the child.
const envConfig = "THROUGHLINE_EMBEDDED_CHILD"

// readyIn bounds how long the child may take to answer on a busy machine.
const readyIn = 90 * time.Second

// settings is what the child is told.
type settings struct {
	Broker   embedded.Config
	MaxBytes uint64 // size that no file of the child may exceed; 0 is no limit
}

// hello is the child's first and only line of output.
type hello struct {
	Addr  string
	Error string
}

// Main is for TestMain: os.Exit(embeddedtest.Main(m)). In the child it runs
// the broker, everywhere else the tests.
func Main(m *testing.M) int {
	raw, child := os.LookupEnv(envConfig)
	if !child {
		return m.Run()
	}
	if err := serve(raw, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// serve runs the broker until stdin, whose other end the parent holds, ends.
func serve(raw string, stdin io.Reader, stdout io.Writer) error {
	var s settings
	if err := json.Unmarshal([]byte(raw), &s); err != nil {
		return fmt.Errorf("embeddedtest: parse settings: %w", err)
	}
	if s.MaxBytes > 0 {
		signal.Ignore(syscall.SIGXFSZ) // so that the write fails instead
		limit := syscall.Rlimit{Cur: s.MaxBytes, Max: s.MaxBytes}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			return fmt.Errorf("embeddedtest: limit file size: %w", err)
		}
	}
	s.Broker.Logger = slog.New(slog.NewTextHandler(os.Stderr, nil))
	b, err := embedded.Open(s.Broker)
	if err != nil {
		return errors.Join(err, json.NewEncoder(stdout).Encode(hello{Error: err.Error()}))
	}
	if err := json.NewEncoder(stdout).Encode(hello{Addr: b.Addr()}); err != nil {
		return errors.Join(err, b.Close())
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		io.Copy(io.Discard, stdin)
		cancel()
	}()
	return b.Run(ctx)
}

// Child is a broker in a process of its own.
type Child struct {
	settings settings
	log      io.Writer

	mu    sync.Mutex
	addr  string
	cmd   *exec.Cmd
	stdin io.WriteCloser
}

// Start runs a broker for the test, which ends it.
func Start(t testing.TB, cfg embedded.Config) *Child {
	t.Helper()
	return start(t, settings{Broker: cfg})
}

// StartLimited is [Start] with a size that no file of the broker's may pass:
// the nearest thing to a full disk that needs no disk.
func StartLimited(t testing.TB, cfg embedded.Config, maxBytes uint64) *Child {
	t.Helper()
	return start(t, settings{Broker: cfg, MaxBytes: maxBytes})
}

func start(t testing.TB, s settings) *Child {
	t.Helper()
	if s.Broker.Dir == "" {
		s.Broker.Dir = t.TempDir()
	}
	s.Broker.Logger = nil
	c := &Child{settings: s, log: t.Output()}
	t.Cleanup(c.Kill)
	// The broker must come back to its port, so it is none of those that the
	// system gives to others, for listening and for dialling, while it is away.
	for try := 0; ; try++ {
		if s.Broker.Listen == "" {
			c.settings.Broker.Listen = fmt.Sprintf("127.0.0.1:%d", 12000+rand.IntN(18000))
		}
		err := c.Restart(t.Context())
		if err == nil {
			return c
		}
		if s.Broker.Listen != "" || try == 20 || !strings.Contains(err.Error(), "address already in use") {
			t.Fatal(err)
		}
	}
}

// Addr is where the broker answers, the same after every restart.
func (c *Child) Addr() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.addr
}

// Dir is where the broker keeps its log.
func (c *Child) Dir() string { return c.settings.Broker.Dir }

// Kill ends the process with SIGKILL, which it cannot prepare for.
func (c *Child) Kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kill()
}

func (c *Child) kill() {
	if c.cmd == nil {
		return
	}
	c.cmd.Process.Kill()
	c.cmd.Wait()
	c.stdin.Close()
	c.cmd = nil
}

// Stop ends the process in good order, and reports how it ended.
func (c *Child) Stop() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cmd == nil {
		return nil
	}
	cmd := c.cmd
	c.stdin.Close()
	late := time.AfterFunc(readyIn, func() { cmd.Process.Kill() })
	defer late.Stop()
	c.cmd = nil
	return cmd.Wait()
}

// Wait waits for a process that ends by itself, and reports how it ended.
func (c *Child) Wait() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cmd == nil {
		return nil
	}
	cmd := c.cmd
	late := time.AfterFunc(readyIn, func() { cmd.Process.Kill() })
	defer late.Stop()
	c.cmd = nil
	return cmd.Wait()
}

// Restart starts the process again on the same log and port, after killing
// it if it still runs. It returns when the broker answers.
func (c *Child) Restart(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kill()
	if c.addr != "" {
		c.settings.Broker.Listen = c.addr
	}
	raw, err := json.Marshal(c.settings)
	if err != nil {
		return fmt.Errorf("embeddedtest: encode settings: %w", err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), envConfig+"="+string(raw))
	cmd.Stderr = c.log
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("embeddedtest: pipe stdin: %w", err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("embeddedtest: pipe stdout: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("embeddedtest: start child: %w", err)
	}
	c.cmd, c.stdin = cmd, stdin
	late := time.AfterFunc(readyIn, func() { cmd.Process.Kill() })
	defer late.Stop()
	defer context.AfterFunc(ctx, func() { cmd.Process.Kill() })()
	var h hello
	if err := json.NewDecoder(bufio.NewReader(stdout)).Decode(&h); err != nil {
		c.kill()
		return fmt.Errorf("embeddedtest: await child: %w", err)
	}
	if h.Error != "" {
		c.kill()
		return fmt.Errorf("embeddedtest: child: %s", h.Error)
	}
	c.addr = h.Addr
	return nil
}
