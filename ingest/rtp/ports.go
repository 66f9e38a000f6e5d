package rtp

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// The defaults of Config.
const (
	DefaultFirst      = 20000
	DefaultLast       = 29999
	DefaultQuarantine = 5 * time.Second
	DefaultReadBuffer = 256 << 10
)

// ErrNoPorts says that every port of the range is in use.
var ErrNoPorts = errors.New("no rtp port is free")

// Config of the sockets. The zero value listens on all addresses, ports 20000 to 29999.
type Config struct {
	Listen     string        `yaml:"listen" default:"127.0.0.1" doc:"IP address that RTP is received on; 0.0.0.0: all"`
	Advertise  string        `yaml:"advertise" doc:"IP address that senders are told; empty: listen, or the address that they reached us on"`
	First      int           `yaml:"first_port" default:"20000" doc:"first port, even: RTP on even ports, RTCP on the next odd one; -1 takes any that are free"`
	Last       int           `yaml:"last_port" default:"29999" doc:"last port; a two-leg call takes four"`
	Allow      []string      `yaml:"allow" doc:"networks that may send (10.0.0.0/8); empty: any, and the first that does is kept to"`
	Quarantine time.Duration `yaml:"quarantine" default:"5s" doc:"rest of a port between two legs, so that late packets of one do not reach the next"`
	ReadBuffer int           `yaml:"read_buffer" default:"262144" doc:"receive buffer of each RTP socket, in bytes; net.core.rmem_max bounds it"`
}

// Ports gives out pairs of ports. It is safe for concurrent use.
type Ports struct {
	cfg     Config
	listen  netip.Addr
	allow   []netip.Prefix
	metrics *metrics
	log     *slog.Logger

	mu   sync.Mutex
	free []time.Time // of each pair, when it may be used; zero: now
	used []bool
	next int // where the search begins
	open map[*Socket]struct{}
}

// NewPorts makes Ports. Reg may be nil.
func NewPorts(cfg Config, reg prometheus.Registerer, log *slog.Logger) (*Ports, error) {
	if cfg.First == 0 {
		cfg.First = DefaultFirst
	}
	if cfg.Last == 0 {
		cfg.Last = DefaultLast
	}
	if cfg.Quarantine == 0 {
		cfg.Quarantine = DefaultQuarantine
	}
	if cfg.ReadBuffer <= 0 {
		cfg.ReadBuffer = DefaultReadBuffer
	}
	if log == nil {
		log = slog.Default()
	}
	p := &Ports{cfg: cfg, log: log.With("component", "rtp"), open: map[*Socket]struct{}{}}
	if cfg.First > 0 {
		first := cfg.First + cfg.First%2
		if cfg.Last > 65535 || cfg.Last < first+1 {
			return nil, fmt.Errorf("rtp config: last_port is %d: want first_port+1 to 65535", cfg.Last)
		}
		p.cfg.First = first
		pairs := (cfg.Last - first + 1) / 2
		p.free, p.used = make([]time.Time, pairs), make([]bool, pairs)
	}
	var err error
	if cfg.Listen != "" {
		if p.listen, err = netip.ParseAddr(cfg.Listen); err != nil {
			return nil, errors.New("rtp config: listen is no IP address: give one, without a port")
		}
	} else {
		p.listen = netip.IPv4Unspecified()
	}
	if cfg.Advertise != "" {
		if _, err := netip.ParseAddr(cfg.Advertise); err != nil {
			return nil, errors.New("rtp config: advertise is no IP address: give one, without a port")
		}
	}
	for _, a := range cfg.Allow {
		n, err := netip.ParsePrefix(a)
		if err != nil {
			return nil, fmt.Errorf("rtp config: allow holds %q: write networks as 10.0.0.0/8", a)
		}
		p.allow = append(p.allow, n.Masked())
	}
	p.metrics = newMetrics(reg, p)
	return p, nil
}

// Advertise is the address that senders are told, where local is the one that
// they reached us on.
func (p *Ports) Advertise(local netip.Addr) netip.Addr {
	if a, err := netip.ParseAddr(p.cfg.Advertise); err == nil {
		return a
	}
	if p.listen.IsUnspecified() && local.IsValid() && !local.IsUnspecified() {
		return local.Unmap()
	}
	return p.listen
}

// Open opens n sockets, on consecutive even ports where there are such: some
// senders guess the second stream's port from the first.
func (p *Ports) Open(n int) ([]*Socket, error) {
	if n <= 0 {
		return nil, nil
	}
	for run := n; ; run = 1 {
		all, err := p.openRuns(n, run)
		if err == nil || run == 1 {
			return all, err
		}
	}
}

