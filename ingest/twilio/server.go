package twilio

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/coder/websocket"

	"throughline/event"
	"throughline/ingest/calls"
	"throughline/ingest/connections"
	"throughline/problem"
)

// Server takes media streams. It is safe for concurrent use.
type Server struct {
	cfg     Config
	door    *calls.Door
	guard   *guard
	metrics *metrics
	log     *slog.Logger
	keep    map[string]bool
	streams *connections.Set[*stream]
}

// New makes a Server whose calls enter by door.
func New(cfg Config, door *calls.Door) (*Server, error) {
	if door == nil || cfg.Tenant == nil {
		return nil, errors.New("twilio: a door and Tenant are required")
	}
	cfg = cfg.withDefaults()
	g, err := cfg.guard()
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, door: door, guard: g, log: cfg.Logger.With("component", "twilio"), keep: map[string]bool{}, streams: connections.NewSet[*stream](cfg.MaxStreams)}
	for _, name := range cfg.Keep {
		s.keep[name] = true
	}
	s.metrics = newMetrics(cfg.Metrics, s)
	return s, nil
}

func roleOf(name string) (event.Role, bool) {
	switch r := event.Role(name); r {
	case event.Customer, event.Agent, event.Bot, event.System:
		return r, true
	case "mixed":
		return event.UnknownRole, true
	}
	return "", false
}

// Routes adds the WebSocket to mux.
func (s *Server) Routes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+Path, s.serve)
	mux.HandleFunc("GET "+Path+"/{$}", s.serve)
}

// Run waits until ctx ends; then it lets nobody in and closes every stream.
func (s *Server) Run(ctx context.Context) error {
	<-ctx.Done()
	<-s.streams.Drain(func(c *stream) { c.cancel() })
	return nil
}

// readLimit bounds a frame: many times the 160 octets that are usual.
const readLimit = 256 << 10

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if err := s.guard.check(r); err != nil {
		s.metrics.refused.WithLabelValues("unauthorized").Inc()
		s.log.Warn("connection refused", "error", err)
		problem.Write(w, problem.New(http.StatusUnauthorized, err.Error()))
		return
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	defer cancel()
	c := &stream{server: s, cancel: cancel, tenant: s.cfg.Tenant(r), query: r.URL.Query(), tracks: map[string]*track{}, seq: -1, arrived: time.Now()}
	if !s.streams.Enter(c) {
		s.metrics.refused.WithLabelValues("busy").Inc()
		problem.Write(w, problem.Unavailable(time.Second, "As many streams as allowed are open, or the service stops; connect again.", nil))
		return
	}
	defer s.streams.Exit(c)
	// jambonz and FreeSWITCH hang up unless their subprotocol is taken; Asterisk asks for media.
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"audio.jambonz.org", "audio.drachtio.org", "media"}})
	if err != nil {
		return // Accept has answered
	}
	defer ws.CloseNow()
	ws.SetReadLimit(readLimit)
	c.run(ctx, ws)
}
