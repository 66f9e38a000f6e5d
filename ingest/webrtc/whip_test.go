package webrtc_test

import (
	"bytes"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	pion "github.com/pion/webrtc/v4"

	"throughline/event"
	"throughline/ingest/calls"
	"throughline/ingest/calls/callstest"
	"throughline/ingest/webrtc"
	"throughline/media"
	"throughline/media/codec"
	"throughline/media/ogg"
)

// split cuts octets into payloads of n.
func split(b []byte, n int) (all [][]byte) {
	for ; len(b) >= n; b = b[n:] {
		all = append(all, b[:n])
	}
	return all
}

func packets(t testing.TB) (all [][]byte) {
	f, err := os.Open("../../media/ogg/testdata/chirp.ogg")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := ogg.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for {
		p, _, err := r.Next()
		if err != nil {
			return all
		}
		all = append(all, bytes.Clone(p))
	}
}

// octets are the payloads of a leg as they stand on the topic, one after another.
func octets(t testing.TB, l *callstest.Leg) (all []byte, formats map[codec.Format]bool) {
	if l == nil {
		t.Fatal("no leg of this role")
	}
	formats = map[codec.Format]bool{}
	for _, c := range l.Chunks {
		var m media.Chunk
		if err := m.UnmarshalBinary(c.Payload); err != nil {
			t.Fatal(err)
		}
		for _, p := range m.Parts {
			all = append(all, p.Payload...)
			formats[m.Format] = true
		}
	}
	return all, formats
}

// TestCodecs sends each codec as a pion client does, and finds on Kafka the very
// octets that were sent.
func TestCodecs(t *testing.T) {
	g722, err := os.ReadFile("../../media/codec/testdata/chirp.g722")
	if err != nil {
		t.Fatal(err)
	}
	tone := callstest.Tone(440, 8000)
	tests := []struct {
		name     string
		codec    pion.RTPCodecCapability
		format   codec.Format
		payloads [][]byte
	}{
		{"opus", opus(), codec.Format{Codec: codec.Opus, ClockRate: 48000, Channels: 2}, packets(t)},
		{"PCMU", pcmu(), codec.Format{Codec: codec.PCMU, ClockRate: 8000, Channels: 1}, split(codec.AppendULaw(nil, tone), 160)},
		{"PCMA", pion.RTPCodecCapability{MimeType: pion.MimeTypePCMA, ClockRate: 8000}, codec.Format{Codec: codec.PCMA, ClockRate: 8000, Channels: 1}, split(codec.AppendALaw(nil, tone), 160)},
		{"G722", pion.RTPCodecCapability{MimeType: pion.MimeTypeG722, ClockRate: 8000}, codec.Format{Codec: codec.G722, ClockRate: 8000, Channels: 1}, split(g722, 160)},
	}
	l := newLab(t, webrtc.Config{}, calls.Config{})
	ends, said := 0, 0
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newPublisher(t, tt.codec)
			at := l.publish(t, p, "?role=customer&call="+tt.name+"&customer=phone:%2B15551230001&direction=inbound")
			send(t, p.tracks[0], tt.payloads)
			said += len(bytes.Join(tt.payloads, nil))
			l.Heard(t, said)
			if resp, _ := l.request(t, "DELETE", at, ""); resp.StatusCode != http.StatusOK {
				t.Errorf("DELETE: %d", resp.StatusCode)
			}
			if resp, _ := l.request(t, "DELETE", at, ""); resp.StatusCode != http.StatusNotFound {
				t.Errorf("second DELETE: %d", resp.StatusCode)
			}
			ends++
			id := calls.Description{Tenant: "acme", Source: "webrtc", ID: tt.name}.Interaction()
			for _, end := range l.Ended(t, ends) {
				if end.Interaction == id && (end.Change != event.Ended || end.Reason != webrtc.ReasonRequest ||
					end.Customer != event.CustomerID("acme", event.Handle{Kind: event.Phone, Value: "+15551230001"}) || end.Measures.MOS == nil) {
					t.Errorf("end %+v", end)
				}
			}
			got, formats := octets(t, l.Legs(t, id, 8000)[event.Customer])
			if want := bytes.Join(tt.payloads, nil); !bytes.Equal(got, want) || !formats[tt.format] || len(formats) != 1 {
				t.Errorf("%d octets of %d, formats %v", len(got), len(want), formats)
			}
		})
	}
	l.empty(t)
}

