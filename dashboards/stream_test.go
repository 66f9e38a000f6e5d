package dashboards_test

import (
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"throughline/dashboards"
	"throughline/event"
)

// listen takes an address that a server has just let go of.
func listen(addr string) (net.Listener, error) {
	var err error
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		var l net.Listener
		if l, err = net.Listen("tcp", addr); err == nil {
			return l, nil
		}
	}
	return nil, err
}

// streams is how many are open.
func streams(t *testing.T, counts *prometheus.Registry) (open float64) {
	t.Helper()
	families, err := counts.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "throughline_dashboards_streams" {
				open += m.GetGauge().GetValue()
			}
		}
	}
	return open
}

func small(recent, lookback int) option {
	return func(h *dashboards.HubConfig, _ *dashboards.Config) { h.RecentEvents, h.Lookback = recent, lookback }
}

// TestStreamResumes breaks a stream off and goes on in every way there is: the
// events are still recent; they are only in Kafka; the server is a new process.
func TestStreamResumes(t *testing.T) {
	tests := []struct {
		name             string
		recent, lookback int
		restart          bool
		after            int // events published while nobody listens
	}{
		{"recent", 4096, 1000, false, 300},
		{"from Kafka", 64, 1000, false, 3000},
		{"restarted", 4096, 1000, true, 300},
		{"restarted, looking back too little", 64, 3, true, 3000},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := open(t)
			s := h.serve(t, "", small(tt.recent, tt.lookback))
			c := s.stream(t, "?topics=features", "")
			h.publish(t, features(0, 40)...)
			c.expect(ids("f", 0, 40))
			c.body.Close()
			if tt.restart {
				s.stop()
			}
			h.publish(t, features(40, 40+tt.after)...)
			if tt.restart {
				s = h.serve(t, "", small(tt.recent, tt.lookback))
			}
			if tt.recent < tt.after {
				h.caughtUp(t, s) // who has joined is let go when the hub catches up with more than it keeps
			}
			again := s.stream(t, "?topics=features", c.id)
			h.publish(t, features(40+tt.after, 50+tt.after)...)
			again.expect(ids("f", 40, 50+tt.after))
		})
	}
}

// TestStreamShowsARepeatOnce lets events stand on the topic twice, as after a
// kill, with breaks before, between and after the two places of an event.
func TestStreamShowsARepeatOnce(t *testing.T) {
	for name, tt := range map[string]struct {
		recent, lookback int
		restart          bool
		after            int // events published while nobody listens
	}{
		"recent":                  {4096, 1000, false, 300},
		"from Kafka":              {64, 1000, false, 3000},
		"restarted":               {4096, 1000, true, 300},
		"looking back too little": {64, 3, true, 3000},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t)
			s := h.serve(t, "", small(tt.recent, tt.lookback))
			whole, broken := s.stream(t, "?topics=features,alerts", ""), s.stream(t, "?topics=features,alerts", "")
			alert := event.Alerts().Message(alertOf(1))
			h.publish(t, append(features(0, 40), alert)...)
			h.publish(t, append(features(10, 30), alert)...)
			want := ids("f", 0, 40)
			want["a1"] = 0
			broken.expect(want)
			broken.body.Close()
			whole.expect(fresh(want))
			if tt.after > 1000 || tt.restart { // whoever does not read is let go
				whole.body.Close()
			}
			if tt.restart {
				s.stop()
			}
			h.publish(t, append(features(20, 40+tt.after), alert)...)
			h.publish(t, features(20+tt.after, 45+tt.after)...)
			if tt.restart {
				s = h.serve(t, "", small(tt.recent, tt.lookback))
			}
			if tt.recent < tt.after {
				h.caughtUp(t, s)
			}
			if tt.after > 1000 || tt.restart {
				whole = s.stream(t, "?topics=features,alerts", whole.id)
			}
			again := s.stream(t, "?topics=features,alerts", broken.id)
			h.publish(t, features(35+tt.after, 50+tt.after)...)
			again.expect(ids("f", 40, 50+tt.after))
			whole.expect(ids("f", 40, 50+tt.after))
		})
	}
}

