package webchat_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"throughline/bus/embedded"
	"throughline/bus/embedded/embeddedtest"
	"throughline/event"
	"throughline/ingest"
	"throughline/ingest/ingesttest"
	"throughline/ingest/webchat"
)

func TestMain(m *testing.M) { os.Exit(embeddedtest.Main(m)) }

const secret = "sixteen bytes at least"

// site is a chat server on a broker.
type site struct {
	*ingesttest.Kit
	url  string
	stop context.CancelFunc
}

func newSite(t testing.TB, addr string, cfg webchat.Config, sessions ingest.SessionsConfig) site {
	t.Helper()
	cfg.Secrets = append(cfg.Secrets, secret)
	cfg.Tenant = func(*http.Request) string { return "acme" }
	if cfg.Rate == 0 {
		cfg.Rate = 1000
	}
	var s *webchat.Server
	k := ingesttest.On(t, addr, sessions, func(n *ingest.Intake) {
		var err error
		if s, err = webchat.New(cfg, n); err != nil {
			t.Fatal(err)
		}
	})
	mux := http.NewServeMux()
	s.Routes(mux)
	srv := httptest.NewServer(mux)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		srv.Close()
	})
	return site{k, srv.URL + webchat.Path, stop}
}

type frame struct {
	T, Conv, Token, CID, ID, Role, Agent, Text, Reason, Pointer string
	Seq, Next                                                   int
	Reset, Retry                                                bool
}

// client is a browser tab.
type client struct {
	t   testing.TB
	ws  *websocket.Conn
	ctx context.Context
}

func dial(t testing.TB, url string, hello map[string]any) client {
	t.Helper()
	ctx := ingesttest.Deadline(t)
	ws, _, err := websocket.Dial(ctx, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ws.CloseNow() })
	c := client{t, ws, ctx}
	hello["t"] = "hello"
	c.send(hello)
	return c
}

func (c client) send(v any) {
	c.t.Helper()
	if err := wsjson.Write(c.ctx, c.ws, v); err != nil {
		c.t.Fatal(err)
	}
}

func (c client) say(cid, text string) { c.send(map[string]any{"t": "msg", "cid": cid, "text": text}) }

func (c client) next(kind string) frame {
	c.t.Helper()
	var f frame
	if err := wsjson.Read(c.ctx, c.ws, &f); err != nil {
		c.t.Fatalf("want a frame %s: %v", kind, err)
	}
	if f.T != kind {
		c.t.Fatalf("got %+v, want a frame %s", f, kind)
	}
	return f
}

// closed waits for the close code.
func (c client) closed() websocket.StatusCode {
	for {
		if _, _, err := c.ws.Read(c.ctx); err != nil {
			return websocket.CloseStatus(err)
		}
	}
}

