package rtp

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"throughline/media/quality"
)

// Sink takes what arrives for one leg; *calls.RTPLeg is one. Errors are counted
// where they arise.
type Sink interface {
	Receive(datagram []byte, arrival time.Time) error
	ReceiveRTCP(packet []byte, arrival time.Time) error
	// Report is the RTCP packet due to the sender; nil if there is none.
	Report(now time.Time, bye bool) ([]byte, error)
}

// Socket is one pair of ports: RTP, and RTCP on the next port or on the same one
// (RFC 5761).
type Socket struct {
	ports     *Ports
	rtp, rtcp *net.UDPConn
	pair      int
	port      int

	closing sync.Once
	reading sync.WaitGroup
	heard   chan struct{} // closed when no more RTP is read
	sink    Sink
	report  *time.Timer

	relatch atomic.Bool
	mu      sync.Mutex
	control netip.AddrPort // where reports go; the zero value until something came
	mux     bool
	closed  bool
}

// Port is the RTP port.
func (s *Socket) Port() int { return s.port }

// Start reads into sink until Close. With mux, RTCP comes and goes on the RTP port.
func (s *Socket) Start(sink Sink, mux bool) {
	s.mu.Lock()
	s.sink, s.mux, s.heard = sink, mux, make(chan struct{})
	s.report = time.AfterFunc(quality.NextReport(), s.sendReport)
	s.mu.Unlock()
	s.reading.Add(2)
	go s.readRTP()
	go s.readRTCP()
}

// Relatch lets another sender take over, after signalling said that one may.
func (s *Socket) Relatch() { s.relatch.Store(true) }

// Close hears what the kernel has received, says goodbye to the sender and frees
// the ports. It may be called more than once, and returns when no packet is on its
// way to the sink.
func (s *Socket) Close() {
	s.closing.Do(func() {
		s.mu.Lock()
		s.closed = true
		rest := s.ports.cfg.Quarantine
		if s.sink == nil {
			rest = 0 // nobody was told of it
		}
		if s.report != nil {
			s.report.Stop()
		}
		heard := s.heard
		s.mu.Unlock()
		if heard != nil {
			_ = s.rtp.SetReadDeadline(time.Unix(1, 0)) // it cannot fail on an open socket
			<-heard
		}
		s.send(true)
		s.rtp.Close()
		s.rtcp.Close()
		s.ports.mu.Lock()
		delete(s.ports.open, s)
		s.ports.mu.Unlock()
		s.ports.release(s.pair, rest)
	})
	s.reading.Wait()
}

// maxDatagram is more than an Ethernet frame carries; longer ones are cut off,
// which the payload's length then shows.
const maxDatagram = 4096

func (s *Socket) readRTP() {
	defer s.reading.Done()
	defer close(s.heard)
	buf := make([]byte, maxDatagram)
	var l latch
	for {
		n, from, err := s.rtp.ReadFromUDPAddrPort(buf)
		switch {
		case err == nil:
			s.takeRTP(&l, buf[:n], from, time.Now())
		case errors.Is(err, os.ErrDeadlineExceeded): // Close set it
			s.takeRest(&l, buf)
			return
		case errors.Is(err, net.ErrClosed):
			return
		}
		// Otherwise an ICMP error of something sent; reading goes on.
	}
}

// mostRest is more than the kernel holds for a socket, so that somebody who goes
// on sending cannot keep it open.
const mostRest = 4096

// takeRest takes what the kernel holds: whoever got no processor to read it
// before the call's end has received it all the same.
func (s *Socket) takeRest(l *latch, buf []byte) {
	raw, err := s.rtp.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		for range mostRest {
			n, from, err := unix.Recvfrom(int(fd), buf, unix.MSG_DONTWAIT)
			if err != nil {
				return
			}
			switch from := from.(type) {
			case *unix.SockaddrInet4:
				s.takeRTP(l, buf[:n], netip.AddrPortFrom(netip.AddrFrom4(from.Addr), uint16(from.Port)), time.Now())
			case *unix.SockaddrInet6:
				s.takeRTP(l, buf[:n], netip.AddrPortFrom(netip.AddrFrom16(from.Addr), uint16(from.Port)), time.Now())
			}
		}
	})
}

