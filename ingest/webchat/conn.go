package webchat

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/coder/websocket"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"throughline/event"
	"throughline/ingest"
)

const (
	outbound      = 64 // frames waiting for a client; one that is slower is let go
	helloIn       = 10 * time.Second
	writeIn       = 10 * time.Second
	maxID         = 128
	maxName       = 200
	maxPending    = 1000
	defaultWidget = "default"
)

// conn is one client.
type conn struct {
	server   *Server
	ws       *websocket.Conn
	cancel   context.CancelFunc
	claims   Claims
	person   ingest.Person
	customer string
	queue    chan []byte
	slow     sync.Once

	mu      sync.Mutex
	pending map[string]wait // turns of this client that were not acknowledged yet
}

// wait is what a client's message still lacks. It is acknowledged when
// everything that came of it is stored, and its place on the topic is known.
type wait struct {
	stored bool
	ack    *out
}

// close ends the connection from outside of its own loop.
func (c *conn) close(code websocket.StatusCode, why string) {
	_ = c.ws.Close(code, why)
	c.cancel()
}

// run speaks with the client until either is done, and returns what to close with.
func (c *conn) run(ctx context.Context, tenant string) (websocket.StatusCode, string) {
	hello, err := c.hello(ctx)
	if err != nil {
		return websocket.StatusPolicyViolation, err.Error()
	}
	welcome := out{Type: "welcome"}
	if err := c.identify(tenant, hello, &welcome); err != nil {
		return websocket.StatusPolicyViolation, err.Error()
	}
	conv, err := c.conversation(ctx)
	if errors.Is(err, ingest.ErrNotOpen) {
		return websocket.StatusPolicyViolation, "the conversation is not open"
	} else if err != nil {
		return websocket.StatusTryAgainLater, "could not join now"
	}
	first := c.server.hub.join(c, conv, hello, welcome)
	defer c.server.hub.leave(c)
	go c.write(ctx, first)
	return c.read(ctx)
}

// hello waits for the first frame.
func (c *conn) hello(ctx context.Context) (in, error) {
	ctx, cancel := context.WithTimeout(ctx, helloIn)
	defer cancel()
	_, raw, err := c.ws.Read(ctx)
	if err != nil {
		return in{}, errors.New("no hello came")
	}
	var f in
	if json.Unmarshal(raw, &f) != nil || f.Type != "hello" {
		return in{}, errors.New("the first frame must be a hello")
	}
	if len(f.Conv) > maxID || len(f.Account) > maxID || len(f.Name) > maxName {
		return in{}, errors.New("a field of the hello is too long")
	}
	return f, nil
}

// identify finds out who the client is. Without a token, or with one that has
// run out, it is a new visitor, whose token comes with the welcome.
func (c *conn) identify(tenant string, hello in, welcome *out) error {
	cfg, now := c.server.cfg, time.Now()
	anonymous := Claims{Subject: rand.Text(), Tenant: tenant, Account: hello.Account, Name: hello.Name, Role: event.Customer}
	if anonymous.Account == "" {
		anonymous.Account = defaultWidget
	}
	c.claims = anonymous
	if hello.Token != "" {
		claims, err := verify(cfg.Secrets, hello.Token, now)
		switch {
		case errors.Is(err, errExpired) && claims.Role == event.Customer && claims.Handle == nil:
		case err != nil:
			return err
		case claims.Tenant != tenant:
			return errToken
		default:
			c.claims = claims
		}
	}
	switch {
	case c.claims.Role == event.Agent:
		if c.claims.Agent == "" || c.claims.Conv == "" {
			return errors.New("an agent's token must name agent and conv")
		}
		return nil
	case c.claims.Role != event.Customer:
		return errors.New("the token's role must be customer or agent")
	case c.claims.Handle != nil:
		c.person = ingest.Person{Handles: []event.Handle{*c.claims.Handle}, Name: c.claims.Name}
	case c.claims.Subject != "":
		c.person = ingest.Person{Handles: []event.Handle{{Kind: event.Visitor, Value: c.claims.Subject}}, Name: c.claims.Name}
		c.claims.IssuedAt, c.claims.Expires = now.Unix(), now.Add(cfg.TokenLife).Unix()
		token, err := Sign(cfg.Secrets[0], c.claims)
		if err != nil {
			return err
		}
		welcome.Token, welcome.Expires = token, c.claims.Expires
	default:
		return errors.New("the token must name sub or handle")
	}
	c.customer = event.CustomerID(tenant, c.person.Handles[0])
	return nil
}

