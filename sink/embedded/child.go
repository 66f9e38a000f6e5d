package embedded

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"time"
)

// childConfig is what the parent writes to the child's standard input, as one
// line of JSON: neither passwords nor paths show in the list of processes.
type childConfig struct {
	Library  string   `json:"library"`
	Dir      string   `json:"dir"`
	Memory   int64    `json:"memory"`
	Queries  int      `json:"queries"`
	Accounts accounts `json:"accounts"`
}

// Files that the child inherits, in the order of exec.Cmd.ExtraFiles.
const (
	fdListener = 3 // the HTTP address, open across restarts of the child
	fdReady    = 4 // the child writes one line when it answers
	fdLock     = 5 // the lock of the data directory, held while either lives
)

// drain is how long running statements may take to end when the child stops.
const drain = 5 * time.Second

// ChildMain is the whole life of the child process: the hidden subcommand of
// the program calls it. It returns when the parent closes standard input, or
// ends, after running statements have had a few seconds to finish.
func ChildMain(args []string) error {
	if len(args) > 0 {
		return errors.New("clickhouse child: takes no arguments; throughline starts it by itself")
	}
	yield()
	debug.SetGCPercent(400) // of the few megabytes that pass through here; the engine's memory is its own
	in := bufio.NewReader(os.Stdin)
	line, err := in.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("clickhouse child: read config: %w", err)
	}
	var c childConfig
	if err := json.Unmarshal(line, &c); err != nil {
		return fmt.Errorf("clickhouse child: read config: %w", err)
	}
	listener, err := net.FileListener(os.NewFile(fdListener, "listener"))
	if err != nil {
		return fmt.Errorf("clickhouse child: take over address: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer cancel()
		// Whatever ends the read means that the parent wants an end, or is gone.
		_, _ = io.Copy(io.Discard, in)
		// A statement that cannot be stopped must not outlive the parent.
		time.AfterFunc(2*drain, func() { os.Exit(1) })
	}()
	return serve(ctx, c, listener, os.NewFile(fdReady, "ready"))
}

func serve(ctx context.Context, c childConfig, listener net.Listener, ready io.WriteCloser) error {
	e, err := startEngine(c.Library, c.Dir, c.Memory)
	if err != nil {
		return fmt.Errorf("clickhouse child: %w", err)
	}
	server := &http.Server{
		Handler:           newHandler(e, c.Accounts, c.Queries),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       5 * time.Minute,
		MaxHeaderBytes:    maxStatement + 64<<10, // a statement may stand in the URL
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	if _, err := io.WriteString(ready, "ready\n"); err != nil {
		return fmt.Errorf("clickhouse child: parent is gone: %w", err)
	}
	if err := ready.Close(); err != nil {
		return fmt.Errorf("clickhouse child: parent is gone: %w", err)
	}
	select {
	case err := <-served:
		return fmt.Errorf("clickhouse child: %w", err)
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	if err := server.Shutdown(stopping); err != nil {
		// The clients' connections end, and with them their statements.
		if err := server.Close(); err != nil {
			return fmt.Errorf("clickhouse child: %w", err)
		}
		return fmt.Errorf("clickhouse child: statements ran on for %v: %w", drain, err)
	}
	e.close()
	return nil
}
