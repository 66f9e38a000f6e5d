package dashboards

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"

	"throughline/problem"
)

// Subprotocol is the version of what is spoken over /v1/ws.
const Subprotocol = "throughline.v1+json"

const (
	wsMessage = 16 << 10         // bytes of one message of a client
	wsPing    = 20 * time.Second // RFC 6455 §5.5.2
)

// wsAsk is a message of a client: "sub" (again, to change the filter), "ping".
type wsAsk struct {
	Op  string `json:"op"`
	Ref string `json:"ref"` // comes back in the answer
	ID  string `json:"id"`  // for sub: resume after this event
	Filter
}

// wsSay is a message of the server: "subscribed", "reset", "event", "pong", "error".
type wsSay struct {
	Op      string           `json:"op"`
	Ref     string           `json:"ref,omitempty"`
	Topic   string           `json:"topic,omitempty"`
	ID      string           `json:"id,omitempty"`
	Data    json.RawMessage  `json:"data,omitempty"`
	Reason  string           `json:"reason,omitempty"`
	Problem *problem.Problem `json:"problem,omitempty"`
}

// websocket serves the stream over WebSocket: the same events, ids and resume
// as SSE. Filter and id may stand in the query (the stream then begins at once)
// or in a sub message.
func (s *Server) websocket(w http.ResponseWriter, r *http.Request) error {
	f, from, err := streamRequest(r)
	if err != nil {
		return err
	}
	if err := s.ready(r.Context()); err != nil {
		return err
	}
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{Subprotocol}})
	if err != nil {
		return nil // Accept has answered
	}
	defer conn.CloseNow()
	conn.SetReadLimit(wsMessage)
	s.hub.metrics.streams.WithLabelValues("ws").Inc()
	defer s.hub.metrics.streams.WithLabelValues("ws").Dec()
	talk := &wsTalk{server: s, conn: conn, tenant: s.tenant(r)}
	if len(r.URL.RawQuery) > 0 || from != nil {
		talk.first = &wsSub{from: from, filter: f}
	}
	_ = talk.run(r.Context()) // the close code has told the client
	return nil
}

// closeCode is the status of RFC 6455 §7.4 and the registry of IANA that tells
// a client what to do.
func closeCode(err error) (websocket.StatusCode, string) {
	switch {
	case errors.Is(err, ErrStopped):
		return websocket.StatusServiceRestart, "the server restarts: connect again with the last id"
	case errors.Is(err, ErrBehind):
		return websocket.StatusTryAgainLater, "too slow: connect again with the last id"
	}
	if _, ok := errors.AsType[*problem.Problem](err); ok {
		return websocket.StatusPolicyViolation, "the message was not understood"
	}
	return websocket.StatusNormalClosure, ""
}

// wsTalk is one connection: a reader of what the client says, and a writer of
// the one subscription that it has.
type wsTalk struct {
	server *Server
	conn   *websocket.Conn
	tenant string
	first  *wsSub
}

type wsSub struct {
	ref    string
	from   Position
	filter Filter
}

func (t *wsTalk) run(base context.Context) error {
	ctx, cancel := context.WithCancelCause(base)
	var work sync.WaitGroup
	subs := make(chan wsSub)
	// Reading ends with the connection: a cancelled read would break it off
	// before the close code is said.
	work.Go(func() { cancel(t.listen(base, ctx, subs)) })
	work.Go(func() { cancel(t.keepAlive(ctx)) })
	work.Go(func() { cancel(t.serve(ctx, subs)) })
	<-ctx.Done()
	err := context.Cause(ctx)
	code, why := closeCode(err)
	if errors.Is(err, ErrBehind) {
		t.server.hub.metrics.behind.WithLabelValues("ws").Inc()
	}
	_ = t.conn.Close(code, why) // the other end may be gone
	work.Wait()
	return err
}

