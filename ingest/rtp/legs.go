package rtp

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"throughline/event"
	"throughline/ingest/calls"
	"throughline/media/codec"
)

// The defaults of LegsConfig.
const (
	DefaultIdle     = 2 * time.Minute
	DefaultLineIdle = 10 * time.Second
)

// LegsConfig is about legs without signalling.
type LegsConfig struct {
	Idle  time.Duration `yaml:"idle" default:"2m" doc:"a leg made by POST /v1/rtp/legs whose sender is silent for this long ends, as failed"`
	Lines []Line        `yaml:"lines" doc:"lines that listen always"`

	// Tenant says whose a request is; nil: it says so itself.
	Tenant func(*http.Request) string `yaml:"-"`
}

// Line is a port of the configuration. Calls follow each other on it: one begins
// with its first packet and ends with its silence. Lines of one name are legs of
// one call.
type Line struct {
	Name   string        `yaml:"name" doc:"name of the line; lines of one name are heard as one call"`
	Port   int           `yaml:"port" doc:"even port within the range"`
	Tenant string        `yaml:"tenant" default:"default" doc:"tenant of its calls"`
	Role   string        `yaml:"role" doc:"customer, agent, or empty where both speak"`
	Agent  string        `yaml:"agent" doc:"id of the agent who sits there"`
	Codec  string        `yaml:"codec" doc:"what comes on payload types 96 to 127, as an rtpmap says it: opus/48000/2"`
	Idle   time.Duration `yaml:"idle" default:"10s" doc:"silence that ends a call"`
}

// Legs serves legs without signalling: those of the configuration, and those that
// are asked for by REST.
type Legs struct {
	cfg   LegsConfig
	door  *calls.Door
	ports *Ports
	log   *slog.Logger

	mu     sync.Mutex
	asked  map[string]*askedLeg
	trunks []*trunk
}

// askedLeg is a leg made by REST.
type askedLeg struct {
	call   *calls.Call
	leg    *calls.RTPLeg
	socket *Socket
	opened time.Time
}

// NewLegs makes Legs and opens the lines of the configuration.
func NewLegs(cfg LegsConfig, door *calls.Door, ports *Ports, log *slog.Logger) (*Legs, error) {
	if door == nil || ports == nil {
		return nil, errors.New("rtp legs: a door for calls and ports are required")
	}
	if cfg.Idle <= 0 {
		cfg.Idle = DefaultIdle
	}
	if log == nil {
		log = slog.Default()
	}
	l := &Legs{cfg: cfg, door: door, ports: ports, log: log.With("component", "rtp"), asked: map[string]*askedLeg{}}
	for _, line := range cfg.Lines {
		if err := l.addLine(line); err != nil {
			l.close(calls.ReasonStopped)
			return nil, err
		}
	}
	return l, nil
}

// Run ends what has gone silent, until ctx ends; then it ends everything.
func (l *Legs) Run(ctx context.Context) error {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case now := <-t.C:
			l.watch(now)
		case <-ctx.Done():
			l.close(calls.ReasonStopped)
			return nil
		}
	}
}

func (l *Legs) watch(now time.Time) {
	l.mu.Lock()
	var silent []string
	for id, a := range l.asked {
		if over(a.call) || now.Sub(a.opened) >= l.cfg.Idle && a.leg.Quiet(now) >= l.cfg.Idle {
			silent = append(silent, id)
		}
	}
	trunks := l.trunks
	l.mu.Unlock()
	for _, id := range silent {
		l.end(id, func(c *calls.Call) { c.Fail("no audio, and nobody ended the leg") }, "silence")
	}
	for _, t := range trunks {
		t.watch(now)
	}
}

// over tells whether somebody else ended a call.
func over(c *calls.Call) bool {
	select {
	case <-c.Done():
		return true
	default:
		return false
	}
}

// ask is what a client wants of a leg.
type ask struct {
	interaction string // of a call that is going on; "": a new one
	desc        calls.Description
	role        event.Role
	agent       string
	formats     codec.PayloadTypes
	port        int // 0: any
}

// make opens a leg.
func (l *Legs) make(ctx context.Context, a ask) (string, *askedLeg, error) {
	var socket *Socket
	var err error
	if a.port != 0 {
		socket, err = l.ports.OpenAt(a.port)
	} else {
		var some []*Socket
		if some, err = l.ports.Open(1); err == nil {
			socket = some[0]
		}
	}
	if err != nil {
		return "", nil, err
	}
	call, err := l.callFor(ctx, a)
	if err != nil {
		socket.Close()
		return "", nil, err
	}
	key := rand.Text()
	leg, err := call.RTPLeg(calls.LegOptions{Name: fmt.Sprintf("port %d", socket.Port()), Key: key, Role: a.role, Agent: a.agent}, a.formats)
	if err != nil {
		socket.Close()
		call.Abandon("leg was refused")
		return "", nil, err
	}
	made := &askedLeg{call: call, leg: leg, socket: socket, opened: time.Now()}
	socket.Start(leg, true)
	l.mu.Lock()
	l.asked[leg.ID()] = made
	l.mu.Unlock()
	return leg.ID(), made, nil
}

// errUnknownCall says that no call with the id given is going on here.
var errUnknownCall = errors.New("no such call")

func (l *Legs) callFor(ctx context.Context, a ask) (*calls.Call, error) {
	if a.interaction == "" {
		return l.door.Begin(ctx, a.desc)
	}
	if c, ok := l.door.Find(a.interaction); !ok || c.Tenant() != a.desc.Tenant {
		return nil, errUnknownCall
	}
	c, ok := l.door.Join(a.interaction)
	if !ok {
		return nil, errUnknownCall
	}
	return c, nil
}

// end closes a leg; the call of which it was the last ends with it.
func (l *Legs) end(id string, how func(*calls.Call), reason string) bool {
	l.mu.Lock()
	a := l.asked[id]
	delete(l.asked, id)
	l.mu.Unlock()
	if a == nil {
		return false
	}
	a.socket.Close()
	a.leg.Close(reason)
	how(a.call)
	return true
}

func (l *Legs) close(reason string) {
	l.mu.Lock()
	ids := make([]string, 0, len(l.asked))
	for id := range l.asked {
		ids = append(ids, id)
	}
	trunks := l.trunks
	l.mu.Unlock()
	for _, id := range ids {
		l.end(id, func(c *calls.Call) { c.Fail(reason) }, reason)
	}
	for _, t := range trunks {
		t.close(reason)
	}
}

// address is what the sender of a leg is told.
func (l *Legs) address(s *Socket, local netip.Addr) netip.AddrPort {
	return netip.AddrPortFrom(l.ports.Advertise(local), uint16(s.Port()))
}
