package audiohook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/coder/websocket"

	"throughline/event"
	"throughline/ingest/calls"
	"throughline/media/codec"
)

// The times of the protocol. Genesys pings every five seconds.
const (
	openIn  = 5 * time.Second
	idleIn  = 30 * time.Second
	writeIn = 5 * time.Second
)

// The reasons with which calls end here.
const (
	ReasonClosed    = "closed by Genesys"
	ReasonClientErr = "Genesys reported an error"
	ReasonMoved     = "connection was to be taken elsewhere and was not"
	ReasonLost      = "connection lost"
	ReasonFault     = "protocol error"
)

// fault is a mistake of the client that ends the session. Its text is sent to the
// client and names no value.
type fault struct{ info string }

func (f fault) Error() string { return f.info }

// session is one connection. Its loop is one goroutine; sending is safe from all.
type session struct {
	server       *Server
	cancel       context.CancelFunc
	tenant       string
	organization string // as the signed header gives it
	interaction  string // guarded by the server's mu

	asking    sync.Mutex // is taken before sending
	sending   sync.Mutex
	ws        *websocket.Conn
	id        string
	seq       int64 // of our last message
	clientSeq int64 // of the client's last message
	silenced  bool  // closed or disconnect was sent: nothing may follow

	opened  bool
	probe   bool
	call    *calls.Call
	media   offer
	legs    []*calls.StreamLeg
	split   [][]byte // one buffer a channel
	base    time.Duration
	heard   bool
	closing bool
	paused  bool

	transcripts chan struct{} // closed when no more will be sent; nil: none are
}

func (c *session) attach(ws *websocket.Conn) {
	c.sending.Lock()
	defer c.sending.Unlock()
	c.ws = ws
}

// send numbers and writes a message. After the last message of a session, and
// before the connection stands, it does nothing.
func (c *session) send(kind string, parameters any) error {
	return c.write(kind, parameters, false)
}

func (c *session) write(kind string, parameters any, last bool) error {
	c.sending.Lock()
	defer c.sending.Unlock()
	if c.silenced || c.ws == nil {
		return nil
	}
	c.silenced = last
	c.seq++
	b, err := json.Marshal(sent{Version: "2", ID: c.id, Type: kind, Seq: c.seq, ClientSeq: c.clientSeq, Parameters: parameters})
	if err != nil {
		return fmt.Errorf("send %s: %w", kind, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), writeIn)
	defer cancel()
	if err := c.ws.Write(ctx, websocket.MessageText, b); err != nil {
		return fmt.Errorf("send %s: %w", kind, err)
	}
	return nil
}

// run speaks with the client until either is done, and brings the call to its end.
func (c *session) run(ctx context.Context) {
	err := c.converse(ctx)
	if f, ok := errors.AsType[fault](err); ok {
		c.server.metrics.faults.Inc()
		c.server.log.Warn("session broke the protocol", "session", c.id, "error", f.info)
		_ = c.write("disconnect", disconnectParameters{Reason: disconnectError, Info: f.info}, true)
	}
	switch {
	case c.call == nil || c.closing:
	case errors.As(err, new(fault)):
		c.leave(ReasonFault)
		c.call.FailAfter(c.server.cfg.Grace, ReasonFault)
	default:
		c.leave(ReasonLost)
		c.call.FailAfter(c.server.cfg.Grace, ReasonLost)
	}
	if c.closing || errors.As(err, new(fault)) {
		c.hangUp()
	}
}

// hangUp waits for the client to drop the connection, as the protocol has it.
func (c *session) hangUp() {
	ctx, cancel := context.WithTimeout(context.Background(), leaveIn)
	defer cancel()
	for {
		if _, _, err := c.ws.Read(ctx); err != nil {
			return
		}
	}
}

// leave ends the session's legs; the call may go on by another session.
func (c *session) leave(reason string) {
	for _, l := range c.legs {
		l.Close(reason)
	}
	c.call.Unpause(c.id)
}

