package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestStopsInReverse(t *testing.T) {
	l := newLifecycle(slog.New(slog.DiscardHandler))
	var mu sync.Mutex
	var order []string
	for _, name := range []string{"broker", "stage", "http"} {
		l.start(service{name: name, run: func(ctx context.Context) error {
			<-ctx.Done()
			mu.Lock()
			defer mu.Unlock()
			order = append(order, name)
			return ctx.Err()
		}})
	}
	if err := l.ready(context.Background()); err != nil {
		t.Fatal(err)
	}
	l.stop()
	l.stop()
	if !slices.Equal(order, []string{"http", "stage", "broker"}) {
		t.Errorf("stopped in the order %v", order)
	}
}

func TestAServiceThatEndsIsTold(t *testing.T) {
	l := newLifecycle(slog.New(slog.DiscardHandler))
	defer l.stop()
	l.start(service{name: "engine", ready: make(chan struct{}), run: func(context.Context) error { return errors.New("no room") }})
	if err := l.ready(context.Background()); err == nil || !strings.Contains(err.Error(), "engine: no room") {
		t.Errorf("ready gives %v", err)
	}
	l.start(service{name: "http", run: func(context.Context) error { return nil }})
	if err := l.wait(context.Background()); err == nil || !strings.Contains(err.Error(), "http ended by itself") {
		t.Errorf("wait gives %v", err)
	}
}

func TestStopIsBounded(t *testing.T) {
	l := newLifecycle(slog.New(slog.DiscardHandler))
	free := make(chan struct{})
	defer close(free)
	l.start(service{name: "stuck", within: 10 * time.Millisecond, run: func(context.Context) error { <-free; return nil }})
	done := make(chan struct{})
	go func() { l.stop(); close(done) }()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Error("stop hangs on a service that does not stop")
	}
}
