package siprec

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"throughline/ingest/calls"
	"throughline/ingest/rtp"
)

// Parts is what a Server is made of. Door and Ports are required.
type Parts struct {
	Door    *calls.Door
	Ports   *rtp.Ports
	Metrics prometheus.Registerer // nil: not registered
	Logger  *slog.Logger          // nil: slog.Default()
}

// Server is a recording server.
type Server struct {
	cfg     checked
	door    *calls.Door
	ports   *rtp.Ports
	metrics *metrics
	log     *slog.Logger

	agent  *sipgo.UserAgent
	sip    *sipgo.Server
	client *sipgo.Client

	udp      net.PacketConn
	tcp, tls net.Listener

	mu       sync.Mutex
	draining bool
	dialogs  map[string]*dialog
	origins  map[string]*dialog // by the ids of the request that began them
	local    map[netip.Addr]netip.Addr
}

// New makes a Server and opens its addresses; Run answers.
func New(cfg Config, p Parts) (*Server, error) {
	c, err := cfg.check()
	if err != nil {
		return nil, err
	}
	if p.Door == nil || p.Ports == nil {
		return nil, errors.New("siprec server: Door and Ports are required")
	}
	if p.Logger == nil {
		p.Logger = slog.Default()
	}
	s := &Server{cfg: c, door: p.Door, ports: p.Ports, log: p.Logger.With("component", "siprec"),
		dialogs: map[string]*dialog{}, origins: map[string]*dialog{}, local: map[netip.Addr]netip.Addr{}}
	s.metrics = newMetrics(p.Metrics, s)
	if err := s.build(); err != nil {
		return nil, err
	}
	if err := s.listen(); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *Server) build() error {
	adaptLibrary()
	silent := silentLog()
	var err error
	s.agent, err = sipgo.NewUA(sipgo.WithUserAgent("throughline"),
		sipgo.WithUserAgentTransportLayerOptions(sip.WithTransportLayerLogger(silent)),
		sipgo.WithUserAgentTransactionLayerOptions(sip.WithTransactionLayerLogger(silent)))
	if err != nil {
		return fmt.Errorf("siprec server: %w", err)
	}
	if s.sip, err = sipgo.NewServer(s.agent, sipgo.WithServerLogger(silent)); err != nil {
		return fmt.Errorf("siprec server: %w", err)
	}
	if s.client, err = sipgo.NewClient(s.agent, sipgo.WithClientLogger(silent)); err != nil {
		return fmt.Errorf("siprec server: %w", err)
	}
	s.sip.OnInvite(s.handle(s.invite))
	s.sip.OnAck(s.ack)
	s.sip.OnBye(s.handle(s.bye))
	s.sip.OnUpdate(s.handle(s.update))
	s.sip.OnOptions(s.handle(s.options))
	s.sip.OnCancel(s.handle(s.cancel))
	s.sip.OnPrack(s.handle(s.prack))
	s.sip.OnInfo(s.handle(s.info))
	s.sip.OnNoRoute(s.handle(func(r *request) { r.refuse(sip.StatusMethodNotAllowed, "Method Not Allowed", header("Allow", allow)) }))
	return nil
}

// adaptLibrary sets what the library keeps in variables of its package, once for
// all servers of the process. RFC 3261 §18.1.1 bounds the size of requests only:
// an answer goes back on the way that the request came.
var adaptLibrary = sync.OnceFunc(func() {
	sip.UDPMTUSize = 65000
	sip.SetDefaultLogger(silentLog())
})

// silentLog is for the library, whose log quotes whole messages, which hold
// people's numbers and names.
func silentLog() *slog.Logger { return slog.New(slog.DiscardHandler) }

// sipBuffer holds a burst of requests while one is parsed.
const sipBuffer = 4 << 20

func (s *Server) listen() error {
	var err error
	if s.cfg.UDP != off {
		if s.udp, err = net.ListenPacket("udp", s.cfg.UDP); err != nil {
			return fmt.Errorf("siprec.udp: %w", err)
		}
		_ = s.udp.(*net.UDPConn).SetReadBuffer(sipBuffer) // a shorter one works
	}
	if s.cfg.TCP != off {
		if s.tcp, err = net.Listen("tcp", s.cfg.TCP); err != nil {
			return fmt.Errorf("siprec.tcp: %w", err)
		}
	}
	if s.cfg.TLS == off {
		return nil
	}
	conf, err := s.cfg.tls()
	if err != nil {
		return err
	}
	if s.tls, err = tls.Listen("tcp", s.cfg.TLS, conf); err != nil {
		return fmt.Errorf("siprec.tls: %w", err)
	}
	return nil
}

