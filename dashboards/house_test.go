package dashboards_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"throughline/bus"
	"throughline/bus/embedded"
	"throughline/dashboards"
	"throughline/event"
)

// house is a broker with a bus; servers on it come and go.
type house struct {
	bus *bus.Bus
}

func open(tb testing.TB) *house {
	tb.Helper()
	broker, err := embedded.Open(embedded.Config{Dir: tb.TempDir(), Listen: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = broker.Close() })
	b := dial(tb, broker.Addr())
	if err := b.Ensure(soon(tb), event.All()...); err != nil {
		tb.Fatal(err)
	}
	return &house{b}
}

func dial(tb testing.TB, addr string) *bus.Bus {
	tb.Helper()
	b, err := bus.Dial(bus.Config{Brokers: []string{addr}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = b.Close(ctx)
	})
	return b
}

// patience bounds what a test waits for. Only a test that fails waits that long,
// so it is what a machine takes that has twenty other things to do.
const patience = 90 * time.Second

// soon is a context that ends after patience.
func soon(tb testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	tb.Cleanup(cancel)
	return ctx
}

// server is one life of a server.
type server struct {
	*httptest.Server
	api  *dashboards.Server
	stop func()
}

type option func(*dashboards.HubConfig, *dashboards.Config)

// serve starts a server, on addr if it is not empty, until stop or the test's end.
func (h *house) serve(tb testing.TB, addr string, options ...option) *server {
	tb.Helper()
	hubConfig := dashboards.HubConfig{Logger: slog.New(slog.DiscardHandler)}
	cfg := dashboards.Config{Publisher: h.bus, Logger: slog.New(slog.DiscardHandler)}
	for _, o := range options {
		o(&hubConfig, &cfg)
	}
	hub := dashboards.NewHub(h.bus, hubConfig)
	cfg.Hub = hub
	api, err := dashboards.NewServer(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- hub.Run(ctx) }()
	mux := http.NewServeMux()
	mux.Handle("/", api)
	mux.HandleFunc("GET /v1/patterns", changes) // another package answers it, beside this one
	for pattern, answer := range summaries(tb, api).Routes() {
		mux.HandleFunc(pattern, answer)
	}
	web := httptest.NewUnstartedServer(mux)
	if addr != "" {
		_ = web.Listener.Close()
		if web.Listener, err = listen(addr); err != nil {
			tb.Fatal(err)
		}
	}
	web.Start()
	stopped := false
	s := &server{Server: web, api: api}
	s.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		web.CloseClientConnections()
		web.Close()
		if err := <-done; err != nil {
			tb.Error(err)
		}
	}
	tb.Cleanup(s.stop)
	select {
	case <-hub.Ready():
	case <-soon(tb).Done():
		tb.Fatal("the hub is not ready in time")
	}
	return s
}

func (h *house) publish(tb testing.TB, msgs ...event.Message) {
	tb.Helper()
	if err := h.bus.Publish(soon(tb), msgs...); err != nil {
		tb.Fatal(err)
	}
}

// get decodes a JSON answer and returns the status.
func (s *server) get(tb testing.TB, path string, into any) int {
	tb.Helper()
	resp, err := http.Get(s.URL + path)
	if err != nil {
		tb.Fatal(err)
	}
	return answer(tb, resp, into)
}

// seen is how many analysed turns the hub has taken.
func (s *server) seen(tb testing.TB) (n int64) {
	tb.Helper()
	var o dashboards.Overview
	s.get(tb, "/v1/overview", &o)
	p, err := dashboards.ParsePosition(o.Position)
	if err != nil {
		tb.Fatal(err)
	}
	for _, next := range p[1] {
		n += next
	}
	return n
}

// caughtUp waits until the hub has taken all that stands on the topics. Each is
// followed for itself: that one event was taken says nothing of another topic's.
func (h *house) caughtUp(tb testing.TB, s *server) {
	tb.Helper()
	topics := []event.Spec{event.Interactions().Spec, event.AnalysedTurns().Spec, event.Journeys().Spec, event.Alerts().Spec,
		event.Suggestions().Spec, event.Feedbacks().Spec, event.PartialTurns().Spec}
	var ends dashboards.Position
	for _, topic := range topics {
		_, end, err := h.bus.Bounds(soon(tb), topic.Name)
		if err != nil {
			tb.Fatal(err)
		}
		ends = append(ends, end)
	}
	eventually(tb, "the hub has taken everything", func() bool {
		var o dashboards.Overview
		s.get(tb, "/v1/overview", &o)
		return o.Position == ends.String()
	})
}

func (s *server) post(tb testing.TB, path, body string, into any) int {
	tb.Helper()
	resp, err := http.Post(s.URL+path, "application/json", strings.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	return answer(tb, resp, into)
}

func answer(tb testing.TB, resp *http.Response, into any) int {
	tb.Helper()
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		tb.Fatal(err)
	}
	if into != nil {
		if err := json.Unmarshal(raw, into); err != nil {
			tb.Fatalf("%d %s: %v", resp.StatusCode, raw, err)
		}
	}
	return resp.StatusCode
}

