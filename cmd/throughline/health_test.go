package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// TestReady: who takes messages in goes on doing so while the store is away, and
// not while Kafka is, or its disk is full.
func TestReady(t *testing.T) {
	is := func(err error) func(context.Context) error { return func(context.Context) error { return err } }
	away := errors.New("Get http://ada:secret@store: connection refused")
	starting := make(chan struct{})
	for name, c := range map[string]struct {
		roles []string
		down  bool // starting or stopping
		part  chan struct{}
		ready ready
		want  int
		says  string
	}{
		"all is well":             {roles, false, nil, ready{[]func(context.Context) error{is(nil)}, is(nil)}, 200, "ready\n"},
		"the store is away":       {roles, false, nil, ready{nil, is(away)}, 200, "ready; the store does not answer"},
		"away, nothing comes in":  {[]string{"dashboards"}, false, nil, ready{nil, is(away)}, 503, "the store does not answer"},
		"no store is asked":       {[]string{"nlp"}, false, nil, ready{[]func(context.Context) error{is(nil)}, nil}, 200, "ready\n"},
		"kafka is away":           {roles, false, nil, ready{[]func(context.Context) error{is(nil), is(errors.New("disk full"))}, is(nil)}, 503, "disk full"},
		"a part is not there yet": {roles, false, starting, ready{nil, is(nil)}, 503, "hub is not ready"},
		"stopping":                {roles, true, nil, ready{nil, is(nil)}, 503, "starting or stopping"},
	} {
		life := newLifecycle(slog.New(slog.DiscardHandler))
		life.start(service{name: "hub", ready: c.part, run: func(ctx context.Context) error { <-ctx.Done(); return nil }})
		s, err := load("")
		if err != nil {
			t.Fatal(err)
		}
		var up atomic.Bool
		up.Store(!c.down)
		mux, w := http.NewServeMux(), httptest.NewRecorder()
		h := &house{settings: s, roles: c.roles}
		h.routeHealth(mux, life, &up, c.ready)
		mux.ServeHTTP(w, httptest.NewRequest("GET", "/readyz", nil))
		if w.Code != c.want || !strings.Contains(w.Body.String(), c.says) || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s: %d %s, want %d %s", name, w.Code, w.Body, c.want, c.says)
		}
		life.stop()
	}
}
