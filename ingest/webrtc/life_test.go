package webrtc_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	pion "github.com/pion/webrtc/v4"

	"throughline/event"
	"throughline/ingest/calls"
	"throughline/ingest/ingesttest"
	"throughline/ingest/webrtc"
)

// TestNeverConnects: an answer that nobody takes up costs its place for a bounded
// time, and its call is abandoned.
func TestNeverConnects(t *testing.T) {
	l := newLab(t, webrtc.Config{ConnectWithin: 300 * time.Millisecond}, calls.Config{})
	if resp, body := l.post(t, "", newPublisher(t, opus()).offer(t, nil)); resp.StatusCode != http.StatusCreated {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	l.one(t, event.Abandoned, webrtc.ReasonNotConnected)
	l.empty(t)
}

// TestLost: a publisher that falls silent without a word fails after the grace.
func TestLost(t *testing.T) {
	l := newLab(t, webrtc.Config{Grace: 2 * time.Second}, calls.Config{})
	p := newPublisher(t, pcmu())
	l.publish(t, p, "")
	send(t, p.tracks[0], split(make([]byte, 1600), 160))
	// Stopping the ICE transport alone takes the socket away: no goodbye is sent.
	if err := p.pc.SCTP().Transport().ICETransport().Stop(); err != nil {
		t.Fatal(err)
	}
	l.one(t, event.Failed, webrtc.ReasonLost)
	l.empty(t)
	if n := l.counted(t, "throughline_webrtc_sessions_finished_total", "failed"); n != 1 {
		t.Errorf("%v failures are counted", n)
	}
}

// TestStop: when the process stops, open sessions fail with that reason.
func TestStop(t *testing.T) {
	l := newLab(t, webrtc.Config{}, calls.Config{})
	l.publish(t, newPublisher(t, pcmu()), "")
	l.stop()
	l.one(t, event.Failed, calls.ReasonStopped)
	if resp, _ := l.post(t, "", newPublisher(t, pcmu()).offer(t, nil)); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("after the stop: %d", resp.StatusCode)
	}
}

// lines of an offer or answer that begin with prefix.
func lines(text, prefix string) (all []string) {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, prefix) {
			all = append(all, strings.TrimRight(line, "\r\n"))
		}
	}
	return all
}

const moreCandidates = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n" +
	"a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host\r\na=end-of-candidates\r\n"

// TestPatch follows RFC 9725 §4.3: who may trickle, and with which tag.
func TestPatch(t *testing.T) {
	l := newLab(t, webrtc.Config{}, calls.Config{})
	p := newPublisher(t, pcmu())
	offer := p.offer(t, nil)
	resp, answer := l.post(t, "", offer)
	at, etag := resp.Header.Get("Location"), resp.Header.Get("ETag")
	if at == "" || etag == "" || resp.Header.Get("Accept-Patch") != "application/trickle-ice-sdpfrag" {
		t.Fatalf("%d %v", resp.StatusCode, resp.Header)
	}
	p.accept(t, answer)
	ours := lines(offer, "a=ice-ufrag:")[0] + "\r\n" + lines(offer, "a=ice-pwd:")[0] + "\r\n"
	other := "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n"
	const kind = "application/trickle-ice-sdpfrag"
	tests := []struct {
		name, kind, match, body, at string
		want                        int
	}{
		{"trickle", kind, etag, ours + moreCandidates, at, 204},
		{"no tag", kind, "", ours + moreCandidates, at, 428},
		{"wrong tag", kind, `"old"`, ours + moreCandidates, at, 412},
		{"credentials of another session", kind, etag, other + moreCandidates, at, 412},
		{"content type", "application/sdp", etag, ours, at, 415},
		{"no credentials", kind, etag, moreCandidates, at, 400},
		{"no fragment", kind, etag, "hello", at, 400},
		{"bad candidate", kind, etag, ours + "a=candidate:1 1 udp\r\n", at, 400},
		{"bad ufrag", kind, etag, "a=ice-ufrag:??\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n", at, 400},
		{"no such session", kind, etag, ours, webrtc.Path + "/none", 404},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resp, body := l.request(t, "PATCH", tt.at, tt.body, "Content-Type", tt.kind, "If-Match", tt.match)
			if resp.StatusCode != tt.want {
				t.Errorf("%d %s", resp.StatusCode, body)
			}
		})
	}
	if resp, _ := l.request(t, "DELETE", at, "", "Authorization", "Bearer a-token-of-somebody-else"); resp.StatusCode != http.StatusNotFound {
		t.Errorf("another tenant ends the session: %d", resp.StatusCode)
	}
	for _, method := range []string{"GET", "HEAD", "PUT", "POST"} {
		if resp, _ := l.request(t, method, at, ""); resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") == "" {
			t.Errorf("%s: %d", method, resp.StatusCode)
		}
	}
	p.connected(t)
}