// fresh is want with nothing seen yet.
func fresh(want map[string]int) map[string]int {
	all := make(map[string]int, len(want))
	for id := range want {
		all[id] = 0
	}
	return all
}

// TestStreamResumesAnywhere breaks off after every single event of a mix of
// topics and partitions.
func TestStreamResumesAnywhere(t *testing.T) {
	h := open(t)
	s := h.serve(t, "")
	const n = 60
	want := ids("f", 0, n)
	c := s.stream(t, "?topics=features,alerts", "")
	id := ""
	for i := range n {
		h.publish(t, event.AnalysedTurns().Message(analysed(i, 0)), event.Interactions().Message(change(i%9, event.Held)))
	}
	for len(want) > 0 {
		g, err := c.next()
		if err != nil {
			t.Fatal(err)
		}
		if g.name == "hello" {
			continue
		}
		var f event.Features
		if err := json.Unmarshal([]byte(g.data), &f); err != nil {
			t.Fatal(err)
		}
		if _, ok := want[f.ID]; !ok {
			t.Fatalf("%s came twice", f.ID)
		}
		delete(want, f.ID)
		id = g.id
		c.body.Close()
		if len(want)%20 == 0 {
			s.stop()
			s = h.serve(t, "")
		}
		c = s.stream(t, "?topics=features,alerts", id)
	}
}

func TestStreamFilters(t *testing.T) {
	h := open(t)
	s := h.serve(t, "")
	joined := change(3, event.Joined)
	joined.Role, joined.Agent = event.Agent, "agent-7"
	other := analysed(1003, 0)
	other.Turn.Tenant = "elsewhere"
	h.publish(t, event.Interactions().Message(joined))
	eventually(t, "the agent joins", func() bool {
		var i dashboards.Interaction
		return s.get(t, "/v1/interactions/i3", &i) == http.StatusOK && i.Agent == "agent-7"
	})
	streams := map[string]*client{}
	for _, q := range []string{"?interaction=i3", "?customer=c3&topics=features", "?agent=agent-7", "?channel=whatsapp&interaction=i3", "?topics=features,alerts&interaction=i3&topics=feedback"} {
		streams[q] = s.stream(t, q, "")
	}
	h.publish(t, append(features(0, 18), event.AnalysedTurns().Message(other))...)
	for _, c := range streams {
		c.expect(map[string]int{"f3": 0, "f12": 0})
	}
}

func TestStreamRefuses(t *testing.T) {
	h := open(t)
	s := h.serve(t, "")
	tests := []struct{ query, after, names string }{
		{"?last_event_id=nonsense", "", "?last_event_id"},
		{"", "1.x-", "Last-Event-ID"},
		{"?topics=features,nothing", "", "?topics"},
		{"?channel=fax", "", "?channel"},
		{"?chanel=voice", "", "?chanel"},
		{"?customer=" + strings.Repeat("x", 201), "", "?customer"},
	}
	for _, tt := range tests {
		c, status := s.tryStream(t, tt.query, tt.after)
		var p struct {
			Errors []struct{ Pointer, Detail string }
		}
		if err := json.NewDecoder(c.in).Decode(&p); err != nil || status != http.StatusBadRequest || len(p.Errors) != 1 || p.Errors[0].Pointer != tt.names {
			t.Errorf("%s %q: status %d, %+v, %v", tt.query, tt.after, status, p, err)
		}
	}
}

func TestStreamResets(t *testing.T) {
	h := open(t)
	s := h.serve(t, "", small(64, 10), func(c *dashboards.HubConfig, _ *dashboards.Config) { c.Replay = 500 })
	start := s.stream(t, "", "")
	hello, err := start.next()
	if err != nil || hello.name != "hello" {
		t.Fatalf("a stream begins with %v, %v", hello, err)
	}
	h.publish(t, features(0, 800)...)
	eventually(t, "800 events", func() bool {
		return s.seen(t) == 800
	})
	for name, id := range map[string]string{
		"too long ago": hello.id, "another version": "0.1-2", "another shape": "1.0-0.0", "beyond the end": strings.ReplaceAll(hello.id, "0", "zzz"),
	} {
		c := s.stream(t, "?topics=alerts", id)
		g, err := c.next()
		if err != nil || g.name != "reset" || g.id == "" {
			t.Errorf("%s: %v, %v", name, g, err)
		}
		h.publish(t, event.Alerts().Message(alertOf(len(name))))
		if g, err = c.next(); err != nil || g.name != "alerts" {
			t.Errorf("%s: after the reset comes %v, %v", name, g, err)
		}
	}
}

