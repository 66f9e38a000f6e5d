// Package sinktest runs ClickHouse's engine, and a broker with every topic, for
// tests of other packages.
package sinktest

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"throughline/bus"
	brokers "throughline/bus/embedded"
	"throughline/event"
	"throughline/sink"
	"throughline/sink/embedded"
)

// Main is a TestMain: the engine's process is the test's own binary, run again.
func Main(m *testing.M) int {
	if len(os.Args) > 1 && os.Args[1] == embedded.ChildCommand {
		if err := embedded.ChildMain(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return 0
	}
	return m.Run()
}

// Open starts an engine on an empty folder and gives the store on it, with its
// tables. Both end with the test.
func Open(tb testing.TB) (*embedded.Server, *sink.Store) {
	tb.Helper()
	engine := embedded.New(embedded.Config{Dir: tb.TempDir(), Listen: "127.0.0.1:0", Progress: os.Stderr, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- engine.Run(ctx) }()
	tb.Cleanup(func() { cancel(); <-ended })
	select {
	case <-engine.Ready():
	case err := <-ended:
		ended <- err
		tb.Fatal(err)
	}
	w := engine.Writer()
	store, err := sink.Open(sink.Config{URL: "http://" + engine.Addr(), User: w.User, Password: w.Password, Linger: 50 * time.Millisecond})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { store.Close() })
	if err := store.Migrate(ctx); err != nil {
		tb.Fatal(err)
	}
	return engine, store
}

// Bus starts a broker on an empty folder, with all topics, and dials it.
func Bus(tb testing.TB) *bus.Bus {
	tb.Helper()
	broker, err := brokers.Open(brokers.Config{Dir: tb.TempDir(), Listen: "127.0.0.1:0"})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { broker.Close() })
	b, err := bus.Dial(bus.Config{Brokers: []string{broker.Addr()}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { b.Close(context.Background()) })
	if err := b.Ensure(context.Background(), event.All()...); err != nil {
		tb.Fatal(err)
	}
	return b
}