// TestRestart: a publisher that restarts ICE goes on in the same session and the
// same leg, with nothing lost.
func TestRestart(t *testing.T) {
	l := newLab(t, webrtc.Config{}, calls.Config{})
	p := newPublisher(t, pcmu())
	resp, answer := l.post(t, "?role=customer", p.offer(t, nil))
	at, etag := resp.Header.Get("Location"), resp.Header.Get("ETag")
	p.accept(t, answer)
	p.connected(t)
	before, after := split([]byte(strings.Repeat("a", 8000)), 160), split([]byte(strings.Repeat("b", 8000)), 160)
	send(t, p.tracks[0], before)
	l.Heard(t, 8000)
	offer := p.offer(t, &pion.OfferOptions{ICERestart: true})
	body := lines(offer, "a=ice-ufrag:")[0] + "\r\n" + lines(offer, "a=ice-pwd:")[0] + "\r\n" + moreCandidates
	resp, theirs := l.request(t, "PATCH", at, body, "Content-Type", "application/trickle-ice-sdpfrag", "If-Match", "*")
	if resp.StatusCode != http.StatusOK || resp.Header.Get("ETag") == etag || resp.Header.Get("Content-Type") != "application/trickle-ice-sdpfrag" {
		t.Fatalf("%d %v %s", resp.StatusCode, resp.Header, theirs)
	}
	for _, name := range []string{"a=ice-ufrag:", "a=ice-pwd:"} {
		was, is := lines(answer, name)[0], lines(theirs, name)
		if len(is) != 1 || is[0] == was {
			t.Fatalf("the fragment does not change %s:\n%s", name, theirs)
		}
		answer = strings.ReplaceAll(answer, was, is[0])
	}
	if fmt.Sprint(lines(theirs, "a=candidate:")) == "[]" {
		t.Errorf("the fragment has no candidate:\n%s", theirs)
	}
	p.accept(t, answer)
	ingesttest.Await(t, "a pair of candidates again", func() bool {
		pair, err := p.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePair()
		return err == nil && pair != nil
	})
	send(t, p.tracks[0], after)
	l.Heard(t, 16000)
	l.request(t, "DELETE", at, "")
	end := l.one(t, event.Ended, webrtc.ReasonRequest)
	legs := l.Legs(t, end.Interaction, 8000)
	got, _ := octets(t, legs[event.Customer])
	if len(got) != 16000 || got[0] != 'a' || got[len(got)-1] != 'b' {
		t.Errorf("%d octets", len(got))
	}
}

