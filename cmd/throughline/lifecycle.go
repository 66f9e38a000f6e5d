package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// service is something that lives as long as the process: a blocking run, and a
// way to tell when it can be used.
type service struct {
	name string
	run  func(ctx context.Context) error
	// ready is closed when the service can be used; nil: at once.
	ready <-chan struct{}
	// within bounds its stopping; 0 is 10 s.
	within time.Duration
}

// lifecycle starts services in order and stops them in reverse: inputs were
// started last, so they stop first.
type lifecycle struct {
	log     *slog.Logger
	started []*running
	ended   chan *running
}

type running struct {
	service
	cancel context.CancelFunc
	done   chan struct{}
	err    error
}

func newLifecycle(log *slog.Logger) *lifecycle {
	return &lifecycle{log: log, ended: make(chan *running, 64)}
}

// start runs s in the background.
func (l *lifecycle) start(s service) {
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{service: s, cancel: cancel, done: make(chan struct{})}
	l.started = append(l.started, r)
	go func() {
		r.err = s.run(ctx)
		if ctx.Err() != nil && errors.Is(r.err, context.Canceled) {
			r.err = nil
		}
		close(r.done)
		if ctx.Err() == nil {
			l.ended <- r
		}
	}()
}

// ready waits until everything started so far can be used, or something ended.
func (l *lifecycle) ready(ctx context.Context) error {
	for _, r := range l.started {
		if r.service.ready == nil {
			continue
		}
		select {
		case <-r.service.ready:
		case bad := <-l.ended:
			return bad.failure()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// wait blocks until ctx ends, which is no error, or a service ends by itself.
func (l *lifecycle) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case bad := <-l.ended:
		return bad.failure()
	}
}

func (r *running) failure() error {
	if r.err == nil {
		return fmt.Errorf("%s ended by itself", r.name)
	}
	return fmt.Errorf("%s: %w", r.name, r.err)
}

// stop stops everything in reverse order. It may be called more than once.
func (l *lifecycle) stop() {
	for _, r := range slices.Backward(l.started) {
		r.cancel()
		within := r.within
		if within == 0 {
			within = 10 * time.Second
		}
		select {
		case <-r.done:
			if r.err != nil {
				l.log.Warn("stopped with an error", "service", r.name, "error", r.err)
			}
		case <-time.After(within):
			l.log.Error("did not stop in time", "service", r.name, "within", within)
		}
	}
	l.started = nil
}