// TestTwoLegs: an agent and a customer are one call, whether they publish in two
// sessions or as two tracks of one.
func TestTwoLegs(t *testing.T) {
	first, second := split(bytes.Repeat([]byte{0x11}, 4000), 160), split(bytes.Repeat([]byte{0x22}, 4000), 160)
	check := func(t *testing.T, l *lab, interaction string) {
		t.Helper()
		legs := l.Legs(t, interaction, 8000)
		for role, want := range map[event.Role][][]byte{event.Agent: first, event.Customer: second} {
			if got, _ := octets(t, legs[role]); !bytes.Equal(got, bytes.Join(want, nil)) {
				t.Errorf("%s: %d octets", role, len(got))
			}
		}
		if c := legs[event.Agent].Chunks[0]; c.Agent != "a7" {
			t.Errorf("agent is %q", c.Agent)
		}
	}
	t.Run("two sessions", func(t *testing.T) {
		l := newLab(t, webrtc.Config{}, calls.Config{})
		agent, customer := newPublisher(t, pcmu()), newPublisher(t, pcmu())
		at := l.publish(t, agent, "?call=c1&role=agent&agent=a7")
		id := calls.Description{Tenant: "acme", Source: "webrtc", ID: "c1"}.Interaction()
		resp, answer := l.request(t, "POST", webrtc.Path+"?interaction="+id, customer.offer(t, nil),
			"Content-Type", "application/sdp; charset=utf-8", "Throughline-Role", "customer")
		if resp.StatusCode != http.StatusCreated {
			t.Fatalf("%d %s", resp.StatusCode, answer)
		}
		customer.accept(t, answer)
		customer.connected(t)
		done := make(chan struct{})
		go func() { defer close(done); send(t, agent.tracks[0], first) }()
		send(t, customer.tracks[0], second)
		<-done
		l.Heard(t, 8000)
		l.request(t, "DELETE", at, "")
		if l.Door.Open() != 1 {
			t.Error("the call is over although a leg goes on")
		}
		_ = customer.pc.Close() // DTLS says goodbye
		l.one(t, event.Ended, webrtc.ReasonLeft)
		check(t, l, id)
	})
	t.Run("two tracks", func(t *testing.T) {
		l := newLab(t, webrtc.Config{}, calls.Config{})
		p := newPublisher(t, pcmu(), pcmu())
		at := l.publish(t, p, "?call=c1&role=agent&role=customer&agent=a7")
		done := make(chan struct{})
		go func() { defer close(done); send(t, p.tracks[0], first) }()
		send(t, p.tracks[1], second)
		<-done
		l.Heard(t, 8000)
		l.request(t, "DELETE", at, "")
		check(t, l, l.one(t, event.Ended, webrtc.ReasonRequest).Interaction)
	})
}

// TestRefusals: what cannot be served says so, with the status that the RFC gives,
// and leaves nothing behind.
func TestRefusals(t *testing.T) {
	l := newLab(t, webrtc.Config{}, calls.Config{})
	good := newPublisher(t, opus()).offer(t, nil)
	replace := func(old, by string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("the offer has no %q", old)
		}
		return strings.ReplaceAll(good, old, by)
	}
	receiver := newPublisher(t)
	if _, err := receiver.pc.AddTransceiverFromKind(pion.RTPCodecTypeAudio, pion.RTPTransceiverInit{Direction: pion.RTPTransceiverDirectionRecvonly}); err != nil {
		t.Fatal(err)
	}
	video := newPublisher(t, pion.RTPCodecCapability{MimeType: pion.MimeTypeVP8, ClockRate: 90000})
	data := newPublisher(t, opus())
	if _, err := data.pc.CreateDataChannel("chat", nil); err != nil {
		t.Fatal(err)
	}
	sdp := []string{"Content-Type", "application/sdp"}
	tests := []struct {
		name, path, body string
		headers          []string
		want             int
		detail           string
	}{
		{"content type", "", good, []string{"Content-Type", "text/plain"}, 415, "application/sdp"},
		{"no content type", "", good, nil, 415, "application/sdp"},
		{"no token", "", good, []string{"Content-Type", "application/sdp", "Authorization", ""}, 401, "token"},
		{"foreign token", "", good, []string{"Content-Type", "application/sdp", "Authorization", "Bearer nobody"}, 401, "token"},
		{"empty", "", "", sdp, 422, "no m-line"},
		{"no SDP", "", "hello", sdp, 400, "RFC 8866"},
		{"too long", "", strings.Repeat("a", 65<<10), sdp, 413, "65536"},
		{"no m-line", "", good[:strings.Index(good, "m=audio")], sdp, 422, "no m-line"},
		{"only video", "", video.offer(t, nil), sdp, 422, "sendonly"},
		{"only receives", "", receiver.offer(t, nil), sdp, 422, "sendonly"},
		{"three tracks", "", newPublisher(t, opus(), opus(), opus()).offer(t, nil), sdp, 422, "More than 2"},
		{"data channel", "", data.offer(t, nil), sdp, 422, "data channels"},
		{"lite", "", replace("m=audio", "a=ice-lite\r\nm=audio"), sdp, 422, "ice-lite"},
		{"no mid", "", replace("a=mid:0\r\n", ""), sdp, 400, "a=mid"},
		{"no rtcp-mux", "", replace("a=rtcp-mux\r\n", ""), sdp, 422, "rtcp-mux"},
		{"no ufrag", "", replace("a=ice-ufrag:", "a=ice-other:"), sdp, 400, "ice-ufrag"},
		{"no fingerprint", "", replace("a=fingerprint:", "a=finger:"), sdp, 400, "fingerprint"},
		{"unknown codecs", "", strings.NewReplacer("opus/48000/2", "nothing/48000", "G722/8000", "no/8000", "PCMU/8000", "no/8000", "PCMA/8000", "no/8000").Replace(good), sdp, 422, "PCMU"},
		{"role", "?role=boss", good, sdp, 400, "#/role"},
		{"direction", "?direction=up", good, sdp, 400, "#/direction"},
		{"customer", "?customer=anna", good, sdp, 400, "#/customer"},
		{"two names of the call", "?call=a&interaction=b", good, sdp, 400, "#/interaction"},
		{"long", "?queue=" + strings.Repeat("q", 300), good, sdp, 400, "#/queue"},
		{"no such call", "?interaction=i_none", good, sdp, 404, "going on"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resp, body := l.request(t, "POST", webrtc.Path+tt.path, tt.body, tt.headers...)
			if resp.StatusCode != tt.want || !strings.Contains(body, tt.detail) || resp.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%d %s", resp.StatusCode, body)
			}
		})
	}
	l.empty(t)
	if all := l.Changes(t); len(all) != 0 {
		t.Errorf("refusals were published: %+v", all)
	}
}