func (c *session) converse(ctx context.Context) error {
	for !c.closing {
		wait := idleIn
		if !c.opened {
			wait = openIn
		}
		kind, raw, err := c.read(ctx, wait)
		if err != nil {
			return err
		}
		if kind == websocket.MessageBinary {
			err = c.audio(raw)
		} else {
			err = c.message(ctx, raw)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *session) read(ctx context.Context, wait time.Duration) (websocket.MessageType, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	return c.ws.Read(ctx)
}

// message checks the numbers that every message carries, and obeys it.
func (c *session) message(ctx context.Context, raw []byte) error {
	began := time.Now()
	m, err := parse(raw)
	if err != nil {
		return fault{err.Error()}
	}
	if err := c.follow(m); err != nil {
		return err
	}
	c.server.metrics.messages.WithLabelValues(kind(m.Type)).Inc()
	if !c.opened && m.Type != "open" {
		switch m.Type {
		case "ping", "close", "error":
		default:
			return fault{"the first message must be open"}
		}
	}
	c.compare(time.Duration(m.Position))
	switch m.Type {
	case "open":
		return c.open(ctx, m, began)
	case "ping":
		return c.send("pong", struct{}{})
	case "close":
		return c.close(m)
	case "paused":
		c.pause()
	case "resumed":
		return c.resume(m)
	case "discarded":
		return c.discarded(m)
	case "update":
		return c.update(m)
	case "error":
		var p errorParameters
		_ = m.parameters(&p) // an error without a code is one all the same
		c.server.log.Warn("Genesys reports an error", "session", c.id, "code", p.Code)
	}
	return nil // what tomorrow's protocol adds does no harm
}

// follow checks id and sequence: each side counts its messages from 1 on without a gap.
func (c *session) follow(m received) error {
	c.sending.Lock()
	defer c.sending.Unlock()
	if c.id == "" {
		c.id = m.ID
	}
	switch {
	case m.ID != c.id:
		return fault{"id is not that of the session"}
	case m.Seq != c.clientSeq+1:
		return fault{"seq does not follow the one before"}
	case m.ServerSeq > c.seq:
		return fault{"serverseq is one that was not sent"}
	}
	c.clientSeq = m.Seq
	return nil
}

// apart is how far the client's position may be from the audio we have.
const apart = time.Second

// compare counts positions that do not fit the audio received.
func (c *session) compare(position time.Duration) {
	if len(c.legs) == 0 || c.paused {
		return
	}
	if off := position - c.legs[0].Position(); off > apart || off < -apart {
		c.server.metrics.apart.Inc()
	}
}

func (c *session) open(ctx context.Context, m received, began time.Time) error {
	if c.opened {
		return fault{"the session is open"}
	}
	var p openParameters
	if err := m.parameters(&p); err != nil {
		return fault{err.Error()}
	}
	if err := p.check(); err != nil {
		return fault{err.Error()}
	}
	if c.organization != "" && c.organization != p.Organization {
		return fault{"organizationId is not the one that was signed"}
	}
	c.probe = p.probe()
	if !c.probe {
		if err := c.begin(p); err != nil {
			return err
		}
	} else if o, ok := choose(p.Media); ok {
		c.media = o
	}
	answer := openedParameters{Media: []offer{}, StartPaused: c.paused}
	if c.media.Rate > 0 {
		answer.Media = []offer{c.media}
	}
	c.opened = true
	if err := c.send("opened", answer); err != nil {
		return err
	}
	c.server.metrics.opened.Observe(time.Since(began).Seconds())
	c.tell(ctx)
	return nil
}

// begin takes the call in. Nothing in it waits for anything: Genesys gives up
// after five seconds, and the caller is speaking.
func (c *session) begin(p openParameters) error {
	o, ok := choose(p.Media)
	if !ok {
		return fault{"media holds no audio in PCMU or L16 with the channels external and internal"}
	}
	account := p.Participant.DNIS
	if h := calls.Caller(account); h.Value != "" {
		account = h.Value
	}
	desc := calls.Description{Tenant: c.tenant, Source: "audiohook", ID: p.Organization + "/" + p.Conversation,
		Customer: calls.Caller(p.Participant.ANI), Account: account,
		Attrs: map[string]string{"conversation": p.Conversation, "participant": p.Participant.ID, "session": c.id, "language": p.Language}}
	if len(p.Continued) > 0 {
		desc.Attrs["continued"] = p.Continued[len(p.Continued)-1].ID
	}
	call, err := c.server.door.Begin(context.Background(), desc)
	if errors.Is(err, calls.ErrEnded) {
		// Genesys monitors a conversation in several sessions, such as one for each
		// agent, and one may come when those before have ended.
		desc.ID += "/" + c.id
		call, err = c.server.door.Begin(context.Background(), desc)
	}
	switch {
	case errors.Is(err, calls.ErrBusy), errors.Is(err, calls.ErrStopping):
		c.server.metrics.refused.WithLabelValues("calls").Inc()
		return fault{err.Error()}
	case err != nil:
		return fault{"the call could not be taken"}
	}
	c.call, c.media = call, o
	c.server.belongs(c, call.Interaction())
	format := codec.Format{Codec: codec.PCMU, ClockRate: o.Rate, Channels: 1}
	if o.Format == "L16" {
		format.Codec = codec.L16
	}
	for _, channel := range o.Channels {
		leg, err := call.StreamLeg(calls.LegOptions{Name: channel, Key: c.id + "/" + channel, Role: role(channel)}, format)
		if err != nil {
			return fault{"the audio could not be taken"}
		}
		c.legs = append(c.legs, leg)
	}
	c.split = make([][]byte, len(o.Channels))
	if call.Paused(calls.ByRequest) {
		c.pause()
	}
	return nil
}

// role is who speaks on a channel.
func role(channel string) event.Role {
	if channel == "external" {
		return event.Customer
	}
	return event.Agent
}

// choose takes both parties apart where it can, else the customer alone.
func choose(offers []offer) (offer, bool) {
	best, rank := offer{}, 0
	for _, o := range offers {
		if r := worth(o); r > rank {
			best, rank = o, r
		}
	}
	return best, rank > 0
}

// worth ranks an offer; 0 is one that cannot be taken.
func worth(o offer) int {
	if o.Type != "audio" || (o.Format != "PCMU" && o.Format != "L16") || o.Rate < 8000 || o.Rate > 48000 {
		return 0
	}
	switch {
	case len(o.Channels) == 2 && o.Channels[0] == "external" && o.Channels[1] == "internal",
		len(o.Channels) == 2 && o.Channels[0] == "internal" && o.Channels[1] == "external":
		return 3
	case len(o.Channels) == 1 && o.Channels[0] == "external":
		return 2
	case len(o.Channels) == 1 && o.Channels[0] == "internal":
		return 1
	}
	return 0
}

// pieces bounds what is written to a leg at once.
const pieces = 8000

// audio spreads a frame over the legs. Its length is up to the client; the
// samples received are the clock.
func (c *session) audio(raw []byte) error {
	if !c.opened {
		return fault{"audio came before opened"}
	}
	if len(c.legs) == 0 {
		return nil // of a probe
	}
	if c.paused {
		c.server.metrics.unasked.Inc() // the legs discard it
	}
	width := 1
	if c.media.Format == "L16" {
		width = 2
		codec.SwapL16(raw) // little-endian, as the reference client sends it
	}
	if len(raw)%(width*len(c.legs)) != 0 {
		return fault{"audio is cut within a sample"}
	}
	arrival := c.server.cfg.Now()
	for i := range c.split {
		c.split[i] = c.split[i][:0]
	}
	codec.Deinterleave(c.split, raw, width)
	for i, l := range c.legs {
		for all := c.split[i]; len(all) > 0; {
			n := min(len(all), pieces)
			if err := l.Write(all[:n], arrival); err != nil {
				select {
				case <-c.call.Done():
					return errCallOver
				default:
				}
				return fault{"audio cannot be taken"}
			}
			all = all[n:]
		}
	}
	if !c.heard && len(raw) > 0 {
		c.heard = true
		c.sending.Lock()
		c.base = max(arrival.Sub(c.call.Began())-c.legs[0].Position(), 0)
		c.sending.Unlock()
	}
	return nil
}

// errCallOver says that the call was ended from elsewhere, as by a stop.
var errCallOver = errors.New("call is over")

func (c *session) update(m received) error {
	var p struct {
		Language string `json:"language"`
	}
	if err := m.parameters(&p); err != nil {
		return fault{err.Error()}
	}
	if c.call != nil && len(p.Language) <= 35 { // RFC 5646 §4.4.1
		c.call.Note("language changed", map[string]string{"language": p.Language})
	}
	return nil
}

// close ends the session: the last audio goes on its way, the last transcripts
// come back, then closed is sent.
func (c *session) close(m received) error {
	var p closeParameters
	if err := m.parameters(&p); err != nil {
		return fault{err.Error()}
	}
	c.closing = true
	if c.call != nil {
		c.leave(ReasonClosed)
		switch p.Reason {
		case "reconnect":
			c.call.FailAfter(c.server.cfg.Grace, ReasonMoved)
		case "error":
			c.call.FailAfter(c.server.cfg.Grace, ReasonClientErr)
		default:
			c.call.End(ReasonClosed)
		}
		c.flush()
	}
	return c.write("closed", struct{}{}, true)
}
