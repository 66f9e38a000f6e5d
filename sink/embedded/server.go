package embedded

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"throughline/native"
)

// Defaults of Config.
const (
	DefaultListen  = "127.0.0.1:8123"
	DefaultMemory  = 2 << 30
	DefaultQueries = 8
)

// Config says how the embedded ClickHouse runs. Only Dir has no default.
type Config struct {
	// Dir holds everything it stores. One process at a time may use it.
	Dir string
	// Listen is the address of the HTTP interface; port 0 picks a free one.
	Listen string
	// Reader may ask; Writer may do everything. See DefaultReader and DefaultWriter.
	Reader, Writer Account
	// Memory is what the engine may use at most, in bytes.
	Memory int64
	// Queries is how many statements of the reader, and as many of the writer,
	// may run at once; more wait.
	Queries int

	// Library is the path of libchdb; if it is empty, the pinned one is fetched
	// when missing, and Progress told about it.
	Library  string
	Progress io.Writer
	// Child is the command line that ends up in ChildMain; if it is empty, this
	// program with the argument ChildCommand.
	Child []string
	// Log takes what happens to the child; nil means slog.Default.
	Log *slog.Logger
}

// ChildCommand is the hidden subcommand that a program gives to ChildMain.
const ChildCommand = "clickhouse-child"

// Server supervises the child process. Run does the work; the rest may be
// called at any time from anywhere.
type Server struct {
	config Config
	ready  chan struct{} // closed when the child answered for the first time
	once   sync.Once
	addr   string // valid when ready is closed
}

// New prepares a server; nothing runs before Run.
func New(c Config) *Server {
	if c.Listen == "" {
		c.Listen = DefaultListen
	}
	if c.Memory == 0 {
		c.Memory = DefaultMemory
	}
	if c.Queries == 0 {
		c.Queries = DefaultQueries
	}
	if c.Reader.User == "" {
		c.Reader.User = DefaultReader
	}
	if c.Writer.User == "" {
		c.Writer.User = DefaultWriter
	}
	if c.Writer.Password == "" {
		c.Writer.Password = rand.Text()
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return &Server{config: c, ready: make(chan struct{})}
}

// Ready is closed when the HTTP interface answers for the first time.
func (s *Server) Ready() <-chan struct{} { return s.ready }

// Addr is the real address of the HTTP interface, host:port; empty before Ready.
func (s *Server) Addr() string {
	select {
	case <-s.ready:
		return s.addr
	default:
		return ""
	}
}

// Writer is the account that may write, with its password.
func (s *Server) Writer() Account { return s.config.Writer }

// Run serves until the context is done and then stops the child in order,
// within fifteen seconds. A child that dies is started again; the address stays
// open meanwhile, so clients wait instead of being refused. Errors: a platform
// without the engine (*native.UnsupportedError), a directory in use
// (*InUseError), an address in use, or a first start that failed.
func (s *Server) Run(ctx context.Context) error {
	c := s.config
	if c.Dir == "" {
		return errors.New("embedded clickhouse: clickhouse.dir is empty: name a directory for its data")
	}
	if c.Library == "" {
		dir, err := native.Fetch(ctx, native.ClickHouse, c.Progress)
		if err != nil {
			return fmt.Errorf("embedded clickhouse: %w", err)
		}
		c.Library = filepath.Join(dir, "libchdb.so")
	}
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return fmt.Errorf("embedded clickhouse: %w", err)
	}
	c.Dir = dir
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("embedded clickhouse: %w", err)
	}
	lock, err := lockDir(dir, c.Listen)
	if err != nil {
		return fmt.Errorf("embedded clickhouse: %w", err)
	}
	defer lock.Close()
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("clickhouse.listen: %w: stop whoever has it, or set another address (port 0 finds a free one)", err)
	}
	defer listener.Close()
	if at := listener.Addr().(*net.TCPAddr); c.Reader.Password == "" && !at.IP.IsLoopback() {
		return fmt.Errorf("embedded clickhouse: %s can be reached from other machines: set clickhouse.reader.password", at)
	}
	socket, err := listener.(*net.TCPListener).File()
	if err != nil {
		return fmt.Errorf("embedded clickhouse: %w", err)
	}
	defer socket.Close()
	s.addr = listener.Addr().String()
	return s.supervise(ctx, c, socket, lock)
}

