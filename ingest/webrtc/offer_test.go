package webrtc

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/pion/ice/v4"
	pion "github.com/pion/webrtc/v4"

	"throughline/event"
	"throughline/problem"
)

// browserOffer is what Chromium 156 offers for a microphone, its addresses hidden.
const browserOffer = "v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS s\r\n" +
	"m=audio 56713 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\nc=IN IP4 192.0.2.7\r\na=rtcp:9 IN IP4 0.0.0.0\r\n" +
	"a=candidate:1 1 udp 2113937151 8c4c.local 56713 typ host generation 0 network-cost 999\r\na=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\na=ice-options:trickle\r\n" +
	"a=fingerprint:sha-256 4F:6E:0A:C8:9B:A5:E5:1B:25:C2:30:2C:F0:93:E3:99:5D:00:56:C3:1D:4E:4F:6E:0A:C8:9B:A5:E5:1B:25:C2\r\n" +
	"a=setup:actpass\r\na=mid:0\r\na=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\na=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=sendonly\r\na=msid:s t\r\na=rtcp-mux\r\na=rtcp-rsize\r\n" +
	"a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\na=fmtp:111 minptime=10;useinbandfec=1\r\na=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n" +
	"a=rtpmap:9 G722/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:13 CN/8000\r\na=rtpmap:110 telephone-event/48000\r\na=rtpmap:126 telephone-event/8000\r\na=ssrc:2154327 cname:c\r\na=ssrc:2154327 msid:s t\r\n"

// newPeers gives connections that answer without a server.
func newPeers(t testing.TB) func() *pion.PeerConnection {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	silent := slog.New(slog.NewTextHandler(io.Discard, nil))
	mux := ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: conn, Logger: loggers{silent}.NewLogger("mux")})
	t.Cleanup(func() { _ = mux.Close() })
	api, err := newAPI(Config{Logger: silent}.withDefaults(), mux, agent{lite: true, loopback: true})
	if err != nil {
		t.Fatal(err)
	}
	return func() *pion.PeerConnection {
		pc, err := api.NewPeerConnection(pion.Configuration{})
		if err != nil {
			t.Fatal(err)
		}
		return pc
	}
}

// TestBrowserOffer: what is kept of an offer, and what its answer says.
func TestBrowserOffer(t *testing.T) {
	o, err := readOffer(browserOffer)
	if err != nil {
		t.Fatal(err)
	}
	if len(o.audio) != 1 || o.audio[0] != "0" || o.ufrag != "EsAw" || o.lite {
		t.Errorf("%+v", o)
	}
	pc := newPeers(t)()
	defer pc.Close()
	text, err := answer(t.Context(), pc, withoutCandidates(o.text))
	if err != nil {
		t.Fatal(err)
	}
	formats, err := accepted(text)
	if err != nil {
		t.Fatal(err)
	}
	for pt, want := range map[int]string{111: "opus/48000/2", 9: "G722/8000", 0: "PCMU/8000", 8: "PCMA/8000", 110: "telephone-event/48000", 126: "telephone-event/8000", 63: "unknown/0", 13: "unknown/0"} {
		if got := formats["0"][pt].String(); got != want {
			t.Errorf("payload type %d is %s, want %s", pt, got, want)
		}
	}
	back, err := answerFragment(text)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := readFragment(back); err != nil {
		t.Errorf("our own fragment: %v\n%s", err, back)
	}
}

// told tells whether an error is a refusal with its status.
func told(err error) bool {
	p := problem.Of(err)
	return p.Status == http.StatusBadRequest || p.Status == http.StatusUnprocessableEntity
}

// offers are the seeds of both fuzzers.
func offers(f *testing.F) {
	f.Add(browserOffer)
	f.Add(strings.ReplaceAll(browserOffer, "\r\n", "\n"))
	f.Add(strings.Replace(browserOffer, "a=group", "a=ice-lite\r\na=group", 1))
	f.Add(browserOffer + strings.Replace(browserOffer[strings.Index(browserOffer, "m=audio"):], "a=mid:0", "a=mid:1", 1))
	f.Add(browserOffer + "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=bundle-only\r\na=rtpmap:96 VP8/90000\r\n")
	f.Add("v=0\r\nm=audio 9 RTP/AVP 0\r\n")
}

// FuzzOffer: any text is refused, or is an offer within our bounds.
func FuzzOffer(f *testing.F) {
	offers(f)
	f.Fuzz(func(t *testing.T, text string) {
		o, err := readOffer(text)
		if err != nil {
			if !told(err) {
				t.Fatalf("%v is no refusal", err)
			}
			return
		}
		if len(o.audio) == 0 || len(o.audio) > maxAudio || strings.Contains(withoutCandidates(o.text), "\na=candidate:") {
			t.Fatalf("%d audio sections", len(o.audio))
		}
		if again, err := o.restarted("New1", "P2uYro0UCOQ4zxjKXaWCBui1"); err == nil && again.ufrag != "New1" {
			t.Fatalf("restarted with ufrag %q", again.ufrag)
		}
	})
}