func (c *checked) tls() (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("siprec.cert_file and key_file: %w", err)
	}
	conf := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	if c.ClientCA == "" {
		return conf, nil
	}
	pem, err := os.ReadFile(c.ClientCA)
	if err != nil {
		return nil, fmt.Errorf("siprec.client_ca_file: %w", err)
	}
	conf.ClientCAs = x509.NewCertPool()
	if !conf.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, errors.New("siprec.client_ca_file holds no certificate in PEM")
	}
	conf.ClientAuth = tls.RequireAndVerifyClientCert
	return conf, nil
}

// Addr is where a transport ("udp", "tcp", "tls") listens; "" if it does not.
func (s *Server) Addr(transport string) string {
	switch {
	case transport == "udp" && s.udp != nil:
		return s.udp.LocalAddr().String()
	case transport == "tcp" && s.tcp != nil:
		return s.tcp.Addr().String()
	case transport == "tls" && s.tls != nil:
		return s.tls.Addr().String()
	}
	return ""
}

// Dialogs is the number of recording sessions going on.
func (s *Server) Dialogs() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.dialogs)
}

// watchEvery is how often the timers of the dialogs are looked at.
const watchEvery = time.Second

// Run answers until ctx ends. Then it takes no more calls, tells the peers
// goodbye, and ends what was going on. It may run once.
func (s *Server) Run(ctx context.Context) error {
	g, inner := errgroup.WithContext(ctx)
	serve := func(run func() error) {
		g.Go(func() error {
			if err := run(); err != nil && inner.Err() == nil && !errors.Is(err, net.ErrClosed) {
				return fmt.Errorf("serve sip: %w", err)
			}
			if inner.Err() == nil {
				return errors.New("serve sip: a listener closed on its own")
			}
			return nil
		})
	}
	if s.udp != nil {
		serve(func() error { return s.sip.ServeUDP(s.udp) })
	}
	if s.tcp != nil {
		serve(func() error { return s.sip.ServeTCP(s.tcp) })
	}
	if s.tls != nil {
		serve(func() error { return s.sip.ServeTLS(s.tls) })
	}
	g.Go(func() error {
		t := time.NewTicker(watchEvery)
		defer t.Stop()
		for {
			select {
			case now := <-t.C:
				s.watch(now)
			case <-inner.Done():
				s.drain()
				s.close()
				return nil
			}
		}
	})
	return g.Wait()
}

// goodbyeWithin bounds the wait for the answers to our BYEs.
const goodbyeWithin = 2 * time.Second

func (s *Server) drain() {
	s.mu.Lock()
	s.draining = true
	all := make([]*dialog, 0, len(s.dialogs))
	for _, d := range s.dialogs {
		all = append(all, d)
	}
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), goodbyeWithin)
	defer cancel()
	var wg sync.WaitGroup
	for _, d := range all {
		wg.Go(func() { d.hangUp(ctx, calls.ReasonStopped) })
	}
	wg.Wait()
}

func (s *Server) close() {
	if s.udp != nil {
		s.udp.Close()
	}
	for _, l := range [...]net.Listener{s.tcp, s.tls} {
		if l != nil {
			l.Close()
		}
	}
	_ = s.agent.Close() // nothing is left that could be done about it
}

// address is where the peer of a request reaches us.
func (s *Server) address(peer netip.Addr) netip.Addr {
	if a, err := netip.ParseAddr(s.cfg.Advertise); err == nil {
		return a
	}
	if s.udp != nil {
		if a, err := netip.ParseAddrPort(s.udp.LocalAddr().String()); err == nil && !a.Addr().IsUnspecified() {
			return a.Addr().Unmap()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if a, ok := s.local[peer]; ok {
		return a
	}
	// No packet is sent: the system says which of our addresses it would use.
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(peer, 9)))
	if err != nil {
		return netip.IPv4Unspecified()
	}
	defer c.Close()
	a := c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()
	if len(s.local) < 10_000 {
		s.local[peer] = a
	}
	return a
}