// takeRTP takes a datagram that came to the RTP port. Only the reader calls it.
func (s *Socket) takeRTP(l *latch, b []byte, from netip.AddrPort, arrival time.Time) {
	if !s.ports.allowed(from.Addr().Unmap()) {
		s.ports.metrics.dropped.WithLabelValues("not allowed").Inc()
		return
	}
	if quality.IsRTCP(b) {
		s.takeRTCP(b, from, arrival)
		return
	}
	if s.relatch.Load() && s.relatch.CompareAndSwap(true, false) {
		*l = latch{}
	}
	if !l.accept(b, from, arrival) {
		s.ports.metrics.dropped.WithLabelValues("other sender").Inc()
		return
	}
	if l.fresh {
		l.fresh = false
		s.learn(from)
	}
	l.judge(s.sink.Receive(b, arrival)) // the leg counts what is no use
}

// learn takes the address of a leg's sender as the one that reports go to, until
// its own RTCP tells better.
func (s *Socket) learn(from netip.AddrPort) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.mux {
		from = netip.AddrPortFrom(from.Addr(), from.Port()+1)
	}
	s.control = from
}

func (s *Socket) readRTCP() {
	defer s.reading.Done()
	buf := make([]byte, 1500)
	for {
		n, from, err := s.rtcp.ReadFromUDPAddrPort(buf)
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			continue
		}
		if s.ports.allowed(from.Addr().Unmap()) {
			s.takeRTCP(buf[:n], from, time.Now())
		}
	}
}

// takeRTCP takes one RTCP packet. Only the host that sends the RTP, once it is
// known, may change where reports go.
func (s *Socket) takeRTCP(b []byte, from netip.AddrPort, arrival time.Time) {
	if err := s.sink.ReceiveRTCP(b, arrival); err != nil {
		s.ports.metrics.dropped.WithLabelValues("rtcp malformed").Inc()
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.control.IsValid() || s.control.Addr() == from.Addr() {
		s.control = from
	}
}

func (s *Socket) sendReport() {
	s.send(false)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.report.Reset(quality.NextReport())
}

func (s *Socket) send(bye bool) {
	s.mu.Lock()
	sink, to, mux := s.sink, s.control, s.mux
	s.mu.Unlock()
	if sink == nil || !to.IsValid() {
		return
	}
	b, err := sink.Report(time.Now(), bye)
	if err != nil || len(b) == 0 {
		return
	}
	conn := s.rtcp
	if mux {
		conn = s.rtp
	}
	if _, err := conn.WriteToUDPAddrPort(b, to); err == nil {
		s.ports.metrics.reports.Inc()
	}
}

// relatchAfter is the silence after which another sender is believed.
const relatchAfter = 2 * time.Second

// latch keeps to one sender: the first whose packets come in sequence. Anybody
// else would be heard in a stranger's call ("RTP bleed").
type latch struct {
	locked bool
	fresh  bool // from has just been chosen
	proven bool // the leg could use what came from it
	from   netip.AddrPort
	seq    uint16
	last   time.Time
}

func (l *latch) accept(b []byte, from netip.AddrPort, at time.Time) bool {
	if l.locked && from == l.from {
		l.last = at
		return true
	}
	if l.locked && at.Sub(l.last) < relatchAfter {
		return false
	}
	if len(b) < 12 || b[0]>>6 != 2 {
		return !l.locked // for the leg to count as malformed
	}
	seq := binary.BigEndian.Uint16(b[2:])
	switch {
	case l.last.IsZero():
		l.fresh = true // the first packet of all is taken at its word
	case from != l.from && l.locked:
		l.locked, l.fresh, l.proven = false, true, false
	case from != l.from:
		// Two senders compete: whoever sends two in sequence first is kept to.
		l.from, l.seq, l.last = from, seq, at
		return false
	default:
		l.locked = seq == l.seq+1
		l.fresh = l.locked
	}
	l.from, l.seq, l.last = from, seq, at
	return true
}

// judge takes what the leg says of a packet that was accepted. A sender of whom it
// could use nothing, as of a forger without the key, keeps nobody else out.
func (l *latch) judge(err error) {
	switch {
	case err == nil:
		l.proven = true
	case !l.proven:
		*l = latch{}
	}
}
