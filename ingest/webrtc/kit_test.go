package webrtc_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	pion "github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"
	"github.com/prometheus/client_golang/prometheus"

	"throughline/event"
	"throughline/governance/access"
	"throughline/ingest/calls"
	"throughline/ingest/calls/callstest"
	"throughline/ingest/ingesttest"
	"throughline/ingest/webrtc"
)

const token = "a-token-of-acme-sources"

// lab is a WHIP server over HTTP, behind the product's own access control.
type lab struct {
	*callstest.Kit
	server   *webrtc.Server
	registry *prometheus.Registry
	mux      *http.ServeMux
	url      string
	stop     func()
}

func newLab(t testing.TB, cfg webrtc.Config, doors calls.Config) *lab {
	t.Helper()
	kit := callstest.New(t, doors)
	guard, err := access.New(access.Config{Tokens: []access.Token{
		{Token: token, Tenant: "acme", Role: access.Source}, {Token: "a-token-of-somebody-else", Tenant: "other", Role: access.Source}}})
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Listen == "" {
		cfg.Listen = "127.0.0.1:0"
	}
	l := &lab{Kit: kit, registry: prometheus.NewRegistry(), mux: http.NewServeMux()}
	cfg.Access, cfg.Tenant, cfg.Metrics, cfg.Logger = guard.Require(access.Source), access.Tenant, l.registry, slog.New(slog.NewTextHandler(io.Discard, nil))
	if l.server, err = webrtc.New(cfg, kit.Door); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.server.Run(ctx) }()
	stopped := false
	l.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("server: %v", err)
			}
		case <-time.After(ingesttest.Patience):
			t.Error("the server does not stop")
		}
	}
	t.Cleanup(l.stop)
	l.server.Routes(l.mux)
	l.mux.HandleFunc("POST /v1/", http.NotFound) // as others have it in the same mux
	web := httptest.NewServer(l.mux)
	t.Cleanup(web.Close)
	l.url = web.URL
	return l
}

// request sends a request with the token; headers go in pairs and win.
func (l *lab) request(t testing.TB, method, path, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(method, l.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

func (l *lab) post(t testing.TB, query, offer string) (*http.Response, string) {
	t.Helper()
	return l.request(t, "POST", webrtc.Path+query, offer, "Content-Type", "application/sdp")
}

// publisher is a pion client.
type publisher struct {
	pc     *pion.PeerConnection
	tracks []*pion.TrackLocalStaticSample
	up     chan struct{}
}

func opus() pion.RTPCodecCapability {
	return pion.RTPCodecCapability{MimeType: pion.MimeTypeOpus, ClockRate: 48000, Channels: 2}
}

func pcmu() pion.RTPCodecCapability {
	return pion.RTPCodecCapability{MimeType: pion.MimeTypePCMU, ClockRate: 8000}
}

// newPublisher makes a client that sends one track of each codec, all codecs
// being of one sort.
func newPublisher(t testing.TB, codecs ...pion.RTPCodecCapability) *publisher {
	t.Helper()
	m := &pion.MediaEngine{}
	if err := m.RegisterDefaultCodecs(); err != nil {
		t.Fatal(err)
	}
	var s pion.SettingEngine
	s.SetIncludeLoopbackCandidate(true)
	pc, err := pion.NewAPI(pion.WithMediaEngine(m), pion.WithSettingEngine(s)).NewPeerConnection(pion.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pc.Close() })
	p := &publisher{pc: pc, up: make(chan struct{})}
	pc.OnConnectionStateChange(func(s pion.PeerConnectionState) {
		if s == pion.PeerConnectionStateConnected {
			select {
			case <-p.up:
			default:
				close(p.up)
			}
		}
	})
	for _, c := range codecs {
		track, err := pion.NewTrackLocalStaticSample(c, "audio", "call")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pc.AddTransceiverFromTrack(track, pion.RTPTransceiverInit{Direction: pion.RTPTransceiverDirectionSendonly}); err != nil {
			t.Fatal(err)
		}
		p.tracks = append(p.tracks, track)
	}
	return p
}

func (p *publisher) offer(t testing.TB, options *pion.OfferOptions) string {
	t.Helper()
	o, err := p.pc.CreateOffer(options)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.pc.SetLocalDescription(o); err != nil {
		t.Fatal(err)
	}
	<-pion.GatheringCompletePromise(p.pc)
	return p.pc.LocalDescription().SDP
}

func (p *publisher) accept(t testing.TB, answer string) {
	t.Helper()
	if err := p.pc.SetRemoteDescription(pion.SessionDescription{Type: pion.SDPTypeAnswer, SDP: answer}); err != nil {
		t.Fatal(err)
	}
}

func (p *publisher) connected(t testing.TB) {
	t.Helper()
	select {
	case <-p.up:
	case <-time.After(ingesttest.Patience):
		t.Fatal("never connected")
	}
}

// publish connects a client and gives the URL of its session.
func (l *lab) publish(t testing.TB, p *publisher, query string) string {
	t.Helper()
	resp, answer := l.post(t, query, p.offer(t, nil))
	if resp.StatusCode != http.StatusCreated {
		t.Fatalf("%d %s", resp.StatusCode, answer)
	}
	p.accept(t, answer)
	p.connected(t)
	return resp.Header.Get("Location")
}

// send sends payloads of 20 ms at the pace of speech.
func send(t testing.TB, track *pion.TrackLocalStaticSample, payloads [][]byte) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for _, p := range payloads {
		if err := track.WriteSample(media.Sample{Data: p, Duration: 20 * time.Millisecond}); err != nil {
			t.Error(err)
			return
		}
		<-tick.C
	}
}

// one waits for the only end and checks how it came.
func (l *lab) one(t testing.TB, how event.Change, reason string) event.Interaction {
	t.Helper()
	end := l.Ended(t, 1)[0]
	if end.Change != how || end.Reason != reason {
		t.Errorf("%s because %q, want %s because %q", end.Change, end.Reason, how, reason)
	}
	return end
}

// empty waits until the server has let go of every session and call, which it
// does when their ends are on their way already.
func (l *lab) empty(t testing.TB) {
	t.Helper()
	ingesttest.Await(t, "a server without sessions", func() bool { return l.server.Sessions()+l.Door.Open() == 0 })
}

// counted is the sum of a metric's samples whose one label has the value.
func (l *lab) counted(t testing.TB, name, value string) (sum float64) {
	t.Helper()
	families, err := l.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && len(m.GetLabel()) == 1 && m.GetLabel()[0].GetValue() == value {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return sum
}
