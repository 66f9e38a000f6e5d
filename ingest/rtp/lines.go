package rtp

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	pionrtp "github.com/pion/rtp"

	"throughline/event"
	"throughline/ingest/calls"
	"throughline/media/codec"
)

// trunk is the lines of one name: calls follow each other on it.
type trunk struct {
	legs  *Legs
	name  string
	lines []*line
	idle  time.Duration

	mu     sync.Mutex
	closed bool
	call   *calls.Call // nil between two calls
}

// line is one port of a trunk. Between two calls it has no leg.
type line struct {
	Line
	trunk   *trunk
	formats codec.PayloadTypes
	socket  *Socket

	mu  sync.Mutex
	leg *calls.RTPLeg
}

func (l *Legs) addLine(c Line) error {
	formats, err := c.formats()
	if err != nil {
		return err
	}
	if c.Tenant == "" {
		c.Tenant = "default"
	}
	if c.Idle <= 0 {
		c.Idle = DefaultLineIdle
	}
	socket, err := l.ports.OpenAt(c.Port)
	if err != nil {
		return fmt.Errorf("rtp config: line %s: %w", c.Name, err)
	}
	var t *trunk
	for _, have := range l.trunks {
		if have.name == c.Name {
			t = have
		}
	}
	if t == nil {
		t = &trunk{legs: l, name: c.Name}
		l.trunks = append(l.trunks, t)
	}
	n := &line{Line: c, trunk: t, formats: formats, socket: socket}
	t.mu.Lock()
	t.idle = max(t.idle, c.Idle)
	t.lines = append(t.lines, n)
	t.mu.Unlock()
	socket.Start(n, true)
	return nil
}

// Check says what is wrong with the settings of the sockets and of the lines on
// them. It opens no port.
func (c LegsConfig) Check(sockets Config) error {
	ports, err := NewPorts(sockets, nil, nil)
	if err != nil {
		return err
	}
	taken := map[int]string{}
	for _, l := range c.Lines {
		if _, err := l.formats(); err != nil {
			return err
		}
		if _, err := ports.pairOf(l.Port); err != nil {
			return fmt.Errorf("rtp config: line %s: %w", l.Name, err)
		}
		if by, twice := taken[l.Port]; twice {
			return fmt.Errorf("rtp config: lines %s and %s are both given port %d: each needs its own", by, l.Name, l.Port)
		}
		taken[l.Port] = l.Name
	}
	return nil
}

// formats are the payload types of a line, whose other settings are right, too.
func (c Line) formats() (codec.PayloadTypes, error) {
	if c.Name == "" || c.Port == 0 {
		return codec.PayloadTypes{}, errors.New("rtp config: lines need a name and a port")
	}
	role := event.Role(c.Role)
	if role != event.Customer && role != event.Agent && role != event.UnknownRole {
		return codec.PayloadTypes{}, fmt.Errorf("rtp config: role of line %s is %q: use customer or agent, or leave it empty", c.Name, c.Role)
	}
	formats, err := formatsOf(c.Codec)
	if err != nil {
		return codec.PayloadTypes{}, fmt.Errorf("rtp config: codec of line %s: %w", c.Name, err)
	}
	return formats, nil
}

// formatsOf are the static payload types, and one more for all dynamic ones.
func formatsOf(rtpmap string) (codec.PayloadTypes, error) {
	p := codec.StaticPayloadTypes()
	if rtpmap == "" {
		return p, nil
	}
	f, err := codec.ParseRTPMap(rtpmap)
	if err != nil {
		return p, err
	}
	for pt := 96; pt < 128; pt++ {
		p[pt] = f
	}
	return p, nil
}

// errNoCall says that a datagram begins no call.
var errNoCall = errors.New("line: no call goes on, and this is no RTP to begin one")

// begins tells whether a datagram may begin a call: whoever looks for open ports
// sends anything. RTP of a codec that is not known here does begin one, which then
// says so.
func (n *line) begins(datagram []byte) bool {
	var h pionrtp.Header
	size, err := h.Unmarshal(datagram)
	return err == nil && h.Version == 2 && len(datagram) > size
}

// Receive gives a packet to the call that is going on, or begins one.
func (n *line) Receive(datagram []byte, arrival time.Time) error {
	n.mu.Lock()
	leg := n.leg
	n.mu.Unlock()
	if leg == nil {
		if !n.begins(datagram) {
			return errNoCall
		}
		if err := n.trunk.ring(arrival); err != nil {
			return err
		}
		n.mu.Lock()
		leg = n.leg
		n.mu.Unlock()
		if leg == nil {
			return errors.New("line: the call ended as it began")
		}
	}
	return leg.Receive(datagram, arrival)
}

// ReceiveRTCP gives a sender's report to the call that is going on.
func (n *line) ReceiveRTCP(packet []byte, arrival time.Time) error {
	n.mu.Lock()
	leg := n.leg
	n.mu.Unlock()
	if leg == nil {
		return nil
	}
	return leg.ReceiveRTCP(packet, arrival)
}

// Report is the report that is due to the sender.
func (n *line) Report(now time.Time, bye bool) ([]byte, error) {
	n.mu.Lock()
	leg := n.leg
	n.mu.Unlock()
	if leg == nil {
		return nil, nil
	}
	return leg.Report(now, bye)
}

// ring begins a call with all lines of the trunk.
func (t *trunk) ring(at time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.call != nil || t.closed {
		return nil
	}
	first := t.lines[0]
	id := t.name + "/" + strconv.FormatInt(at.UnixNano(), 36)
	call, err := t.legs.door.Begin(context.Background(), calls.Description{Tenant: first.Tenant, Source: "rtp", ID: id,
		Direction: "inbound", Account: t.name, Attrs: map[string]string{"line": t.name}})
	if err != nil {
		return fmt.Errorf("line: %w", err)
	}
	for _, n := range t.lines {
		leg, err := call.RTPLeg(calls.LegOptions{Name: t.name + " " + strconv.Itoa(n.Port), Role: event.Role(n.Role), Agent: n.Agent}, n.formats)
		if err != nil {
			t.hangUp(func() { call.Fail("leg was refused") })
			return fmt.Errorf("line: %w", err)
		}
		n.mu.Lock()
		n.leg = leg
		n.mu.Unlock()
	}
	t.call = call
	return nil
}

func (t *trunk) watch(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.call != nil && (over(t.call) || t.call.Quiet(now) >= t.idle) {
		t.hangUp(func() { t.call.End("silence") })
	}
}

// hangUp takes the legs from the lines and ends the call. The caller holds mu.
func (t *trunk) hangUp(end func()) {
	for _, n := range t.lines {
		n.mu.Lock()
		n.leg = nil
		n.mu.Unlock()
		n.socket.Relatch()
	}
	end()
	t.call = nil
}

func (t *trunk) close(reason string) {
	t.mu.Lock()
	t.closed = true
	if t.call != nil {
		t.hangUp(func() { t.call.Fail(reason) })
	}
	lines := t.lines
	t.mu.Unlock()
	for _, n := range lines {
		n.socket.Close()
	}
}