// TestBrowsersOfOtherOrigins: what a page of a configured origin needs to publish.
func TestBrowsersOfOtherOrigins(t *testing.T) {
	l := newLab(t, webrtc.Config{Origins: []string{"https://desk.example.com"}, ICEServers: []webrtc.ICEServer{
		{URL: "stun:stun.example.com:3478"}, {URL: "turn:turn.example.com?transport=udp", Username: "u", Credential: "p"}}}, calls.Config{})
	resp, _ := l.request(t, "OPTIONS", webrtc.Path, "", "Authorization", "", "Origin", "https://desk.example.com", "Access-Control-Request-Method", "POST")
	h := resp.Header
	if resp.StatusCode != http.StatusOK || h.Get("Access-Control-Allow-Origin") != "https://desk.example.com" || h.Get("Accept-Post") != "application/sdp" ||
		!strings.Contains(h.Get("Access-Control-Allow-Methods"), "POST") || !strings.Contains(h.Get("Access-Control-Allow-Headers"), "Throughline-Customer") {
		t.Errorf("%d %v", resp.StatusCode, h)
	}
	if links := h.Values("Link"); len(links) != 2 || links[0] != `<stun:stun.example.com:3478>; rel="ice-server"` ||
		links[1] != `<turn:turn.example.com?transport=udp>; rel="ice-server"; username="u"; credential="p"; credential-type="password"` {
		t.Errorf("links %q", links)
	}
	resp, _ = l.request(t, "OPTIONS", webrtc.Path+"/x", "", "Origin", "https://elsewhere.example.com")
	if resp.Header.Get("Access-Control-Allow-Origin") != "" || resp.Header.Get("Vary") != "Origin" {
		t.Errorf("a foreign origin: %v", resp.Header)
	}
	resp, _ = l.request(t, "POST", webrtc.Path, newPublisher(t, opus()).offer(t, nil), "Content-Type", "application/sdp", "Origin", "https://desk.example.com")
	if resp.StatusCode != http.StatusCreated || !strings.Contains(resp.Header.Get("Access-Control-Expose-Headers"), "Location") || len(resp.Header.Values("Link")) != 2 {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
}

// TestConfig: what cannot work is refused with the field's name.
func TestConfig(t *testing.T) {
	l := newLab(t, webrtc.Config{}, calls.Config{})
	same := func(h http.Handler) http.Handler { return h }
	who := func(*http.Request) string { return "acme" }
	tests := []struct {
		field string
		cfg   webrtc.Config
	}{
		{"Access", webrtc.Config{Tenant: who}},
		{"Tenant", webrtc.Config{Access: same}},
		{"listen", webrtc.Config{Access: same, Tenant: who, Listen: "here"}},
		{"listen", webrtc.Config{Access: same, Tenant: who, Listen: l.server.Addr().String()}},
		{"addresses[0]", webrtc.Config{Access: same, Tenant: who, Addresses: []string{"example.com"}}},
		{"origins[1]", webrtc.Config{Access: same, Tenant: who, Origins: []string{"*", "example.com/"}}},
		{"ice_servers[0]", webrtc.Config{Access: same, Tenant: who, ICEServers: []webrtc.ICEServer{{URL: "http://x"}}}},
		{"ice_servers[0]", webrtc.Config{Access: same, Tenant: who, ICEServers: []webrtc.ICEServer{{URL: "turn:x", Username: `a"b`}}}},
	}
	for _, tt := range tests {
		s, err := webrtc.New(tt.cfg, l.Door)
		if err == nil || !strings.Contains(err.Error(), tt.field) || s != nil {
			t.Errorf("%s: %v", tt.field, err)
		}
	}
}

// TestAddresses: publishers are told the addresses of the configuration, and no other.
func TestAddresses(t *testing.T) {
	l := newLab(t, webrtc.Config{Addresses: []string{"203.0.113.7"}}, calls.Config{})
	resp, answer := l.post(t, "", newPublisher(t, opus()).offer(t, nil))
	got := lines(answer, "a=candidate:")
	if resp.StatusCode != http.StatusCreated || len(got) == 0 {
		t.Fatalf("%d %s", resp.StatusCode, answer)
	}
	port := l.server.Addr().String()[strings.LastIndex(l.server.Addr().String(), ":")+1:]
	for _, c := range got {
		if w := strings.Fields(c); w[4] != "203.0.113.7" || w[5] != port {
			t.Errorf("candidate %s", c)
		}
	}
}
