package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"throughline/event"
)

// events are a stream, each with its id; a server that is asked from an id
// gives those after it.
var events = []struct{ id, text string }{
	{"1.a", "retry: 3000\n\nevent: hello\nid: 1.a\ndata: {\"id\":\"1.a\"}\n\n"},
	{"1.b", "event: features\nid: 1.b\ndata: {\"id\":\"f\",\"turn\":{\"id\":\"t_1\",\"provider\":\"p1\",\"interaction\":\"i\",\"customer\":\"c\"}}\n\n"},
	{"1.c", ": heartbeat\nid: 1.c\n\n"},
	{"1.d", "event: alerts\r\nid: 1.d\r\ndata: {\"id\":\"a_1\"}\r\n\r\n"},
	{"1.e", "event: journeys\nid: 1.e\ndata: {\"text\":\"card 4111 1111 1111 1111\"}\n\n"},
}

func streamFrom(last string) string {
	var b strings.Builder
	after := last == ""
	for _, e := range events {
		if after {
			b.WriteString(e.text)
		}
		after = after || e.id == last
	}
	return b.String()
}

func listening(l *ledger) *listener {
	return newListener("http://127.0.0.1:1", "", func() *ledger { return l })
}

func sentOne() *ledger {
	l := newLedger()
	l.sending(message{ID: "p1", Secrets: []secret{{Type: "CARD", Value: "4111 1111 1111 1111"}}})
	return l
}

func TestStream(t *testing.T) {
	l := sentOne()
	s := listening(l)
	if err := s.read(strings.NewReader(streamFrom("")), func() {}); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	m := l.messages["p1"]
	if m.Times != 1 || m.Turn != "t_1" || m.Customer != "c" || l.advice["a_1"] != 1 || l.leaked != 1 || s.last != "1.e" {
		t.Errorf("saw %+v, %v, %d leaks, up to %s", m, l.advice, l.leaked, s.last)
	}
	if id, err := l.interaction(context.Background(), "p1"); err != nil || id != "i" {
		t.Errorf("placed in %q, %v", id, err)
	}
	select {
	case <-s.ready:
	default:
		t.Error("the stream said hello and is not ready")
	}
}

// An event that is cut off anywhere has not happened: the next connection
// brings it whole, from the id before it.
func TestACutStreamCountsNothingTwice(t *testing.T) {
	whole := streamFrom("")
	for cut := range len(whole) {
		l := sentOne()
		s := listening(l)
		if err := s.read(strings.NewReader(whole[:cut]), func() {}); !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		if err := s.read(strings.NewReader(streamFrom(s.last)), func() {}); !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		if l.messages["p1"].Times != 1 || l.advice["a_1"] != 1 {
			t.Fatalf("cut at %d: seen %d and %d times", cut, l.messages["p1"].Times, l.advice["a_1"])
		}
	}
}

func TestTheStreamIsResumed(t *testing.T) {
	var connections atomic.Int32
	asked := make(chan string, 8)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Header.Get("Last-Event-ID")
		switch connections.Add(1) {
		case 1:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 2:
			_, _ = io.WriteString(w, streamFrom(""))
		default:
			_, _ = io.WriteString(w, "event: hello\nid: 1.e\ndata: {}\n\n")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}
	}))
	defer server.Close()
	l := sentOne()
	s := newListener(server.URL, "", func() *ledger { return l })
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.run(ctx) }()
	for i, want := range []string{"", "", "1.e"} {
		select {
		case got := <-asked:
			if got != want {
				t.Errorf("connection %d asks from %q", i+1, got)
			}
		case <-time.After(time.Minute):
			t.Fatal("nobody connects again")
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if l.counts.Reconnected != 1 || l.messages["p1"].Times != 1 {
		t.Errorf("counted %+v", l.counts)
	}
}

func TestAStreamThatIsRefusedIsAnError(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	defer server.Close()
	if err := newListener(server.URL, "", newLedger).run(context.Background()); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("ends with %v", err)
	}
}

func FuzzStream(f *testing.F) {
	f.Add([]byte(streamFrom("")))
	f.Add([]byte("data: x\n\ndata\n\n:\n\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		l := sentOne()
		if err := listening(l).read(strings.NewReader(string(in)), func() {}); err == nil {
			t.Error("a stream ends without an end")
		}
		if l.messages["p1"].Times > strings.Count(string(in), "data") {
			t.Error("a turn comes from nothing")
		}
	})
}