// listen reads the client's messages.
func (t *wsTalk) listen(read, ctx context.Context, subs chan<- wsSub) error {
	for {
		_, raw, err := t.conn.Read(read)
		if err != nil {
			return err
		}
		var ask wsAsk
		if err := json.Unmarshal(raw, &ask); err != nil {
			return t.refuse(ctx, "", problem.JSON(raw, "", err))
		}
		switch ask.Op {
		case "ping":
			err = t.write(ctx, wsSay{Op: "pong", Ref: ask.Ref})
		case "sub":
			wrong := ask.check("#/")
			from, bad := resumeFrom(ask.ID, "#/id")
			if p, ok := errors.AsType[*problem.Problem](bad); ok {
				wrong = append(wrong, p.Errors...)
			}
			if len(wrong) > 0 {
				return t.refuse(ctx, ask.Ref, problem.Invalid(wrong...))
			}
			select {
			case subs <- wsSub{ask.Ref, from, ask.Filter}:
			case <-ctx.Done():
				return ctx.Err()
			}
		default:
			return t.refuse(ctx, ask.Ref, problem.Invalid(problem.Field{Pointer: "#/op", Detail: "must be sub or ping"}))
		}
		if err != nil {
			return err
		}
	}
}

// refuse tells what was wrong before the connection is closed.
func (t *wsTalk) refuse(ctx context.Context, ref string, p *problem.Problem) error {
	_ = t.write(ctx, wsSay{Op: "error", Ref: ref, Problem: p}) // the close code says it too
	return p
}

func (t *wsTalk) keepAlive(ctx context.Context) error {
	tick := time.NewTicker(wsPing)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			ping, cancel := context.WithTimeout(ctx, wsPing)
			err := t.conn.Ping(ping)
			cancel()
			if err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// serve writes the events of the latest subscription.
func (t *wsTalk) serve(ctx context.Context, subs <-chan wsSub) error {
	want := t.first
	for {
		if want == nil {
			select {
			case next := <-subs:
				want = &next
			case <-t.server.hub.stopped:
				return ErrStopped
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		sub, err := t.begin(ctx, *want)
		if err != nil {
			return err
		}
		if want, err = t.events(ctx, sub, subs); err != nil {
			return err
		}
	}
}

func (t *wsTalk) begin(ctx context.Context, want wsSub) (*Subscription, error) {
	sub, err := t.server.hub.Subscribe(ctx, t.tenant, want.from, want.filter)
	if err != nil {
		return nil, err
	}
	say := wsSay{Op: "subscribed", Ref: want.ref, ID: sub.Position()}
	if sub.Reset != "" {
		t.server.hub.metrics.reset.WithLabelValues("ws").Inc()
		say.Op, say.Reason = "reset", sub.Reset+": fetch a snapshot; the stream goes on from now"
	}
	return sub, t.write(ctx, say)
}

// events writes what sub gives until the client subscribes anew.
func (t *wsTalk) events(ctx context.Context, sub *Subscription, subs <-chan wsSub) (*wsSub, error) {
	sent := t.server.hub.metrics.sent.WithLabelValues("ws")
	reading, stop := context.WithCancel(ctx)
	batches, ended, renewed := make(chan []*Event), make(chan error, 1), make(chan struct{})
	defer func() { stop(); <-renewed }()
	go func() {
		defer close(renewed)
		for {
			events, err := sub.Next(reading)
			if err != nil {
				ended <- err
				return
			}
			select {
			case batches <- events:
			case <-reading.Done():
				return
			}
		}
	}()
	for {
		select {
		case events := <-batches:
			for _, e := range events {
				if err := t.write(ctx, wsSay{Op: "event", Topic: e.Topic, ID: e.ID, Data: e.Data}); err != nil {
					return nil, err
				}
			}
			sent.Add(float64(len(events)))
		case next := <-subs:
			return &next, nil
		case err := <-ended:
			return nil, err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (t *wsTalk) write(ctx context.Context, say wsSay) error {
	data, err := json.Marshal(say)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.server.cfg.WriteDeadline)
	defer cancel()
	return t.conn.Write(ctx, websocket.MessageText, data)
}
