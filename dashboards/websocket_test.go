package dashboards_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"throughline/event"
)

type said struct {
	Op, Ref, Topic, ID, Reason string
	Data                       json.RawMessage
	Problem                    *struct{ Errors []struct{ Pointer string } }
}

type socket struct {
	t    *testing.T
	conn *websocket.Conn
}

func (s *server) socket(t *testing.T, query string) *socket {
	t.Helper()
	conn, _, err := websocket.Dial(soon(t), "ws"+strings.TrimPrefix(s.URL, "http")+"/v1/ws"+query, &websocket.DialOptions{Subprotocols: []string{"throughline.v1+json"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	if conn.Subprotocol() != "throughline.v1+json" {
		t.Errorf("subprotocol is %q", conn.Subprotocol())
	}
	return &socket{t, conn}
}

func (s *socket) say(text string) {
	s.t.Helper()
	if err := s.conn.Write(soon(s.t), websocket.MessageText, []byte(text)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *socket) hear() (said, error) {
	_, raw, err := s.conn.Read(soon(s.t))
	var m said
	if err == nil {
		err = json.Unmarshal(raw, &m)
	}
	return m, err
}

func (s *socket) expect(op string) said {
	s.t.Helper()
	m, err := s.hear()
	if err != nil || m.Op != op {
		s.t.Fatalf("heard %+v, %v, want %s", m, err, op)
	}
	return m
}

func TestWebSocket(t *testing.T) {
	h := open(t)
	s := h.serve(t, "")
	ws := s.socket(t, "")
	ws.say(`{"op":"sub","ref":"1","topics":["features"],"interaction":"i3"}`)
	if m := ws.expect("subscribed"); m.Ref != "1" || m.ID == "" {
		t.Errorf("subscribed as %+v", m)
	}
	h.publish(t, features(0, 9)...)
	m := ws.expect("event")
	if m.Topic != "features" || !strings.Contains(string(m.Data), `"f3"`) || m.ID == "" {
		t.Errorf("event is %+v", m)
	}
	ws.say(`{"op":"ping","ref":"p"}`)
	if m := ws.expect("pong"); m.Ref != "p" {
		t.Errorf("pong is %+v", m)
	}
	eventually(t, "the hub has the first nine", func() bool { return s.seen(t) == 9 })
	ws.say(`{"op":"sub","topics":["features"],"interaction":"i4"}`)
	ws.expect("subscribed")
	h.publish(t, features(9, 18)...)
	if m := ws.expect("event"); !strings.Contains(string(m.Data), `"f13"`) {
		t.Errorf("after the filter changed comes %s", m.Data)
	}
	_ = ws.conn.CloseNow()

	s.stop()
	h.publish(t, features(18, 27)...)
	s = h.serve(t, "")
	again := s.socket(t, "?topics=features&interaction=i3&last_event_id="+m.ID)
	again.expect("subscribed")
	for _, want := range []string{`"f12"`, `"f21"`} {
		if m := again.expect("event"); !strings.Contains(string(m.Data), want) {
			t.Errorf("resumed with %s, want %s", m.Data, want)
		}
	}
	s.stop()
	if _, err := again.hear(); err == nil {
		t.Error("a stopped server still speaks")
	}
}

func TestWebSocketCloseCodes(t *testing.T) {
	h := open(t)
	s := h.serve(t, "")
	for text, pointer := range map[string]string{
		`{"op":"shout"}`: "#/op", `{"op":"sub","topics":["x"]}`: "#/topics", `{"op":"sub","id":"x"}`: "#/id", `{"op":"sub","channel":"fax"}`: "#/channel", `{"op":7}`: "#/op", `{`: "",
	} {
		ws := s.socket(t, "")
		ws.say(text)
		m := ws.expect("error")
		if pointer != "" && (len(m.Problem.Errors) != 1 || m.Problem.Errors[0].Pointer != pointer) {
			t.Errorf("%s: %+v", text, m.Problem)
		}
		if _, err := ws.hear(); websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
			t.Errorf("%s: closed with %v", text, err)
		}
	}
	long := s.socket(t, "")
	long.say(`{"op":"` + strings.Repeat("x", 20<<10) + `"}`)
	if _, err := long.hear(); websocket.CloseStatus(err) != websocket.StatusMessageTooBig {
		t.Errorf("a long message: %v", err)
	}
	reset := s.socket(t, "?last_event_id=1.0")
	if m := reset.expect("reset"); m.Reason == "" || m.ID == "" {
		t.Errorf("reset is %+v", m)
	}
	h.publish(t, event.Alerts().Message(alertOf(1)))
	reset.expect("event")
}