func agentToken(t testing.TB, conv string) string {
	t.Helper()
	token, err := webchat.Sign(secret, webchat.Claims{Tenant: "acme", Role: event.Agent, Agent: "a7", Conv: conv, Expires: time.Now().Add(time.Hour).Unix()})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestConversation(t *testing.T) {
	s := newSite(t, ingesttest.Broker(t), webchat.Config{}, ingest.SessionsConfig{})
	visitor := dial(t, s.url, map[string]any{"name": "Ana"})
	welcome := visitor.next("welcome")
	if welcome.Token == "" || welcome.Next != 1 || welcome.Conv != "" {
		t.Errorf("welcome is %+v", welcome)
	}
	visitor.say("c1", "hello, card 4111 1111 1111 1111")
	ack := visitor.next("ack")
	if ack.Seq != 1 || ack.CID != "c1" || ack.Conv == "" {
		t.Errorf("ack is %+v", ack)
	}
	visitor.say("c1", "hello, card 4111 1111 1111 1111")
	if again := visitor.next("ack"); again != ack {
		t.Errorf("sent again it is %+v, was %+v", again, ack)
	}
	// The agent's desktop sees what was cleared and answers.
	agent := dial(t, s.url, map[string]any{"token": agentToken(t, ack.Conv)})
	agent.next("welcome")
	if m := agent.next("msg"); m.Seq != 1 || m.Role != "customer" || strings.Contains(m.Text, "4111") {
		t.Errorf("agent sees %+v", m)
	}
	agent.say("a1", "Please call +49 30 1234567")
	if a := agent.next("ack"); a.Seq != 2 {
		t.Errorf("agent's ack is %+v", a)
	}
	// The visitor must read the number; it is kept cleared.
	if m := visitor.next("msg"); m.Seq != 2 || m.Role != "agent" || m.Agent != "a7" || m.Text != "Please call +49 30 1234567" {
		t.Errorf("visitor sees %+v", m)
	}
	// Another agent writes through the HTTP API's door.
	if _, err := s.Intake.Accept(ingesttest.Deadline(t), ingest.Arrival{Tenant: "acme", Turn: &event.Turn{ID: "t_api", Interaction: ack.Conv, Role: event.Agent, Kind: event.Text, Text: "One moment"}}); err != nil {
		t.Fatal(err)
	}
	if m := visitor.next("msg"); m.Seq != 3 || m.Text != "One moment" {
		t.Errorf("visitor sees %+v", m)
	}
	visitor.send(map[string]any{"t": "end"})
	if e := visitor.next("ended"); e.Reason != "visitor left" || e.Conv != ack.Conv {
		t.Errorf("end is %+v", e)
	}
	visitor.say("c2", "one more thing")
	if a := visitor.next("ack"); a.Conv == ack.Conv || a.Seq != 1 {
		t.Errorf("after the end the ack is %+v", a)
	}
	got := s.Stored(t)
	if got.Counts() != "turns=4 changes=4 identities=1 consents=0" || len(got.Turns) != 4 {
		t.Errorf("stored %s", got.Counts())
	}
	for _, turn := range got.Turns {
		if strings.Contains(turn.Text, "4111") || strings.Contains(turn.Text, "1234567") {
			t.Errorf("kept uncleared: %+v", turn)
		}
	}
}

func TestResumeAfterRestart(t *testing.T) {
	addr := ingesttest.Broker(t)
	before := newSite(t, addr, webchat.Config{}, ingest.SessionsConfig{})
	c := dial(t, before.url, map[string]any{})
	token := c.next("welcome").Token
	var conv string
	for i := range 5 {
		c.say(fmt.Sprint("c", i), fmt.Sprint("message ", i))
		conv = c.next("ack").Conv
	}
	before.stop()
	if code := c.closed(); code != websocket.StatusServiceRestart {
		t.Errorf("drained with %d", code)
	}
	after := newSite(t, addr, webchat.Config{}, ingest.SessionsConfig{})
	c = dial(t, after.url, map[string]any{"token": token, "conv": conv, "last": 3})
	if w := c.next("welcome"); w.Conv != conv || w.Next != 6 || w.Reset {
		t.Errorf("welcome is %+v", w)
	}
	for seq := 4; seq <= 5; seq++ {
		if m := c.next("msg"); m.Seq != seq || m.Text != fmt.Sprint("message ", seq-1) {
			t.Errorf("resumed with %+v, want %d", m, seq)
		}
	}
	c.say("c4", "message 4")
	if a := c.next("ack"); a.Seq != 5 || a.Conv != conv {
		t.Errorf("what was sent again is %+v", a)
	}
	c.say("c5", "message 5")
	if a := c.next("ack"); a.Seq != 6 || a.Conv != conv {
		t.Errorf("what was sent next is %+v", a)
	}
	// A client that knows more than there is must start again.
	c = dial(t, after.url, map[string]any{"token": token, "conv": conv, "last": 99})
	if w := c.next("welcome"); !w.Reset || c.next("msg").Seq != 1 {
		t.Errorf("welcome is %+v", w)
	}
}

func TestTwoProcessesShowOneConversation(t *testing.T) {
	addr := ingesttest.Broker(t)
	a, b := newSite(t, addr, webchat.Config{}, ingest.SessionsConfig{}), newSite(t, addr, webchat.Config{}, ingest.SessionsConfig{})
	visitor := dial(t, a.url, map[string]any{})
	token := visitor.next("welcome").Token
	visitor.say("c1", "hello")
	ack := visitor.next("ack")
	// The other process hears of it a moment later.
	phone := dial(t, b.url, map[string]any{"token": token})
	for w := phone.next("welcome"); w.Conv != ack.Conv || w.Next != 2; w = phone.next("welcome") {
		time.Sleep(5 * time.Millisecond)
		_ = phone.ws.CloseNow()
		phone = dial(t, b.url, map[string]any{"token": token})
	}
	if m := phone.next("msg"); m.Seq != 1 || m.CID != "c1" {
		t.Errorf("the second device sees %+v", m)
	}
	phone.say("p1", "from my phone")
	if x := phone.next("ack"); x.Seq != 2 {
		t.Errorf("ack is %+v", x)
	}
	if m := visitor.next("msg"); m.Seq != 2 || m.Text != "from my phone" || m.CID != "p1" {
		t.Errorf("the first device sees %+v", m)
	}
}

func TestRefused(t *testing.T) {
	s := newSite(t, ingesttest.Broker(t), webchat.Config{MaxText: 1000}, ingest.SessionsConfig{})
	sign := func(key string, c webchat.Claims) string {
		token, err := webchat.Sign(key, c)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	soon := time.Now().Add(time.Hour).Unix()
	good := sign(secret, webchat.Claims{Subject: "v1", Tenant: "acme", Role: event.Customer, Expires: soon})
	parts := strings.Split(good, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + parts[1] + "."
	tests := []struct{ name, token string }{
		{"forged", sign("another secret of enough", webchat.Claims{Subject: "v1", Tenant: "acme", Role: event.Customer, Expires: soon})},
		{"other tenant", sign(secret, webchat.Claims{Subject: "v1", Tenant: "evil", Role: event.Customer, Expires: soon})},
		{"no algorithm", none}, {"cut", good[:len(good)-2]}, {"not a token", "x"},
		{"no role", sign(secret, webchat.Claims{Subject: "v1", Tenant: "acme", Expires: soon})},
		{"nobody", sign(secret, webchat.Claims{Tenant: "acme", Role: event.Customer, Expires: soon})},
		{"agent of nothing", agentToken(t, "")}, {"agent of a stranger", agentToken(t, "i_nobody")},
		{"expired agent", sign(secret, webchat.Claims{Tenant: "acme", Role: event.Agent, Agent: "a", Conv: "i", Expires: 1})},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if code := dial(t, s.url, map[string]any{"token": tt.token}).closed(); code != websocket.StatusPolicyViolation {
				t.Errorf("closed with %d", code)
			}
		})
	}
	t.Run("expired visitor starts anew", func(t *testing.T) {
		old := sign(secret, webchat.Claims{Subject: "v1", Tenant: "acme", Role: event.Customer, Expires: 1})
		c := dial(t, s.url, map[string]any{"token": old})
		if w := c.next("welcome"); w.Token == "" || w.Token == old {
			t.Errorf("welcome is %+v", w)
		}
		_ = c.ws.CloseNow()
	})
	t.Run("frames", func(t *testing.T) {
		c := dial(t, s.url, map[string]any{})
		c.next("welcome")
		for _, bad := range []struct {
			frame   map[string]any
			pointer string
		}{
			{map[string]any{"t": "shout"}, "#/t"}, {map[string]any{"t": "msg", "text": "x"}, "#/cid"},
			{map[string]any{"t": "msg", "cid": "1"}, "#/text"}, {map[string]any{"t": "msg", "cid": "1", "text": strings.Repeat("x", 1001)}, "#/text"},
		} {
			c.send(bad.frame)
			if e := c.next("error"); e.Pointer != bad.pointer || e.Retry {
				t.Errorf("%v is answered %+v", bad.frame, e)
			}
		}
		c.send(map[string]any{"t": 7})
		if code := c.closed(); code != websocket.StatusPolicyViolation {
			t.Errorf("closed with %d", code)
		}
	})
	t.Run("too large", func(t *testing.T) {
		c := dial(t, s.url, map[string]any{})
		c.next("welcome")
		// The server hangs up in the middle: the close frame may not make it back.
		_ = wsjson.Write(c.ctx, c.ws, map[string]any{"t": "msg", "cid": "1", "text": strings.Repeat("x", 20_000)})
		if code := c.closed(); code != websocket.StatusMessageTooBig && code != -1 {
			t.Errorf("closed with %d", code)
		}
	})
	t.Run("no hello", func(t *testing.T) {
		ctx := ingesttest.Deadline(t)
		ws, _, err := websocket.Dial(ctx, s.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		c := client{t, ws, ctx}
		c.say("1", "hi")
		if code := c.closed(); code != websocket.StatusPolicyViolation {
			t.Errorf("closed with %d", code)
		}
	})
	t.Run("another site", func(t *testing.T) {
		ctx := ingesttest.Deadline(t)
		_, resp, err := websocket.Dial(ctx, s.url, &websocket.DialOptions{HTTPHeader: http.Header{"Origin": {"https://evil.example"}}})
		if err == nil || resp == nil || resp.StatusCode != http.StatusForbidden {
			t.Errorf("got %v, %v", resp, err)
		}
	})
	if got := s.Stored(t).Counts(); got != "turns=0 changes=0 identities=0 consents=0" {
		t.Errorf("stored %s", got)
	}
}

func TestFull(t *testing.T) {
	s := newSite(t, ingesttest.Broker(t), webchat.Config{MaxConns: 2}, ingest.SessionsConfig{})
	for range 2 {
		dial(t, s.url, map[string]any{}).next("welcome")
	}
	if code := dial(t, s.url, map[string]any{}).closed(); code != websocket.StatusTryAgainLater {
		t.Errorf("closed with %d", code)
	}
}

// A client that loses its connection after every message and sends everything
// twice still has one conversation with every message once, in order.
func TestBadNetwork(t *testing.T) {
	s := newSite(t, ingesttest.Broker(t), webchat.Config{}, ingest.SessionsConfig{})
	c := dial(t, s.url, map[string]any{})
	token := c.next("welcome").Token
	for i := range 10 {
		c.say(fmt.Sprint("c", i), fmt.Sprint(i)) // the answer is lost
		_ = c.ws.CloseNow()
		c = dial(t, s.url, map[string]any{"token": token})
		var f frame
		for f.T != "ack" {
			if f.T == "welcome" {
				c.say(fmt.Sprint("c", i), fmt.Sprint(i))
			}
			f = frame{}
			if err := wsjson.Read(c.ctx, c.ws, &f); err != nil {
				t.Fatal(err)
			}
		}
		if f.Seq != i+1 {
			t.Fatalf("message %d is number %d", i, f.Seq)
		}
	}
	if got := s.Stored(t); got.Counts() != "turns=10 changes=1 identities=1 consents=0" {
		t.Errorf("stored %s", got.Counts())
	}
}

func TestBrokerAwayAsksToSendAgain(t *testing.T) {
	child := embeddedtest.Start(t, embedded.Config{})
	s := newSite(t, child.Addr(), webchat.Config{Deadline: 300 * time.Millisecond}, ingest.SessionsConfig{})
	c := dial(t, s.url, map[string]any{})
	c.next("welcome")
	child.Kill()
	c.say("c1", "hello")
	if e := c.next("error"); !e.Retry || e.CID != "c1" {
		t.Fatalf("got %+v", e)
	}
	if err := child.Restart(ingesttest.Deadline(t)); err != nil {
		t.Fatal(err)
	}
	for {
		c.say("c1", "hello")
		var f frame
		if err := wsjson.Read(c.ctx, c.ws, &f); err != nil {
			t.Fatal(err)
		}
		if f.T == "ack" {
			break
		}
	}
	if got := s.Stored(t).Counts(); got != "turns=1 changes=1 identities=1 consents=0" {
		t.Errorf("stored %s", got)
	}
}

func TestManyVisitorsAtOnce(t *testing.T) {
	s := newSite(t, ingesttest.Broker(t), webchat.Config{}, ingest.SessionsConfig{})
	var wg sync.WaitGroup
	for v := range 20 {
		wg.Go(func() {
			c := dial(t, s.url, map[string]any{})
			c.next("welcome")
			for i := range 5 {
				c.say(fmt.Sprint(i), fmt.Sprint(v, " says ", i))
				if a := c.next("ack"); a.Seq != i+1 {
					t.Errorf("visitor %d: ack is %+v", v, a)
				}
			}
		})
	}
	wg.Wait()
	if got := s.Stored(t).Counts(); got != "turns=100 changes=20 identities=20 consents=0" {
		t.Errorf("stored %s", got)
	}
}

// A client that does not read is let go, costs nobody else anything, and finds
// what it missed when it comes back.
func TestSlowClientIsLetGo(t *testing.T) {
	s := newSite(t, ingesttest.Broker(t), webchat.Config{Ping: time.Hour}, ingest.SessionsConfig{}) // who does not read answers no ping
	slow := dial(t, s.url, map[string]any{})
	token := slow.next("welcome").Token
	slow.say("c1", "hello")
	conv := slow.next("ack").Conv
	other := dial(t, s.url, map[string]any{})
	other.next("welcome")
	const n = 450
	for i := 0; i < n; i += 50 {
		var batch []ingest.Arrival
		for j := range 50 {
			batch = append(batch, ingest.Arrival{Tenant: "acme", Turn: &event.Turn{ID: fmt.Sprint("t_", i+j), Interaction: conv,
				Role: event.Agent, Kind: event.Text, Text: strings.Repeat("so ", 7000)}})
		}
		if _, err := s.Intake.Accept(ingesttest.Deadline(t), batch...); err != nil {
			t.Fatal(err)
		}
	}
	// Accepting that much takes a busy machine longer than one deadline.
	other.ctx, slow.ctx = ingesttest.Deadline(t), ingesttest.Deadline(t)
	other.say("o1", "and me?")
	other.next("ack")
	last := 1
	slow.ws.SetReadLimit(1 << 20)
	for {
		var f frame
		if err := wsjson.Read(slow.ctx, slow.ws, &f); err != nil {
			break
		}
		last = f.Seq
	}
	if last == n+1 {
		t.Skip("this machine buffers everything") // then nobody was slow
	}
	back := dial(t, s.url, map[string]any{"token": token, "conv": conv, "last": last})
	back.ws.SetReadLimit(1 << 20)
	if w := back.next("welcome"); w.Next != n+2 {
		t.Errorf("welcome is %+v", w)
	}
	for seq := last + 1; seq <= n+1; seq++ {
		if m := back.next("msg"); m.Seq != seq {
			t.Fatalf("got %d, want %d", m.Seq, seq)
		}
	}
}

func BenchmarkAck(b *testing.B) {
	s := newSite(b, ingesttest.Broker(b), webchat.Config{Rate: 1_000_000}, ingest.SessionsConfig{})
	ctx := context.Background()
	ws, _, err := websocket.Dial(ctx, s.url, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer ws.CloseNow()
	c := client{b, ws, ctx}
	c.send(map[string]any{"t": "hello"})
	c.next("welcome")
	b.ResetTimer()
	for i := range b.N {
		c.say(fmt.Sprint(i), "Where is my order?")
		c.next("ack")
	}
}
