package rtp

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"throughline/bus"
	"throughline/event"
	"throughline/ingest/calls"
	"throughline/ingest/ingesttest"
	"throughline/problem"
)

// newLegs serves legs over HTTP until the test is over.
func newLegs(t testing.TB, cfg LegsConfig, ccfg calls.Config) (*httptest.Server, *bus.Bus, *Legs) {
	t.Helper()
	b := newBus(t)
	l, err := NewLegs(cfg, newDoor(t, b, ccfg), newPorts(t, Config{}), silent())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	answer := func(f func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if err := f(w, r); err != nil {
				problem.Write(w, problem.Of(err))
			}
		}
	}
	mux := http.NewServeMux()
	mux.Handle("POST /v1/rtp/legs", answer(l.Create))
	mux.Handle("DELETE /v1/rtp/legs/{id}", answer(l.Delete))
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s, b, l
}

func post(t testing.TB, s *httptest.Server, body string) (int, legResponse, string) {
	t.Helper()
	resp, err := http.Post(s.URL+"/v1/rtp/legs", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var raw bytes.Buffer
	if _, err := raw.ReadFrom(resp.Body); err != nil {
		t.Fatal(err)
	}
	var made legResponse
	if resp.StatusCode == http.StatusCreated {
		if err := json.Unmarshal(raw.Bytes(), &made); err != nil {
			t.Fatal(err)
		}
	}
	return resp.StatusCode, made, raw.String()
}

func speak(t testing.TB, address string, n int) {
	t.Helper()
	c, err := net.Dial("udp4", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for i := range n {
		if _, err := c.Write(packet(uint16(i), 5, 0, make([]byte, 160))); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// changesOf are the stored changes of a call, in order.
func changesOf(t testing.TB, b *bus.Bus, interaction string) (all []event.Interaction) {
	for _, i := range ingesttest.All(t, b, event.Interactions().Source) {
		if i.Interaction == interaction || interaction == "" {
			all = append(all, i)
		}
	}
	return all
}

func ended(t testing.TB, b *bus.Bus, interaction string) event.Interaction {
	var end event.Interaction
	ingesttest.Await(t, "the end of the call", func() bool {
		for _, i := range changesOf(t, b, interaction) {
			if i.Change.Terminal() {
				end = i
				return true
			}
		}
		return false
	})
	return end
}

func TestLegsByREST(t *testing.T) {
	s, b, l := newLegs(t, LegsConfig{}, calls.Config{})
	status, one, raw := post(t, s, `{"call":"c-1","customer":{"kind":"phone","value":"+15551230001"},"role":"customer","direction":"inbound"}`)
	if status != http.StatusCreated {
		t.Fatal(raw)
	}
	status, two, raw := post(t, s, `{"interaction":"`+one.Interaction+`","role":"agent","agent":"a1","payload_types":{"111":"opus/48000/2"}}`)
	if status != http.StatusCreated || two.Interaction != one.Interaction || two.Leg == one.Leg || two.Address == one.Address {
		t.Fatalf("%d %s", status, raw)
	}
	speak(t, one.Address, 50)
	speak(t, two.Address, 50)
	ingesttest.Await(t, "what was sent", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.asked[one.Leg].leg.Stats().Packets == 50 && l.asked[two.Leg].leg.Stats().Packets == 50
	})
	for i, leg := range []string{one.Leg, two.Leg} {
		req, err := http.NewRequest(http.MethodDelete, s.URL+"/v1/rtp/legs/"+leg, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []int{http.StatusNoContent, http.StatusNotFound} {
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != want {
				t.Errorf("leg %d: %d, want %d", i, resp.StatusCode, want)
			}
		}
	}
	if end := ended(t, b, one.Interaction); end.Change != event.Ended || end.Reason != "ended by request" || *end.Measures.LossPercent != 0 {
		t.Errorf("end %+v", end)
	}
	ingesttest.Await(t, "two seconds of audio", func() bool {
		octets := 0
		for _, a := range ingesttest.All(t, b, event.Audio().Source) {
			octets += len(a.Payload)
		}
		return octets >= 100*160
	})
}

func TestLegsRefused(t *testing.T) {
	s, _, _ := newLegs(t, LegsConfig{}, calls.Config{MaxCalls: 1})
	if status, _, raw := post(t, s, `{}`); status != http.StatusCreated {
		t.Fatal(raw)
	}
	for _, tt := range []struct {
		body   string
		status int
		says   string
	}{
		{`{}`, http.StatusServiceUnavailable, "No more calls"},
		{`{"role":"owner"}`, http.StatusBadRequest, "#/role"},
		{`{"direction":"up"}`, http.StatusBadRequest, "#/direction"},
		{`{"port":5001}`, http.StatusBadRequest, "#/port"},
		{`{"port":"x"}`, http.StatusBadRequest, "#/port"},
		{`{"payload_types":{"200":"opus/48000"}}`, http.StatusBadRequest, "#/payload_types"},
		{`{"payload_types":{"96":"opus"}}`, http.StatusBadRequest, "#/payload_types"},
		{`{"customer":{"kind":"name","value":"x"}}`, http.StatusBadRequest, "#/customer/kind"},
		{`{"customer":{"kind":"phone","value":"x"}}`, http.StatusBadRequest, "#/customer/value"},
		{`{"interaction":"i_unknown"}`, http.StatusNotFound, "going on"},
		{`{`, http.StatusBadRequest, "is not JSON"},
		{`{"account":"` + strings.Repeat("x", maxBody) + `"}`, http.StatusRequestEntityTooLarge, "bytes"},
	} {
		if status, _, raw := post(t, s, tt.body); status != tt.status || !strings.Contains(raw, tt.says) {
			t.Errorf("%.40s: %d %s", tt.body, status, raw)
		}
	}
}

func TestSilentLegEnds(t *testing.T) {
	s, b, l := newLegs(t, LegsConfig{Idle: time.Second}, calls.Config{})
	_, made, _ := post(t, s, `{}`)
	if end := ended(t, b, made.Interaction); end.Change != event.Failed {
		t.Errorf("end %+v", end)
	}
	ingesttest.Await(t, "the release of its ports", func() bool { return l.ports.InUse() == 0 })
}

// TestLines: calls follow each other on two ports of the configuration.
// TestLineIgnoresStrangers: what is no audio begins no call.
func TestLineIgnoresStrangers(t *testing.T) {
	port := freePair(t)
	_, _, l := newLegs(t, LegsConfig{Lines: []Line{{Name: "desk 1", Port: port, Role: "customer"}}}, calls.Config{})
	line := l.trunks[0].lines[0]
	voice := packet(1, 7, 0, make([]byte, 160))
	for name, datagram := range map[string][]byte{
		"HTTP": []byte("GET / HTTP/1.0\r\n\r\n"), "SIP": []byte("OPTIONS sip:x SIP/2.0\r\n\r\n"), "nothing": nil,
		"STUN": append([]byte{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42}, make([]byte, 12)...), "a cut header": voice[:11], "no payload": voice[:12],
	} {
		if line.Receive(datagram, time.Now()) == nil || l.door.Open() != 0 {
			t.Errorf("%s begins a call", name)
		}
	}
	if err := line.Receive(voice, time.Now()); err != nil || l.door.Open() != 1 {
		t.Errorf("audio begins %d calls: %v", l.door.Open(), err)
	}
}

func TestLines(t *testing.T) {
	a, b2 := freePair(t), freePair(t)
	// Longer than the machine may keep us from speaking on one line after the other.
	const idle = 3 * time.Second
	_, b, _ := newLegs(t, LegsConfig{Lines: []Line{
		{Name: "desk 1", Port: a, Role: "customer", Idle: idle},
		{Name: "desk 1", Port: b2, Role: "agent", Agent: "a1", Idle: idle},
	}}, calls.Config{})
	for n := range 2 {
		for _, port := range []int{a, b2} {
			speak(t, (&net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}).String(), 20)
		}
		ingesttest.Await(t, "the call ends with its silence", func() bool {
			ends := 0
			for _, i := range changesOf(t, b, "") {
				if i.Change == event.Ended && i.Reason == "silence" {
					ends++
				}
			}
			return ends == n+1
		})
	}
	legs := map[string]bool{}
	ingesttest.Await(t, "the last chunks of two calls of two legs", func() bool {
		for _, c := range ingesttest.All(t, b, event.Audio().Source) {
			if c.Last {
				legs[c.Leg] = true
			}
		}
		return len(legs) >= 4
	})
	if len(legs) != 4 {
		t.Errorf("%d legs in two calls of two", len(legs))
	}
}

// freePair finds two free ports, the first even.
// freePair is a pair that is free, and none of those that the system gives to others.
func freePair(t testing.TB) int {
	p := newPorts(t, Config{})
	for range 20 {
		port := 22000 + 2*rand.IntN(4000)
		if s, err := p.OpenAt(port); err == nil {
			s.Close()
			return port
		}
	}
	t.Fatal("no pair of ports is free")
	return 0
}

func TestLinesAreChecked(t *testing.T) {
	d, p := newDoor(t, newBus(t), calls.Config{}), newPorts(t, Config{})
	port := freePair(t)
	for name, lines := range map[string][]Line{
		"nameless": {{Port: port}}, "role": {{Name: "a", Port: port, Role: "boss"}}, "codec": {{Name: "a", Port: port, Codec: "opus"}},
		"twice": {{Name: "a", Port: port}, {Name: "b", Port: port}},
	} {
		if _, err := NewLegs(LegsConfig{Lines: lines}, d, p, silent()); err == nil || !strings.HasPrefix(err.Error(), "rtp config: ") {
			t.Errorf("%s: %v", name, err)
		}
		if p.InUse() != 0 {
			t.Errorf("%s: a port stays open", name)
		}
	}
}

func FuzzLegRequest(f *testing.F) {
	f.Add([]byte(`{"call":"c","customer":{"kind":"phone","value":"+1"},"payload_types":{"111":"opus/48000/2"},"port":4000}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var q legRequest
		if json.Unmarshal(body, &q) != nil {
			return
		}
		a, fields := q.check()
		if len(fields) == 0 && (a.desc.ID == "" || a.desc.Tenant == "") {
			t.Error("a leg without a name is let in")
		}
	})
}

// TestTenantsAreApart: who may make legs for one tenant cannot touch another's.
func TestTenantsAreApart(t *testing.T) {
	s, _, _ := newLegs(t, LegsConfig{Tenant: func(r *http.Request) string { return r.Header.Get("X-Tenant") }}, calls.Config{})
	ask := func(method, path, tenant, body string) (int, string) {
		t.Helper()
		req, err := http.NewRequest(method, s.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Tenant", tenant)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var made legResponse
		if resp.StatusCode == http.StatusCreated {
			if err := json.NewDecoder(resp.Body).Decode(&made); err != nil {
				t.Fatal(err)
			}
		}
		return resp.StatusCode, made.Leg + " " + made.Interaction
	}
	status, made := ask("POST", "/v1/rtp/legs", "acme", `{"tenant":"other"}`)
	leg, interaction, _ := strings.Cut(made, " ")
	if status != http.StatusCreated {
		t.Fatal(status)
	}
	if status, _ := ask("POST", "/v1/rtp/legs", "other", `{"interaction":"`+interaction+`"}`); status != http.StatusNotFound {
		t.Errorf("a stranger joins the call: %d", status)
	}
	if status, _ := ask("DELETE", "/v1/rtp/legs/"+leg, "other", ""); status != http.StatusNotFound {
		t.Errorf("a stranger ends the leg: %d", status)
	}
	if status, _ := ask("DELETE", "/v1/rtp/legs/"+leg, "acme", ""); status != http.StatusNoContent {
		t.Errorf("its owner cannot end the leg: %d", status)
	}
}