// TestVideoIsRefused: an offer with audio and video is answered, the video with
// port zero and outside of the bundle (RFC 9143 §7.3.3).
func TestVideoIsRefused(t *testing.T) {
	l := newLab(t, webrtc.Config{}, calls.Config{})
	p := newPublisher(t, opus(), pion.RTPCodecCapability{MimeType: pion.MimeTypeVP8, ClockRate: 90000})
	resp, answer := l.post(t, "", p.offer(t, nil))
	if resp.StatusCode != http.StatusCreated || !strings.Contains(answer, "m=video 0 ") || !strings.Contains(answer, "a=group:BUNDLE 0\r\n") {
		t.Fatalf("%d %s", resp.StatusCode, answer)
	}
	for _, want := range []string{"a=ice-lite\r\n", "a=setup:active\r\n", "a=recvonly\r\n", "opus/48000/2", "a=end-of-candidates\r\n"} {
		if !strings.Contains(answer, want) {
			t.Errorf("the answer lacks %s", want)
		}
	}
	if strings.Count(answer, "a=candidate:") == 0 || strings.Contains(answer, "VP8") {
		t.Error(answer)
	}
}

// TestPrefixes: whatever is left of an offer that broke off is refused or answered,
// never more.
func TestPrefixes(t *testing.T) {
	l := newLab(t, webrtc.Config{MaxSessions: 10_000, ConnectWithin: 100 * time.Millisecond}, calls.Config{MaxCalls: 10_000})
	offer := newPublisher(t, opus()).offer(t, nil)
	for n := range len(offer) {
		resp, body := l.post(t, "", offer[:n])
		switch resp.StatusCode {
		case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusCreated:
		default:
			t.Errorf("%d bytes: %d %s", n, resp.StatusCode, body)
		}
	}
}

// TestTooMany: no more sessions than allowed, and none beyond the door's own bound.
func TestTooMany(t *testing.T) {
	tests := []struct {
		name  string
		cfg   webrtc.Config
		doors calls.Config
	}{
		{"sessions", webrtc.Config{MaxSessions: 1}, calls.Config{}},
		{"calls", webrtc.Config{}, calls.Config{MaxCalls: 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := newLab(t, tt.cfg, tt.doors)
			at := l.publish(t, newPublisher(t, pcmu()), "")
			offer := newPublisher(t, pcmu()).offer(t, nil)
			resp, body := l.post(t, "", offer)
			if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") != "10" {
				t.Fatalf("%d %s", resp.StatusCode, body)
			}
			if n := l.counted(t, "throughline_webrtc_refused_total", "503"); n != 1 {
				t.Errorf("%v refusals are counted", n)
			}
			l.request(t, "DELETE", at, "")
			if resp, body = l.post(t, "", offer); resp.StatusCode != http.StatusCreated {
				t.Errorf("with room again: %d %s", resp.StatusCode, body)
			}
		})
	}
}
