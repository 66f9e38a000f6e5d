package outgoing

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"throughline/bus"
	"throughline/event"
)

const testSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

type arrival struct {
	Notice
	arrived time.Time
}

// receiver is the other end: it verifies, behaves as it is told, and remembers.
type receiver struct {
	t testing.TB
	// behave answers in place of accepting where it returns true.
	behave func(w http.ResponseWriter, r *http.Request, n Notice) bool

	mu       sync.Mutex
	attempts []time.Time
	accepted []arrival // distinct ids, in their order
	repeats  int
	busy     int
	mostBusy int
	seen     map[string]bool
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	if err := Verify([]string{testSecret}, req.Header, body, time.Now()); err != nil {
		r.t.Errorf("a request is not signed as the standard says: %v", err)
	}
	var p Payload
	if err := json.Unmarshal(body, &p); err != nil || p.Data.ID != req.Header.Get("webhook-id") {
		r.t.Errorf("the body is not the event of webhook-id: %v", err)
	}
	r.mu.Lock()
	r.attempts = append(r.attempts, time.Now())
	r.busy++
	r.mostBusy = max(r.mostBusy, r.busy)
	r.mu.Unlock()
	defer func() { r.mu.Lock(); r.busy--; r.mu.Unlock() }()
	if r.behave != nil && r.behave(w, req, p.Data) {
		return
	}
	r.take(p.Data)
	w.WriteHeader(http.StatusNoContent)
}

func (r *receiver) take(n Notice) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen == nil {
		r.seen = map[string]bool{}
	}
	if r.seen[n.ID] {
		r.repeats++
		return
	}
	r.seen[n.ID] = true
	r.accepted = append(r.accepted, arrival{n, time.Now()})
}

func (r *receiver) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.accepted)
}

// inOrder checks that what was accepted of each customer came in its order.
func (r *receiver) inOrder() {
	r.t.Helper()
	last := map[string]int{}
	for _, n := range r.accepted {
		if n.Priority <= last[n.Customer] {
			r.t.Errorf("customer %s: event %d came after %d", n.Customer, n.Priority, last[n.Customer])
		}
		last[n.Customer] = n.Priority
	}
}

// alert is the n-th (from 1) of a customer.
func alert(customer string, n int, at time.Time) event.Alert {
	return event.Alert{ID: event.ID("a", customer, fmt.Sprint(n)), Tenant: "default", Customer: customer, Journey: "j_" + customer, Interaction: "i_" + customer,
		Channel: event.WhatsApp, At: at, Severity: event.Warning, Action: event.ActionAlert, Title: "My name is Bond", Priority: n,
		Rule: event.Rule{Name: "sinking", Version: "1 ab"}}
}

// piped connects a target with a receiver in memory, so that both live in a
// bubble of testing/synctest, where a day takes no time.
func piped(t *testing.T, r *receiver, given Target) *target {
	t.Helper()
	r.t = t
	given.Name, given.URL, given.Private = "platform", "http://platform.test/hook", true
	if len(given.Secrets) == 0 {
		given.Secrets = []string{testSecret}
	}
	teller, err := New(Config{Targets: []Target{given}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	line := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	transport := teller.targets[0].client.Transport.(*http.Transport)
	transport.DialContext = line.dial
	server := &http.Server{Handler: r, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	done := make(chan struct{})
	go func() { _ = server.Serve(line); close(done) }()
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = server.Close()
		<-done
		time.Sleep(time.Minute) // handlers that a test made slow
	})
	return teller.targets[0]
}

type pipes struct {
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// records are alerts as a partition holds them, published when they were decided.
func records(from int, alerts ...event.Alert) []bus.Record[event.Alert] {
	recs := make([]bus.Record[event.Alert], len(alerts))
	for i, a := range alerts {
		recs[i] = bus.Record[event.Alert]{Topic: "alerts", Offset: int64(from + i), Key: a.Customer, Time: a.At, Value: a}
	}
	return recs
}

// handle does with a batch what the bus does, and returns what was set aside.
func handle(ctx context.Context, s *shard, recs []bus.Record[event.Alert]) (aside []error) {
	_, err := s.alerts(ctx, recs)
	if err == nil || !bus.IsPermanent(err) {
		return nil
	}
	for _, r := range recs {
		if _, err := s.alerts(ctx, []bus.Record[event.Alert]{r}); err != nil {
			aside = append(aside, err)
		}
	}
	return aside
}

func newShard(t *target) *shard { return &shard{target: t, settled: map[string]error{}} }
