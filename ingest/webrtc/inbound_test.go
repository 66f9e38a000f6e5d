package webrtc_test

import (
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	pion "github.com/pion/webrtc/v4"

	"throughline/event"
	"throughline/ingest/calls"
	"throughline/ingest/ingesttest"
	"throughline/ingest/webrtc"
	"throughline/problem"
)

// newPlatform is a peer as the WhatsApp Business Calling API is seen in captures:
// ICE-lite, one m-line of Opus for both directions, actpass. It waits for checks
// and for the ClientHello.
func newPlatform(t *testing.T) (*publisher, <-chan []byte) {
	t.Helper()
	m := &pion.MediaEngine{}
	for _, c := range []pion.RTPCodecParameters{
		{PayloadType: 111, RTPCodecCapability: pion.RTPCodecCapability{MimeType: pion.MimeTypeOpus, ClockRate: 48000, Channels: 2,
			SDPFmtpLine: "maxaveragebitrate=20000;maxplaybackrate=16000;minptime=20;sprop-maxcapturerate=16000;useinbandfec=1"}},
		{PayloadType: 126, RTPCodecCapability: pion.RTPCodecCapability{MimeType: "audio/telephone-event", ClockRate: 8000}},
	} {
		if err := m.RegisterCodec(c, pion.RTPCodecTypeAudio); err != nil {
			t.Fatal(err)
		}
	}
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var s pion.SettingEngine
	mux := pion.NewICEUDPMux(nil, conn)
	t.Cleanup(func() { _ = mux.Close() })
	s.SetICEUDPMux(mux)
	s.SetLite(true)
	s.SetIncludeLoopbackCandidate(true)
	pc, err := pion.NewAPI(pion.WithMediaEngine(m), pion.WithSettingEngine(s)).NewPeerConnection(pion.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pc.Close() })
	track, err := pion.NewTrackLocalStaticSample(opus(), "audio", "customer")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pc.AddTrack(track); err != nil {
		t.Fatal(err)
	}
	heard := make(chan []byte, 1000)
	pc.OnTrack(func(t *pion.TrackRemote, _ *pion.RTPReceiver) {
		for {
			p, _, err := t.ReadRTP()
			if err != nil {
				return
			}
			select {
			case heard <- p.Payload:
			default:
			}
		}
	})
	p := &publisher{pc: pc, tracks: []*pion.TrackLocalStaticSample{track}, up: make(chan struct{})}
	pc.OnConnectionStateChange(func(s pion.PeerConnectionState) {
		if s == pion.PeerConnectionStateConnected {
			close(p.up)
		}
	})
	return p, heard
}

// TestAnswer takes a call of an ICE-lite platform: we send the checks, the
// ClientHello and silence, and what the customer says reaches Kafka.
func TestAnswer(t *testing.T) {
	l := newLab(t, webrtc.Config{}, calls.Config{})
	platform, heard := newPlatform(t)
	offer := platform.offer(t, nil)
	if !strings.Contains(offer, "a=ice-lite\r\n") || !strings.Contains(offer, "a=setup:actpass\r\n") || !strings.Contains(offer, "a=sendrecv\r\n") {
		t.Fatalf("the platform's offer is another:\n%s", offer)
	}
	customer := event.Handle{Kind: event.Phone, Value: "+15551230001"}
	in := webrtc.Offered{SDP: offer, Leg: calls.LegOptions{Role: event.Customer},
		Call: calls.Description{Tenant: "acme", Source: "whatsapp", ID: "wacid.1", Customer: customer, Direction: "inbound"}}
	answer, session, err := l.server.Answer(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"a=setup:active\r\n", "a=sendrecv\r\n", "a=end-of-candidates\r\n", "a=candidate:"} {
		if !strings.Contains(answer, want) {
			t.Errorf("the answer lacks %q:\n%s", want, answer)
		}
	}
	if strings.Contains(answer, "a=ice-lite") {
		t.Error("neither side would send checks")
	}
	platform.accept(t, answer)
	platform.connected(t)
	payloads := packets(t)
	send(t, platform.tracks[0], payloads)
	for range 10 {
		select {
		case p := <-heard:
			if !slices.Equal(p, []byte{0xf8, 0xff, 0xfe}) {
				t.Fatalf("we send %x", p)
			}
		case <-time.After(ingesttest.Patience):
			t.Fatal("the platform hears nothing of us")
		}
	}
	l.Heard(t, len(slices.Concat(payloads...)))
	if session.Interaction() != in.Call.Interaction() {
		t.Errorf("interaction %s", session.Interaction())
	}
	session.End("terminated by the platform")
	<-session.Done()
	end := l.one(t, event.Ended, "terminated by the platform")
	if got, _ := octets(t, l.Legs(t, end.Interaction, 16000)[event.Customer]); !slices.Equal(got, slices.Concat(payloads...)) {
		t.Errorf("%d octets", len(got))
	}
}

// TestAnswerRefuses: an offer that is not an ICE-lite platform's, or is none.
func TestAnswerRefuses(t *testing.T) {
	l := newLab(t, webrtc.Config{}, calls.Config{})
	for name, text := range map[string]string{"full ICE": newPublisher(t, opus()).offer(t, nil), "broken": "v=0\r\no=", "empty": ""} {
		_, _, err := l.server.Answer(t.Context(), webrtc.Offered{SDP: text, Call: calls.Description{Tenant: "acme", Source: "whatsapp", ID: name}})
		if p := problem.Of(err); p.Status != http.StatusBadRequest && p.Status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %v", name, err)
		}
	}
	l.empty(t)
}