// TestStreamHeartbeat has a filter that lets nothing through: the id must move
// all the same.
func TestStreamHeartbeat(t *testing.T) {
	h := open(t)
	s := h.serve(t, "", func(_ *dashboards.HubConfig, c *dashboards.Config) { c.Heartbeat = 20 * time.Millisecond })
	c := s.stream(t, "?interaction=nobody", "")
	hello, err := c.next()
	if err != nil {
		t.Fatal(err)
	}
	h.publish(t, features(0, 30)...)
	var now dashboards.Overview
	eventually(t, "the features", func() bool { s.get(t, "/v1/overview", &now); return now.Position != hello.id })
	timer := time.AfterFunc(patience, func() { c.body.Close() })
	defer timer.Stop()
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			t.Fatalf("no heartbeat has brought the new position: %v", err)
		}
		if id, ok := strings.CutPrefix(strings.TrimSpace(line), "id: "); ok && id != hello.id {
			return
		}
	}
}

// TestPartialsCoalesce lets a reader be slow: of a growing transcript it may
// miss steps, never the last one.
func TestPartialsCoalesce(t *testing.T) {
	h := open(t)
	s := h.serve(t, "")
	c := s.stream(t, "?topics=turns.partial", "")
	g, err := c.next()
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Fields(strings.Repeat("I have been waiting since ", 20))
	for n := range words {
		h.publish(t, partial(1, strings.Join(words[:n+1], " ")))
	}
	timer := time.AfterFunc(patience, func() { c.body.Close() })
	defer timer.Stop()
	for {
		if g, err = c.next(); err != nil {
			t.Fatalf("the whole transcript did not come: %v", err)
		}
		var turn event.Turn
		if err := json.Unmarshal([]byte(g.data), &turn); err != nil {
			t.Fatal(err)
		}
		if turn.Text == strings.Join(words, " ") {
			return
		}
	}
}

// TestSlowReaderIsLetGo has a reader that stops reading: it must not hold up
// anything, and gets the rest when it comes back with its last id.
func TestSlowReaderIsLetGo(t *testing.T) {
	h := open(t)
	counts := prometheus.NewRegistry()
	s := h.serve(t, "", small(256, 1000), func(h *dashboards.HubConfig, c *dashboards.Config) {
		h.Metrics, c.WriteDeadline = counts, 300*time.Millisecond
	})
	c := s.stream(t, "?topics=features", "")
	const n = 2400
	text := strings.Repeat("I have been waiting for my parcel. ", 180) // more than the sockets between them hold
	var msgs []event.Message
	for k := range n {
		f := analysed(k, 0)
		f.Turn.Text = text
		msgs = append(msgs, event.AnalysedTurns().Message(f))
	}
	h.publish(t, msgs...)
	want := ids("f", 0, n)
	take := func(c *client) {
		for len(want) > 0 {
			g, err := c.next()
			if err != nil {
				return
			}
			if g.name == "hello" {
				continue
			}
			var f event.Features
			if err := json.Unmarshal([]byte(g.data), &f); err != nil {
				t.Fatal(err)
			}
			if _, ok := want[f.ID]; !ok {
				t.Fatalf("%s came twice", f.ID)
			}
			delete(want, f.ID)
		}
	}
	eventually(t, "the hub has everything", func() bool { return s.seen(t) == n })
	eventually(t, "the reader is let go", func() bool { return streams(t, counts) == 0 })
	take(c)
	if len(want) == 0 {
		t.Fatal("the reader was never let go")
	}
	for range 50 {
		if len(want) == 0 {
			return
		}
		c = s.stream(t, "?topics=features", c.id)
		take(c)
	}
	t.Errorf("%d events are lost", len(want))
}
