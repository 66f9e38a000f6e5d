package webrtc

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"

	"github.com/pion/ice/v4"
	pion "github.com/pion/webrtc/v4"

	"throughline/event"
	"throughline/ingest/calls"
)

// Server takes sessions on one UDP port. It is safe for concurrent use.
type Server struct {
	cfg     Config
	door    *calls.Door
	mux     *ice.UDPMuxDefault
	lite    *pion.API // answers publishers, which come to us
	full    *pion.API // answers ICE-lite platforms, to which we come
	metrics *metrics
	log     *slog.Logger

	mu       sync.Mutex
	stopping bool
	taken    int // sessions, and those being answered
	sessions map[string]*Session
	running  sync.WaitGroup
}

// New makes a Server whose calls enter by door, and opens its port.
func New(cfg Config, door *calls.Door) (*Server, error) {
	if door == nil {
		return nil, errors.New("webrtc server: a door is required")
	}
	cfg = cfg.withDefaults()
	if cfg.Access == nil || cfg.Tenant == nil {
		return nil, errors.New("webrtc config: Access and Tenant are required")
	}
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	conn, err := net.ListenPacket("udp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("webrtc.listen: %w", err)
	}
	udp := conn.(*net.UDPConn)            // what ListenPacket gives for udp
	_ = udp.SetReadBuffer(cfg.ReadBuffer) // the system may allow less, which serves too
	s := &Server{cfg: cfg, door: door, log: cfg.Logger.With("component", "webrtc"), sessions: map[string]*Session{},
		mux: ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: udp, Logger: loggers{cfg.Logger}.NewLogger("mux")})}
	loopback := udp.LocalAddr().(*net.UDPAddr).IP.IsLoopback()
	if s.lite, err = newAPI(cfg, s.mux, agent{lite: true, loopback: loopback}); err == nil {
		s.full, err = newAPI(cfg, s.mux, agent{loopback: loopback})
	}
	if err != nil {
		_ = s.mux.Close()
		return nil, err
	}
	s.metrics = newMetrics(cfg.Metrics, s)
	return s, nil
}

// Addr is the UDP address that media comes to.
func (s *Server) Addr() net.Addr { return s.mux.LocalAddr() }

// Sessions is the number of sessions open, connected or not yet.
func (s *Server) Sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken
}

// Run waits until ctx ends; then it takes no more sessions, fails those that are
// open, and closes the port.
func (s *Server) Run(ctx context.Context) error {
	<-ctx.Done()
	s.mu.Lock()
	s.stopping = true
	open := make([]*Session, 0, len(s.sessions))
	for _, c := range s.sessions {
		open = append(open, c)
	}
	s.mu.Unlock()
	for _, c := range open {
		c.finish(event.Failed, calls.ReasonStopped)
	}
	s.running.Wait()
	if err := s.mux.Close(); err != nil {
		return fmt.Errorf("close webrtc port: %w", err)
	}
	return nil
}

// enter takes a place for a session that is being answered.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping || s.taken >= s.cfg.MaxSessions {
		return false
	}
	s.taken++
	return true
}

// leave gives back the place of a session that was not answered.
func (s *Server) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken--
}

// keep opens a session that was answered, and has it watched.
func (s *Server) keep(c *Session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return false
	}
	s.sessions[c.id] = c
	s.running.Add(1)
	go c.watch()
	return true
}

func (s *Server) forget(c *Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, c.id)
	s.taken--
}

// find gives a session of a tenant.
func (s *Server) find(tenant, id string) *Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.sessions[id]; c != nil && c.tenant == tenant {
		return c
	}
	return nil
}

// newTag is an entity tag that no earlier ICE session had.
func newTag() string { return `"` + rand.Text() + `"` }
