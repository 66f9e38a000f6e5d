package webchat

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/prometheus/client_golang/prometheus"

	"throughline/event"
	"throughline/ingest"
	"throughline/problem"
)

// Path is where the WebSocket is served.
const Path = "/v1/chat"

// The defaults of Config.
const (
	DefaultTokenLife = 7 * 24 * time.Hour
	DefaultMaxText   = 16 << 10
	DefaultMaxConns  = 10_000
	DefaultRate      = 20
	DefaultPing      = 25 * time.Second
	DefaultDeadline  = 5 * time.Second
	minSecret        = 16
)

// Config of the web chat. Secrets and Tenant are required.
type Config struct {
	Secrets   []string      `yaml:"secrets" secret:"true" doc:"secrets of 16 bytes or more that sign conversation tokens; the first signs, all are accepted"`
	Origins   []string      `yaml:"origins" doc:"sites whose pages may chat, as host patterns (*.example.com); our own host always may"`
	TokenLife time.Duration `yaml:"token_life" default:"168h" doc:"how long a visitor can come back to their conversations"`
	MaxText   int           `yaml:"max_text" default:"16384" doc:"longest message, bytes"`
	MaxConns  int           `yaml:"max_connections" default:"10000" doc:"open connections; more are answered 503"`
	Rate      int           `yaml:"rate" default:"20" doc:"messages a second of one connection; faster ones are slowed down"`
	Ping      time.Duration `yaml:"ping" default:"25s" doc:"time between pings; a client that does not answer is let go"`
	Deadline  time.Duration `yaml:"deadline" default:"5s" doc:"a message that is not stored by then is to be sent again"`

	Tenant  func(*http.Request) string `yaml:"-"` // whose chat it is
	Metrics prometheus.Registerer      `yaml:"-"` // nil: not registered
	Logger  *slog.Logger               `yaml:"-"` // nil: slog.Default()
}

// Check says what is wrong with the settings. No secrets are no mistake yet: who
// serves may make one.
func (c Config) Check() error {
	for i, s := range c.Secrets {
		if len(s) < minSecret {
			return fmt.Errorf("webchat.secrets[%d] is %d bytes long: take %d or more", i, len(s), minSecret)
		}
	}
	for i, o := range c.Origins {
		_, host, schemed := strings.Cut(o, "://")
		if !schemed {
			host = o
		}
		if _, err := path.Match(o, ""); err != nil || host == "" || strings.Contains(host, "/") {
			return fmt.Errorf("webchat.origins[%d] is no pattern of hosts: write *.example.com or https://www.example.com, without a path", i)
		}
	}
	return nil
}

// Server is the HTTP side. It is safe for concurrent use.
type Server struct {
	cfg    Config
	intake *ingest.Intake
	hub    *hub
	log    *slog.Logger
	frames *prometheus.CounterVec

	mu       sync.Mutex
	conns    map[*conn]bool
	draining bool
}

// New makes a Server. It must be made before the Intake's Sessions are run: it
// learns the conversations while they are restored.
func New(cfg Config, intake *ingest.Intake) (*Server, error) {
	if intake == nil || cfg.Tenant == nil {
		return nil, errors.New("web chat: an intake and Tenant are required")
	}
	if len(cfg.Secrets) == 0 {
		return nil, errors.New("webchat.secrets is empty: give one of 16 random bytes or more")
	}
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	cfg.TokenLife = cmp.Or(max(cfg.TokenLife, 0), DefaultTokenLife)
	cfg.MaxText = cmp.Or(max(cfg.MaxText, 0), DefaultMaxText)
	cfg.MaxConns = cmp.Or(max(cfg.MaxConns, 0), DefaultMaxConns)
	cfg.Rate = cmp.Or(max(cfg.Rate, 0), DefaultRate)
	cfg.Ping = cmp.Or(max(cfg.Ping, 0), DefaultPing)
	cfg.Deadline = cmp.Or(max(cfg.Deadline, 0), DefaultDeadline)
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	s := &Server{cfg: cfg, intake: intake, hub: newHub(intake.Sessions()), log: cfg.Logger.With("component", "webchat"), conns: map[*conn]bool{},
		frames: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "throughline", Subsystem: "webchat", Name: "frames_total",
			Help: "Frames of clients by what became of them: stored, duplicate, refused, failed."}, []string{"outcome"})}
	if cfg.Metrics != nil {
		cfg.Metrics.MustRegister(s.frames, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "throughline", Subsystem: "webchat", Name: "connections",
			Help: "Open WebSockets."}, func() float64 { return float64(s.open()) }))
	}
	intake.Hear(s.hub.hear)
	intake.Sessions().Watch(ingest.Watcher{Turn: s.hub.turn, Change: s.hub.change, Channel: event.WebChat})
	return s, nil
}

// Routes adds the WebSocket to mux.
func (s *Server) Routes(mux *http.ServeMux) { mux.HandleFunc("GET "+Path, s.serve) }

// Run forgets conversations that are over, until ctx ends; then it asks every
// client to connect again elsewhere (close code 1012) and lets nobody in.
func (s *Server) Run(ctx context.Context) error {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.hub.forget()
		case <-ctx.Done():
			s.drain()
			return nil
		}
	}
}

func (s *Server) drain() {
	s.mu.Lock()
	s.draining = true
	all := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		all = append(all, c)
	}
	s.mu.Unlock()
	var wg sync.WaitGroup
	for _, c := range all {
		wg.Go(func() { c.close(websocket.StatusServiceRestart, "service restart") })
	}
	wg.Wait()
}

func (s *Server) open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// enter counts c in, or tells what to close it with.
func (s *Server) enter(c *conn) (websocket.StatusCode, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.draining:
		return websocket.StatusServiceRestart, "service restart"
	case len(s.conns) >= s.cfg.MaxConns:
		return websocket.StatusTryAgainLater, "too many connections"
	}
	s.conns[c] = true
	return 0, ""
}

func (s *Server) exit(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	select {
	case <-s.intake.Sessions().Ready():
	default:
		problem.Write(w, problem.Unavailable(time.Second, "The service is starting; connect again.", nil))
		return
	}
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{OriginPatterns: s.cfg.Origins})
	if err != nil {
		return // Accept has answered
	}
	ws.SetReadLimit(int64(s.cfg.MaxText)*6 + 4096) // JSON may write one byte as six
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	c := &conn{server: s, ws: ws, cancel: cancel, pending: map[string]wait{}, queue: make(chan []byte, outbound)}
	code, why := s.enter(c)
	if code == 0 {
		defer s.exit(c)
		code, why = c.run(ctx, s.cfg.Tenant(r))
	}
	if code != 0 {
		_ = ws.Close(code, why)
	}
	_ = ws.CloseNow()
}

// current is the open conversation of a visitor, or "".
func (s *Server) current(c *conn) string {
	i, _ := s.intake.Sessions().Current(c.claims.Tenant, event.WebChat, c.claims.Account, c.customer)
	return i.ID
}
