package audiohook

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"

	"throughline/ingest/calls"
	"throughline/ingest/connections"
	"throughline/problem"
)

// Server is the AudioHook server. It is safe for concurrent use.
type Server struct {
	cfg      Config
	door     *calls.Door
	guard    *guard
	metrics  *metrics
	log      *slog.Logger
	sessions *connections.Set[*session]

	mu sync.Mutex // guards the sessions' interactions
}

// New makes a Server whose calls enter by door.
func New(cfg Config, door *calls.Door) (*Server, error) {
	if door == nil || cfg.Tenant == nil {
		return nil, errors.New("audiohook: a door and Tenant are required")
	}
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	g, err := newGuard(cfg)
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, door: door, guard: g, log: cfg.Logger.With("component", "audiohook"),
		sessions: connections.NewSet[*session](cfg.MaxSessions)}
	s.metrics = newMetrics(cfg.Metrics, s)
	door.OnPause(s.asked)
	return s, nil
}

// Routes adds the WebSocket to mux.
func (s *Server) Routes(mux *http.ServeMux) { mux.HandleFunc("GET "+Path, s.serve) }

// leaveIn is how long clients have to go elsewhere when we stop.
const leaveIn = 2 * time.Second

// Run waits until ctx ends; then it lets nobody in, asks every client to connect
// elsewhere, and ends the connections that do not.
func (s *Server) Run(ctx context.Context) error {
	<-ctx.Done()
	gone := s.sessions.Drain(func(c *session) {
		go c.send("reconnect", struct {
			Info string `json:"info"`
		}{"service restart"})
	})
	t := time.NewTimer(leaveIn)
	defer t.Stop()
	select {
	case <-gone:
		return nil
	case <-t.C:
	}
	s.sessions.Each(func(c *session) { c.cancel() })
	<-gone
	return nil
}

// asked passes on to Genesys that a call is paused by request, so that it sends no
// audio meanwhile, while card data is spoken (PCI DSS). Unpaused, audio is kept
// from the moment that Genesys says that it sends again.
func (s *Server) asked(interaction string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions.Each(func(c *session) {
		if c.interaction == interaction {
			go c.ask(c.call)
		}
	})
}

// belongs notes which interaction a session is of.
func (s *Server) belongs(c *session, interaction string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.interaction = interaction
}

// readLimit bounds a frame: ten seconds of stereo audio at 8 kHz and more.
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
	c := &session{server: s, cancel: cancel, tenant: s.cfg.Tenant(r), id: r.Header.Get("Audiohook-Session-Id"), organization: r.Header.Get("Audiohook-Organization-Id")}
	if !s.sessions.Enter(c) {
		s.metrics.refused.WithLabelValues("busy").Inc()
		problem.Write(w, problem.Unavailable(time.Second, "As many sessions as allowed are open, or the service stops; connect again.", nil))
		return
	}
	defer s.sessions.Exit(c)
	ws, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // Accept has answered
	}
	defer ws.CloseNow()
	ws.SetReadLimit(readLimit)
	c.attach(ws)
	c.run(ctx)
}
