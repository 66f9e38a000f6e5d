package bustest

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"throughline/bus"
	"throughline/event"
)

// patience bounds what a test waits for. Only a test that fails waits that long,
// so it is what a machine takes that has twenty other things to do.
const patience = 90 * time.Second

func dial(t *testing.T, b Broker) *bus.Bus {
	t.Helper()
	return dialWith(t, b, bus.Config{})
}

func dialWith(t *testing.T, b Broker, cfg bus.Config) *bus.Bus {
	t.Helper()
	cfg.Brokers, cfg.SessionTimeout, cfg.Logger = []string{b.Addr()}, 6*time.Second, slog.New(slog.DiscardHandler)
	if cfg.Metrics == nil {
		cfg.Metrics = prometheus.NewRegistry()
	}
	c, err := bus.Dial(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = c.Close(ctx)
	})
	return c
}

// run runs s until the test ends or the returned function is called.
func run(t *testing.T, c *bus.Bus, s bus.Stage) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx, s) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			select {
			case err := <-done:
				if err != nil {
					t.Errorf("stage %s: %v", s.Name, err)
				}
			case <-time.After(patience):
				t.Errorf("stage %s did not stop", s.Name)
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

func publish(t *testing.T, c *bus.Bus, msgs ...event.Message) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := c.Publish(ctx, msgs...); err != nil {
		t.Fatal(err)
	}
}

func ensure(t *testing.T, c *bus.Bus, specs ...event.Spec) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := c.Ensure(ctx, specs...); err != nil {
		t.Fatal(err)
	}
}

// eventually waits for ok; the bound only ends a test that has failed.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("never came true: %s", what)
}
