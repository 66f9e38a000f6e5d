package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/pprof"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// ready is what must answer before this process may be sent work.
type ready struct {
	needed []func(context.Context) error
	// store is away for a while now and then. What comes in meanwhile waits in
	// Kafka, so a process that takes things in goes on taking them. nil: no role
	// of this process asks it.
	store func(context.Context) error
}

// routeHealth adds what those ask who run the product: is it alive, may it be
// sent work, how is it doing.
func (h *house) routeHealth(mux *http.ServeMux, life *lifecycle, up *atomic.Bool, ready ready) {
	mux.Handle("GET /metrics", promhttp.HandlerFor(h.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "alive") })
	if h.settings.HTTP.Profile {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	}
	parts := life.started
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		defer cancel()
		if !up.Load() {
			http.Error(w, "starting or stopping", http.StatusServiceUnavailable)
			return
		}
		for _, p := range parts {
			if p.service.ready == nil {
				continue
			}
			select {
			case <-p.service.ready:
			default:
				http.Error(w, p.name+" is not ready", http.StatusServiceUnavailable)
				return
			}
		}
		for _, check := range ready.needed {
			if err := check(ctx); err != nil {
				http.Error(w, err.Error(), http.StatusServiceUnavailable)
				return
			}
		}
		switch {
		case ready.store == nil || ready.store(ctx) == nil:
			fmt.Fprintln(w, "ready")
		case h.takes("ingest"):
			fmt.Fprintln(w, "ready; the store does not answer, what comes in waits in Kafka")
		default:
			http.Error(w, "the store does not answer, or lacks its tables", http.StatusServiceUnavailable)
		}
	})
}