// TestAChatThatBreaksOff lets the far side break off before it acknowledges,
// and then ask for the message again: the page resumes and the message is one.
func TestAChatThatBreaksOff(t *testing.T) {
	type hello struct {
		Token, Conv, Name string
		Last              int
	}
	hellos := make(chan hello, 8)
	messages := make(chan string, 8)
	var connections atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := connections.Add(1)
		if n == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		ws, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer func() { _ = ws.CloseNow() }()
		send := func(frame string) { _ = ws.Write(r.Context(), websocket.MessageText, []byte(frame)) }
		var h hello
		_, raw, err := ws.Read(r.Context())
		if err != nil || json.Unmarshal(raw, &h) != nil {
			return
		}
		hellos <- h
		send(`{"t":"welcome","token":"tok","next":1}`)
		for i := 0; ; i++ {
			_, raw, err := ws.Read(r.Context())
			if err != nil {
				return
			}
			var f struct{ CID, Text string }
			if json.Unmarshal(raw, &f) != nil {
				return
			}
			messages <- f.CID
			switch {
			case n == 2:
				send(`{"t":"msg","conv":"i_1","cid":"a1","role":"agent","seq":4,"text":"hello"}`)
				return
			case i == 0:
				send(`{"t":"error","cid":"m1","retry":true,"reason":"not stored yet"}`)
			default:
				send(fmt.Sprintf(`{"t":"ack","conv":"i_1","cid":%q,"seq":5,"id":"t_1"}`, f.CID))
			}
		}
	}))
	defer server.Close()
	l := newLedger()
	l.sending(message{ID: "m1", Conversation: "c", Role: event.Customer})
	l.sending(message{ID: "a1", Conversation: "c", Channel: event.WebChat, Role: event.Agent})
	c := newChat(server.URL, "shop", "Ann", "c", l)
	if err := c.say(context.Background(), words{id: "m1", text: "hello"}); err != nil {
		t.Fatal(err)
	}
	c.close(context.Background())
	if m := l.messages["m1"]; !m.Accepted || m.Interaction != "i_1" || m.Turn != "t_1" || l.shown["a1"] != 1 {
		t.Errorf("ends as %+v, shown %v", m, l.shown)
	}
	if a, b := <-hellos, <-hellos; a.Token != "" || a.Name != "Ann" || b.Token != "tok" || b.Conv != "i_1" || b.Last != 4 {
		t.Errorf("said hello as %+v and %+v", a, b)
	}
	if len(messages) != 3 || l.counts.Retried != 3 {
		t.Errorf("sent %d times, retried %d", len(messages), l.counts.Retried)
	}
}

func TestAChatThatIsRefused(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	defer server.Close()
	l := newLedger()
	l.sending(message{ID: "m1"})
	err := newChat(server.URL, "shop", "Ann", "c", l).say(context.Background(), words{id: "m1", text: "hello"})
	if err == nil || !strings.Contains(err.Error(), "403") || l.counts.Refused != 1 {
		t.Errorf("ends with %v", err)
	}
}

func TestTargetsAndOptionsAreChecked(t *testing.T) {
	good := Target{BaseURL: "http://127.0.0.1:1", ClickHouseURL: "http://127.0.0.1:1", AppSecret: "s", VerifyToken: "t"}
	for _, tt := range []struct {
		name, want string
		spoil      func(*Target, *Options)
	}{
		{"no base", "BaseURL must be", func(g *Target, _ *Options) { g.BaseURL = "" }},
		{"not HTTP", "ClickHouseURL must be", func(g *Target, _ *Options) { g.ClickHouseURL = "tcp://x" }},
		{"no secret", "AppSecret", func(g *Target, _ *Options) { g.AppSecret = "" }},
		{"backwards", "speed", func(_ *Target, o *Options) { o.Speed = -1 }},
	} {
		g, o := good, Options{}
		tt.spoil(&g, &o)
		if _, err := Play(context.Background(), g, o); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s ends with %v", tt.name, err)
		}
	}
}

// TestStoppingIsNoError wants Play to return at once and quietly when the one
// who called it has had enough, and --once to say that it did not finish.
func TestStoppingIsNoError(t *testing.T) {
	g := Target{BaseURL: "http://127.0.0.1:1", ClickHouseURL: "http://127.0.0.1:1", AppSecret: "s", VerifyToken: "t"}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := Play(ctx, g, Options{}); err != nil {
		t.Errorf("a loop that is stopped ends with %v", err)
	}
	if _, err := Play(ctx, g, Options{Once: true}); err == nil {
		t.Error("a day that was not played is all there")
	}
}

func TestNothingBeginsAfterTheStop(t *testing.T) {
	var said strings.Builder
	s, err := newShow(bundledDay(t), Target{BaseURL: "http://127.0.0.1:1", ClickHouseURL: "http://127.0.0.1:1", AppSecret: "s", VerifyToken: "t"}, Options{Out: &said})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	l := newLedger()
	if failed := s.round(ctx, newCast(s.day, time.Now(), 0), l); len(failed) > 0 || len(l.order) > 0 || said.Len() > 0 {
		t.Errorf("after the stop: %v, %d messages, told %q", failed, len(l.order), said.String())
	}
}