// Restart pauses: the first, and the longest that repeated deaths lead to.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 2 * time.Second
)

func (s *Server) supervise(ctx context.Context, c Config, socket, lock *os.File) error {
	pause := firstPause
	for {
		began := time.Now()
		err := s.runChild(ctx, c, socket, lock)
		if ctx.Err() != nil {
			return err
		}
		select {
		case <-s.ready:
		default:
			return fmt.Errorf("embedded clickhouse: first start: %w", err)
		}
		if time.Since(began) > 10*lastPause {
			pause = firstPause
		}
		c.Log.Error("embedded clickhouse ended, starting it again", "component", "sink/embedded", "after", time.Since(began), "pause", pause, "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		pause = min(2*pause, lastPause)
	}
}

// runChild runs one child to its end. A nil error means that it was asked to
// end, and did.
func (s *Server) runChild(ctx context.Context, c Config, socket, lock *os.File) error {
	// Linux sends the parent-death signal when the thread that started the child
	// ends, so that thread must live as long as the child.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	hear, say, err := os.Pipe()
	if err != nil {
		return err
	}
	defer hear.Close()
	cmd, words := childCommand(c, socket, say, lock)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		say.Close()
		return err
	}
	err = cmd.Start()
	say.Close()
	if err != nil {
		return fmt.Errorf("start child: %w", err)
	}
	ended := make(chan struct{})
	go s.converse(ctx, c, conversation{stdin, hear, cmd.Process, ended})
	err = cmd.Wait()
	close(ended)
	if err != nil {
		return fmt.Errorf("child: %w%s", err, words)
	}
	return nil
}

func childCommand(c Config, socket, say, lock *os.File) (*exec.Cmd, *tail) {
	line := c.Child
	if len(line) == 0 {
		// Without its own path a program cannot start itself; exec says so then.
		self, _ := os.Executable()
		line = []string{self, ChildCommand}
	}
	cmd := exec.Command(line[0], line[1:]...)
	cmd.ExtraFiles = []*os.File{fdListener - 3: socket, fdReady - 3: say, fdLock - 3: lock}
	cmd.SysProcAttr = childAttributes()
	// The engine takes its zone from here only: times read as UTC everywhere.
	cmd.Env = append(os.Environ(), "TZ=UTC")
	words := new(tail)
	cmd.Stderr = words
	return cmd, words
}

// conversation is the parent's end of the pipes to a child.
type conversation struct {
	stdin   io.WriteCloser
	ready   io.Reader
	process *os.Process
	ended   <-chan struct{}
}

// converse gives the child its config, waits for its answer, and ends it when
// the context is done: by closing its input, and by force if that is ignored.
// Errors on the pipes are the child's death, which Wait reports.
func (s *Server) converse(ctx context.Context, c Config, child conversation) {
	config, err := json.Marshal(childConfig{
		Library: c.Library, Dir: c.Dir, Memory: c.Memory, Queries: c.Queries,
		Accounts: accounts{Reader: c.Reader, Writer: c.Writer},
	})
	if err == nil {
		_, _ = child.stdin.Write(append(config, '\n'))
	}
	go func() {
		answer, err := io.ReadAll(io.LimitReader(child.ready, 16))
		if err == nil && string(answer) == "ready\n" {
			s.once.Do(func() { close(s.ready) })
			c.Log.Info("embedded clickhouse answers", "component", "sink/embedded", "address", s.addr, "pid", child.process.Pid)
		}
	}()
	select {
	case <-child.ended:
	case <-ctx.Done():
		child.stdin.Close()
		select {
		case <-child.ended:
		case <-time.After(2*drain + time.Second):
			_ = child.process.Kill()
		}
	}
}

// tail keeps the last of what a child wrote to standard error, where the engine
// and Go's runtime leave the reason of a death.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	const keep = 4 << 10
	t.buf = append(t.buf, p...)
	if len(t.buf) > keep {
		t.buf = append(t.buf[:0], t.buf[len(t.buf)-keep:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if text := bytes.TrimSpace(t.buf); len(text) > 0 {
		return ": " + string(text)
	}
	return ""
}