// OpenAt opens the socket of one even port of the range.
func (p *Ports) OpenAt(port int) (*Socket, error) {
	pair, err := p.pairOf(port)
	if err != nil {
		return nil, err
	}
	if pair < 0 {
		return p.listenPair(port, pair)
	}
	p.mu.Lock()
	taken := p.used[pair]
	p.used[pair] = true
	p.mu.Unlock()
	if taken {
		return nil, fmt.Errorf("open port %d: %w", port, ErrNoPorts)
	}
	s, err := p.listenPair(port, pair)
	if err != nil {
		p.release(pair, 0)
		return nil, fmt.Errorf("open port %d: %w: %w", port, ErrNoPorts, err)
	}
	return s, nil
}

// pairOf is where an even port stands in the range; -1: there is none to keep to.
func (p *Ports) pairOf(port int) (int, error) {
	if p.cfg.First < 0 {
		return -1, nil
	}
	pair := (port - p.cfg.First) / 2
	if port%2 != 0 || port < p.cfg.First || pair >= len(p.used) {
		return 0, fmt.Errorf("open port %d: want an even one from %d to %d", port, p.cfg.First, p.cfg.First+2*len(p.used)-2)
	}
	return pair, nil
}

func (p *Ports) openRuns(n, run int) ([]*Socket, error) {
	var all []*Socket
	for len(all) < n {
		some, err := p.openRun(run)
		if err != nil {
			for _, s := range all {
				s.Close()
			}
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// attempts bounds how many places are tried where other programs hold ports.
const attempts = 64

func (p *Ports) openRun(n int) ([]*Socket, error) {
	for range attempts {
		first, ok := p.reserve(n)
		if !ok {
			return nil, ErrNoPorts
		}
		if all, err := p.bind(first, n); err == nil {
			return all, nil
		}
	}
	return nil, ErrNoPorts
}

// reserve finds n consecutive pairs; -1 stands for any that the system gives.
func (p *Ports) reserve(n int) (pair int, ok bool) {
	if p.cfg.First < 0 {
		return -1, true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	found := 0
	// A run may not wrap, so the search goes round once and a run more.
	for i := range len(p.used) + n {
		at := (p.next + i) % len(p.used)
		if at == 0 {
			found = 0
		}
		if p.used[at] || now.Before(p.free[at]) {
			found = 0
			continue
		}
		if found++; found == n {
			first := at - n + 1
			for j := first; j <= at; j++ {
				p.used[j] = true
			}
			p.next = (at + 1) % len(p.used)
			return first, true
		}
	}
	return 0, false
}

// bind opens the sockets of n pairs from first on, all or none.
func (p *Ports) bind(first, n int) (all []*Socket, err error) {
	port := 0
	for i := range n {
		pair := -1
		if first >= 0 {
			pair = first + i
			port = p.cfg.First + 2*pair
		} else if i > 0 {
			port = all[0].Port() + 2*i
		}
		s, err := p.listenPair(port, pair)
		if err != nil {
			for _, s := range all {
				s.Close()
			}
			for j := i; first >= 0 && j < n; j++ {
				rest := time.Duration(0)
				if j == i {
					rest = p.cfg.Quarantine // another program holds it: look elsewhere
				}
				p.release(first+j, rest)
			}
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// release gives a pair back after a rest.
func (p *Ports) release(pair int, rest time.Duration) {
	if pair < 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.used[pair] = false
	p.free[pair] = time.Now().Add(rest)
}

// listenPair opens RTP on port and RTCP on the next. Port 0 takes any even one.
func (p *Ports) listenPair(port, pair int) (*Socket, error) {
	for range attempts {
		rtp, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(p.listen, uint16(port))))
		if err != nil {
			return nil, fmt.Errorf("listen rtp: %w", err)
		}
		got := rtp.LocalAddr().(*net.UDPAddr).Port
		if got%2 == 0 {
			rtcp, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(p.listen, uint16(got+1))))
			if err == nil {
				// A short buffer is no reason to refuse a call; what it costs is counted.
				_ = rtp.SetReadBuffer(p.cfg.ReadBuffer)
				s := &Socket{ports: p, rtp: rtp, rtcp: rtcp, pair: pair, port: got}
				p.mu.Lock()
				p.open[s] = struct{}{}
				p.mu.Unlock()
				return s, nil
			}
			if port != 0 {
				rtp.Close()
				return nil, fmt.Errorf("listen rtcp: %w", err)
			}
		}
		rtp.Close()
	}
	return nil, ErrNoPorts
}

// InUse is the number of sockets that are open.
func (p *Ports) InUse() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.open)
}

func (p *Ports) allowed(a netip.Addr) bool {
	if len(p.allow) == 0 {
		return true
	}
	for _, n := range p.allow {
		if n.Contains(a) {
			return true
		}
	}
	return false
}