// conversation is what the client takes part in: the visitor's open one, if
// any, or the one that the agent joins now.
func (c *conn) conversation(ctx context.Context) (string, error) {
	if c.claims.Role != event.Agent {
		return c.server.current(c), nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.server.cfg.Deadline)
	defer cancel()
	found, ok := c.server.intake.Sessions().Find(c.claims.Conv)
	if !ok || found.Tenant != c.claims.Tenant || found.Channel != event.WebChat {
		return "", ingest.ErrNotOpen
	}
	c.customer = found.Customer
	_, err := c.server.intake.Accept(ctx, ingest.Arrival{Tenant: c.claims.Tenant, Change: &event.Interaction{
		ID: event.ID("x", found.ID, "joined", c.claims.Agent), Interaction: found.ID, Change: event.Joined, Role: event.Agent, Agent: c.claims.Agent}})
	return found.ID, err
}

// read takes frames one at a time: a client that sends faster than Kafka stores
// waits in its own TCP connection.
func (c *conn) read(ctx context.Context) (websocket.StatusCode, string) {
	pace := time.Second / time.Duration(c.server.cfg.Rate)
	for {
		_, raw, err := c.ws.Read(ctx)
		if err != nil {
			return 0, "" // gone, or closed by the library with the right code
		}
		next := time.Now().Add(pace)
		var f in
		if json.Unmarshal(raw, &f) != nil {
			return websocket.StatusPolicyViolation, "a frame is not JSON of the documented form"
		}
		switch f.Type {
		case "msg":
			c.message(ctx, f)
		case "end":
			c.end(ctx)
		default:
			c.server.frames.WithLabelValues("refused").Inc()
			c.push(out{Type: "error", Pointer: "#/t", Reason: "must be msg or end"})
		}
		select {
		case <-time.After(time.Until(next)):
		case <-ctx.Done():
			return 0, ""
		}
	}
}

// check names what is wrong with a message.
func (c *conn) check(f in) (pointer, reason string) {
	switch {
	case f.CID == "" || len(f.CID) > maxID:
		return "#/cid", "must be the client's own id of the message, 1 to " + strconv.Itoa(maxID) + " bytes"
	case f.Text == "" || len(f.Text) > c.server.cfg.MaxText:
		return "#/text", "must be 1 to " + strconv.Itoa(c.server.cfg.MaxText) + " bytes"
	case len(f.Language) > 35:
		return "#/language", "must be a BCP 47 language tag"
	}
	return "", ""
}

// message stores one message. Its acknowledgement comes when it is read back
// from the topic, with its place there; a duplicate's comes at once.
func (c *conn) message(ctx context.Context, f in) {
	if pointer, reason := c.check(f); pointer != "" {
		c.server.frames.WithLabelValues("refused").Inc()
		c.push(out{Type: "error", CID: cut(f.CID), Pointer: pointer, Reason: reason})
		return
	}
	ctx, span := otel.Tracer("throughline/ingest").Start(ctx, "webchat message", trace.WithSpanKind(trace.SpanKindServer))
	defer span.End()
	// What has arrived is stored even where the client is gone meanwhile.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.server.cfg.Deadline)
	defer cancel()
	a := ingest.Arrival{Tenant: c.claims.Tenant, Channel: event.WebChat, Account: c.claims.Account, Person: c.person,
		Turn: &event.Turn{ID: ingest.TurnID(c.claims.Tenant, event.WebChat, c.customer+"/"+c.claims.Agent+"/"+f.CID),
			Role: c.claims.Role, Agent: c.claims.Agent, Interaction: c.claims.Conv, Kind: event.Text, Text: f.Text, Language: f.Language, Provider: f.CID}}
	if f.TS > 0 {
		a.Turn.Attrs = map[string]string{"client_ts": strconv.FormatInt(f.TS, 10)}
	}
	if !c.expect(a.Turn.ID) {
		c.push(out{Type: "error", CID: f.CID, Retry: true, Reason: "too many messages are not acknowledged yet: send it again"})
		return
	}
	receipts, err := c.server.intake.Accept(ctx, a)
	if err != nil {
		c.giveUp(a.Turn.ID)
		span.SetStatus(codes.Error, "not stored")
		c.failed(ctx, f, err)
		return
	}
	r, outcome := receipts[0], "stored"
	if r.Duplicate {
		outcome = "duplicate"
		if seq, ok := c.server.hub.seq(r.Interaction, r.ID); ok {
			c.placed(r.ID, out{Type: "ack", Conv: r.Interaction, CID: f.CID, Seq: seq, ID: r.ID})
		}
	}
	c.stored(r.ID)
	c.server.frames.WithLabelValues(outcome).Inc()
}