// FuzzAnswer: what is within our bounds, pion refuses or answers, and its answer can
// be read. Its goroutines make coverage vary, so that inputs cannot be minimized:
// run it with -fuzzminimizetime=1x.
func FuzzAnswer(f *testing.F) {
	offers(f)
	peer := newPeers(f)
	f.Fuzz(func(t *testing.T, text string) {
		o, err := readOffer(text)
		if err != nil || o.lite {
			return
		}
		pc := peer()
		defer pc.Close()
		answered, err := answer(t.Context(), pc, withoutCandidates(o.text))
		if err != nil {
			return
		}
		if _, err := accepted(answered); err != nil {
			t.Fatal(err)
		}
		if _, err := answerFragment(answered); err != nil {
			t.Fatal(err)
		}
	})
}

// TestFragmentPrefixes: a fragment that broke off is refused, or whole without its
// last lines.
func TestFragmentPrefixes(t *testing.T) {
	whole := "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n" +
		"a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host\r\na=end-of-candidates\r\n"
	credentials := strings.Index(whole, "Bui1")
	for n := range len(whole) + 1 {
		f, err := readFragment(whole[:n])
		switch {
		case err != nil && !told(err):
			t.Errorf("%d bytes: %v", n, err)
		case err == nil && (n < credentials-2 || f.ufrag != "EsAw"):
			t.Errorf("%d bytes are taken", n)
		}
	}
	if f, err := readFragment(whole); err != nil || f.pwd != "P2uYro0UCOQ4zxjKXaWCBui1" {
		t.Errorf("%+v, %v", f, err)
	}
}

// FuzzFragment: any text is refused or gives credentials that ICE allows.
func FuzzFragment(f *testing.F) {
	f.Add("a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=candidate:1 1 udp 2122260223 192.0.2.1 61764 typ host\r\n")
	f.Add("a=ice-ufrag:EsAw\n\na=ice-ufrag:Other\n")
	f.Add("a=end-of-candidates")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := readFragment(text)
		switch {
		case err != nil && !told(err):
			t.Fatalf("%v is no refusal", err)
		case err == nil && (!iceChars(got.ufrag, 4, 256) || !iceChars(got.pwd, 22, 256)):
			t.Fatalf("%+v", got)
		}
	})
}

// TestCustomer: the forms in which a publisher may name the customer.
func TestCustomer(t *testing.T) {
	tests := []struct {
		query string
		want  event.Handle
	}{
		{"customer=%2B1+555+123+0001", event.Handle{Kind: event.Phone, Value: "+15551230001"}},
		{"customer=+15551230001", event.Handle{Kind: event.Phone, Value: "+15551230001"}}, // a plus not encoded is a space
		{"customer=phone:%2B15551230001", event.Handle{Kind: event.Phone, Value: "+15551230001"}},
		{"customer=mail:Ana@example.com", event.Handle{Kind: event.Mail, Value: "ana@example.com"}},
		{"customer=crm:4711", event.Handle{Kind: event.CRM, Value: "4711"}},
		{"", event.Handle{}},
	}
	for _, tt := range tests {
		a, err := readAsk(&http.Request{URL: &url.URL{RawQuery: tt.query}}, "acme")
		if got := a.desc.Customer.Canonical(); err != nil || got != tt.want.Canonical() || tt.query != "" && got.Value == "" {
			t.Errorf("%s: %+v, %v", tt.query, got, err)
		}
	}
	r := &http.Request{URL: &url.URL{RawQuery: "customer=crm:1&role=agent"}, Header: http.Header{"Throughline-Customer": {"crm:2"}}}
	if a, err := readAsk(r, "acme"); err != nil || a.desc.Customer.Value != "2" || len(a.legs) != 1 || a.legs[0].Role != event.Agent {
		t.Errorf("header beside query: %+v, %v", a, err)
	}
}

// FuzzAsk: any query is refused by the names of its fields, or gives roles that exist.
func FuzzAsk(f *testing.F) {
	f.Add("role=agent,customer&agent=a7&call=c1&customer=phone:%2B15551230001&direction=inbound")
	f.Add("role=&interaction=i_1&customer=mail:ana@example.com")
	f.Add("customer=:&role=,,&%zz")
	f.Fuzz(func(t *testing.T, query string) {
		a, err := readAsk(&http.Request{URL: &url.URL{RawQuery: query}}, "acme")
		switch {
		case err != nil && (!told(err) || len(problem.Of(err).Errors) == 0):
			t.Fatalf("%v names no field", err)
		case err == nil && (len(a.legs) > maxAudio || len(a.desc.ID) > maxParameter || a.desc.Tenant != "acme"):
			t.Fatalf("%+v", a)
		}
	})
}