// got is one event as a client of SSE sees it.
type got struct{ name, id, data string }

// client reads a stream.
type client struct {
	tb   testing.TB
	body io.ReadCloser
	in   *bufio.Reader
	id   string // the last one, as a browser keeps it
}

// stream opens a stream; after is sent as Last-Event-ID if it is not empty.
func (s *server) stream(tb testing.TB, query, after string) *client {
	tb.Helper()
	c, status := s.tryStream(tb, query, after)
	if status != http.StatusOK {
		tb.Fatalf("stream %s: status %d", query, status)
	}
	return c
}

func (s *server) tryStream(tb testing.TB, query, after string) (*client, int) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 3*patience)
	tb.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/v1/stream"+query, nil)
	if err != nil {
		tb.Fatal(err)
	}
	if after != "" {
		req.Header.Set("Last-Event-ID", after)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { resp.Body.Close() })
	return &client{tb: tb, body: resp.Body, in: bufio.NewReaderSize(resp.Body, 1<<16), id: after}, resp.StatusCode
}

// next reads the next event. Reading fails when the stream ends.
func (c *client) next() (got, error) {
	var g got
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			return g, err
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch name {
		case "":
			if line != "\n" {
				continue // a comment
			}
			if g.id != "" {
				c.id = g.id
			}
			if g.data != "" {
				return g, nil
			}
			g = got{}
		case "event":
			g.name = value
		case "id":
			g.id = value
		case "data":
			g.data = value
		}
	}
}

// expect reads events until each of ids was seen, in any order, and fails on
// what is neither one of them nor named in ignore, or comes twice.
func (c *client) expect(ids map[string]int) {
	c.tb.Helper()
	timer := time.AfterFunc(patience, func() { c.body.Close() })
	defer timer.Stop()
	left := len(ids)
	for left > 0 {
		g, err := c.next()
		if err != nil {
			c.tb.Fatalf("%d events of %d did not come: %v", left, len(ids), err)
		}
		if g.name == "hello" {
			continue
		}
		var e struct {
			ID   string `json:"id"`
			Turn struct {
				ID string `json:"id"`
			} `json:"turn"`
		}
		if err := json.Unmarshal([]byte(g.data), &e); err != nil {
			c.tb.Fatalf("%s is not JSON: %v", g.name, err)
		}
		n, wanted := ids[e.ID]
		switch {
		case !wanted:
			c.tb.Fatalf("%s %s was not to come", g.name, e.ID)
		case n > 0:
			c.tb.Fatalf("%s %s came twice", g.name, e.ID)
		}
		ids[e.ID]++
		left--
	}
}

func ids(prefix string, from, to int) map[string]int {
	all := map[string]int{}
	for i := from; i < to; i++ {
		all[fmt.Sprint(prefix, i)] = 0
	}
	return all
}

// The events of the tests: number n is of customer and interaction n modulo 9.

func analysed(n int, score float64) event.Features {
	at := time.Now().UTC().Truncate(time.Millisecond)
	return event.Features{ID: fmt.Sprint("f", n), Model: "test", Sentiment: &event.Sentiment{Score: score, Neutral: 1},
		Intents: []event.Label{{Name: "refund", Probability: 0.9}},
		Turn: event.Turn{ID: fmt.Sprint("t", n), Tenant: "default", Customer: fmt.Sprint("c", n%9), Interaction: fmt.Sprint("i", n%9),
			Channel: event.WhatsApp, Role: event.Customer, Kind: event.Text, At: at, Received: at, Text: "my parcel did not arrive"}}
}

func features(from, to int) []event.Message {
	var all []event.Message
	for n := from; n < to; n++ {
		all = append(all, event.AnalysedTurns().Message(analysed(n, -0.5)))
	}
	return all
}

func change(n int, c event.Change) event.Interaction {
	at := time.Now().UTC().Truncate(time.Millisecond)
	return event.Interaction{ID: fmt.Sprint("x", n, c), Tenant: "default", Customer: fmt.Sprint("c", n), Interaction: fmt.Sprint("i", n),
		Channel: event.WhatsApp, Change: c, At: at, Received: at, Handle: "+49…17", Name: "Ada"}
}

func alertOf(n int) event.Alert {
	return event.Alert{ID: fmt.Sprint("a", n), Tenant: "default", Customer: fmt.Sprint("c", n), Interaction: fmt.Sprint("i", n), Channel: event.WhatsApp,
		At: time.Now().UTC(), Severity: event.Critical, Title: "Sentiment fell", Action: "alert", Rule: event.Rule{Name: "fall", Version: "1"}}
}

// partial is what a growing transcript looks like on its topic.
func partial(n int, text string) event.Message {
	t := analysed(n, 0).Turn
	t.Text, t.Kind, t.Channel = text, event.Utterance, event.Voice
	return event.Message{Topic: event.PartialTurns().Spec, Key: t.Customer, Value: t}
}

func eventually(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if ok() {
			return
		}
	}
	tb.Fatalf("not in time: %s", what)
}