func cut(s string) string {
	if len(s) > maxID {
		return ""
	}
	return s
}

// failed tells the client what to do about a message that was not stored.
func (c *conn) failed(ctx context.Context, f in, err error) {
	if _, refused := errors.AsType[*ingest.ArrivalError](err); refused {
		c.server.frames.WithLabelValues("refused").Inc()
		c.push(out{Type: "error", CID: f.CID, Reason: "the conversation is not open"})
		return
	}
	c.server.frames.WithLabelValues("failed").Inc()
	c.server.log.ErrorContext(ctx, "message was not stored", "error", err)
	c.push(out{Type: "error", CID: f.CID, Retry: true, Reason: "not stored yet: send it again"})
}

// end ends the conversation.
func (c *conn) end(ctx context.Context) {
	conv, reason := c.claims.Conv, "ended by agent"
	if c.claims.Role != event.Agent {
		conv, reason = c.server.current(c), "visitor left"
	}
	if conv == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.server.cfg.Deadline)
	defer cancel()
	if _, err := c.server.intake.Accept(ctx, ingest.Arrival{Tenant: c.claims.Tenant, Change: &event.Interaction{
		Interaction: conv, Change: event.Ended, Reason: reason, Role: c.claims.Role, Agent: c.claims.Agent}}); err != nil {
		c.failed(ctx, in{}, err)
	}
}

// expect notes that the client waits for the acknowledgement of a turn.
func (c *conn) expect(turn string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.pending) >= maxPending {
		return false
	}
	if _, sent := c.pending[turn]; !sent {
		c.pending[turn] = wait{}
	}
	return true
}

// stored notes that Kafka holds a turn of the client's and all that came of it.
func (c *conn) stored(turn string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if w, ok := c.pending[turn]; ok {
		w.stored = true
		c.settle(turn, w)
	}
}

// placed notes the acknowledgement of a turn, and tells whether the client
// waits for it.
func (c *conn) placed(turn string, ack out) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	w, ok := c.pending[turn]
	if ok {
		w.ack = &ack
		c.settle(turn, w)
	}
	return ok
}

// settle acknowledges a turn that lacks nothing. The caller holds mu.
func (c *conn) settle(turn string, w wait) {
	if !w.stored || w.ack == nil {
		c.pending[turn] = w
		return
	}
	delete(c.pending, turn)
	c.push(*w.ack)
}

// giveUp stops waiting for a turn that was not stored.
func (c *conn) giveUp(turn string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.pending, turn)
}

// shows tells whether a conversation of the customer is one that c sees: an
// agent sees the one that was joined.
func (c *conn) shows(conv string) bool {
	return c.claims.Role != event.Agent || c.claims.Conv == conv
}

// frame shows a message to c: as it was said to the visitor it was said to,
// as it was cleared to everybody else.
func (c *conn) frame(conv string, live, cleared said) out {
	s := cleared
	if c.claims.Role == event.Customer {
		s = live
	}
	return out{Type: "msg", Conv: conv, Seq: s.seq, ID: s.id, CID: s.cid, Role: s.role, Agent: s.agent, Text: s.text, At: &s.at}
}

// push queues a frame. A client that does not keep up is let go: it will resume.
func (c *conn) push(f out) {
	select {
	case c.queue <- f.encode():
	default:
		c.slow.Do(func() { go c.close(websocket.StatusTryAgainLater, "too slow") })
	}
}

// write sends the frames of first, then what is queued, and pings in between.
func (c *conn) write(ctx context.Context, first [][]byte) {
	defer c.cancel()
	tick := time.NewTicker(c.server.cfg.Ping)
	defer tick.Stop()
	for _, raw := range first {
		if c.send(ctx, raw) != nil {
			return
		}
	}
	for {
		select {
		case raw := <-c.queue:
			if c.send(ctx, raw) != nil {
				return
			}
		case <-tick.C:
			if c.ping(ctx) != nil {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

func (c *conn) send(ctx context.Context, raw []byte) error {
	ctx, cancel := context.WithTimeout(ctx, writeIn)
	defer cancel()
	return c.ws.Write(ctx, websocket.MessageText, raw)
}

func (c *conn) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, writeIn)
	defer cancel()
	return c.ws.Ping(ctx)
}
