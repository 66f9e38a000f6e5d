package dashboards

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"throughline/event"
	"throughline/problem"
)

// Publisher stores events; bus.Bus does.
type Publisher interface {
	Publish(ctx context.Context, msgs ...event.Message) error
}

// Config says what a Server is made of. Hub and Publisher are required.
type Config struct {
	Hub       *Hub
	Publisher Publisher // of feedback
	Store     Store     // nil: only what is live is answered

	// Access lets a request through, or answers it; nil lets all through.
	Access func(http.Handler) http.Handler
	// Tenant says whose data a request that was let through may see; nil: "default".
	Tenant func(context.Context) string
	// Actor names who gives feedback that names nobody; nil: nobody.
	Actor func(context.Context) string

	Heartbeat     time.Duration // of streams; 0 is DefaultHeartbeat
	WriteDeadline time.Duration // for each write to a stream; 0 is DefaultWriteDeadline

	Logger *slog.Logger // nil: slog.Default()
}

// The defaults of Config.
const (
	DefaultHeartbeat     = 15 * time.Second
	DefaultWriteDeadline = 10 * time.Second
	DefaultTenant        = "default"
)

// Server answers HTTP.
type Server struct {
	cfg Config
	hub *Hub
	log *slog.Logger
	mux http.Handler
}

// NewServer makes a Server.
func NewServer(cfg Config) (*Server, error) {
	if cfg.Hub == nil || cfg.Publisher == nil {
		return nil, errors.New("dashboards server: Hub and Publisher are required")
	}
	if cfg.Store == nil {
		cfg.Store = noStore{}
	}
	if cfg.Access == nil {
		cfg.Access = func(next http.Handler) http.Handler { return next }
	}
	if cfg.Tenant == nil {
		cfg.Tenant = func(context.Context) string { return DefaultTenant }
	}
	if cfg.Actor == nil {
		cfg.Actor = func(context.Context) string { return "" }
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	cfg.Heartbeat = cmp.Or(cfg.Heartbeat, DefaultHeartbeat)
	cfg.WriteDeadline = cmp.Or(cfg.WriteDeadline, DefaultWriteDeadline)
	s := &Server{cfg: cfg, hub: cfg.Hub, log: cfg.Logger.With("component", "dashboards")}
	mux := http.NewServeMux()
	for pattern, h := range s.routes() {
		mux.Handle(pattern, s.wrap(h))
	}
	s.mux = cfg.Access(mux)
	return s, nil
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// handler answers, or returns why it cannot.
type handler func(w http.ResponseWriter, r *http.Request) error

func (s *Server) routes() map[string]handler {
	return map[string]handler{
		"GET /v1/stream":                     s.stream,
		"GET /v1/ws":                         s.websocket,
		"GET /v1/overview":                   s.overview,
		"GET /v1/interactions":               s.interactions,
		"GET /v1/interactions/{id}":          s.interaction,
		"GET /v1/interactions/{id}/turns":    s.turns,
		"GET /v1/journeys/{id}":              s.journey,
		"GET /v1/customers/{id}/context":     s.customerContext,
		"GET /v1/alerts":                     s.alerts,
		"POST /v1/alerts/{id}/acknowledge":   s.acknowledge,
		"POST /v1/suggestions/{id}/feedback": s.feedback,
		"GET /v1/openapi.json":               s.openAPI,
		"GET /{$}":                           s.page,
		"GET /assets/{name}":                 s.asset,
	}
}

// Routes lists the patterns that the server answers.
func (s *Server) Routes() []string {
	var patterns []string
	for p := range s.routes() {
		patterns = append(patterns, p)
	}
	return patterns
}

func (s *Server) wrap(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := h(w, r)
		if err == nil || r.Context().Err() != nil {
			return
		}
		p := problem.Of(err)
		if p.Status >= 500 {
			s.log.Error("request failed", "route", r.Pattern, "status", p.Status, "error", p.Cause)
		}
		problem.Write(w, p)
	})
}

func (s *Server) tenant(r *http.Request) string { return s.cfg.Tenant(r.Context()) }

// ready waits a moment for the hub, which reads the topics again at start.
func (s *Server) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	select {
	case <-s.hub.ready:
		return nil
	case <-s.hub.stopped:
		return problem.Unavailable(time.Second, "The service is stopping; ask again.", ErrStopped)
	case <-ctx.Done():
		return problem.Unavailable(time.Second, "The service is starting; ask again.", ctx.Err())
	}
}

func reply(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // the caller may be gone; there is nobody left to tell
	return nil
}

func notFound(what, where string) error {
	return problem.New(http.StatusNotFound, "There is no "+what+" of this id; "+where)
}
