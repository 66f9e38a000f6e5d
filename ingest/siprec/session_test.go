package siprec

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pion/srtp/v3"

	"throughline/event"
	"throughline/ingest/calls"
	"throughline/media"
)

// reasons lists the changes that are no reports of quality.
func reasons(all []event.Interaction) string {
	var w []string
	for _, i := range all {
		switch {
		case i.Reason == calls.ReasonQuality:
		case i.Change == event.Measured || i.Reason == calls.ReasonRole:
			w = append(w, i.Reason)
		default:
			w = append(w, string(i.Change))
		}
	}
	return strings.Join(w, " ")
}

func TestHoldTransferAndUpdates(t *testing.T) {
	l := newLab(t, Config{}, calls.Config{})
	p := newPeer(t, l)
	session := "0123456789abcdef-one"
	answer := p.taken(multipartType, multipartOf(sdpOf("sendonly", "sendonly"), metadataOf("complete", session, "2001", "12")), "Require: siprec")
	ports := answer.ports()
	if len(ports) != 2 || ports[1] != ports[0]+2 || ports[0]%2 != 0 {
		t.Fatalf("ports %v", ports)
	}
	for _, line := range []string{"a=label:1", "a=label:2", "a=recvonly", "m=audio " + fmt.Sprint(ports[0]) + " RTP/AVP 0 101"} {
		if !strings.Contains(answer.body, line+"\r\n") {
			t.Errorf("answer lacks %q:\n%s", line, answer.body)
		}
	}
	if c := answer.header("contact"); !strings.Contains(c, ";+sip.srs") || !strings.Contains(c, portOf(t, l.server.Addr("udp"))) {
		t.Errorf("contact %q", c)
	}
	voice := make([]byte, 160)
	speak(t, ports[0], 1, 0, 20, voice)

	if m := p.do("UPDATE", typeMetadata, metadataOf("partial", session, "2001", "1")); m.status() != 200 || m.body != "" {
		t.Errorf("metadata alone: %q, body %q", m.start, m.body)
	}
	if m := p.do("UPDATE", "", ""); m.status() != 200 {
		t.Errorf("refresh: %q", m.start)
	}
	p.taken(typeMetadata, metadataOf("partial", session, "2001", "12"))
	m := p.taken(typeSDP, sdpOf("inactive", "inactive"))
	if strings.Count(m.body, "a=inactive") != 2 || m.ports()[0] != ports[0] {
		t.Errorf("answer to hold:\n%s", m.body)
	}
	m = p.taken(typeSDP, sdpOf("sendonly", "sendonly", "sendonly"))
	if got := m.ports(); len(got) != 3 || got[2] == 0 {
		t.Errorf("a third stream: %v", got)
	}
	gone := strings.Replace(metadataOf("partial", session, "2002", "12"), "</recording>",
		`<participantsessionassoc participant_id="p2001" session_id="`+session+`"><disassociate-time>2026-01-01T00:00:00Z</disassociate-time></participantsessionassoc></recording>`, 1)
	if m := p.do("UPDATE", typeMetadata, gone); m.status() != 200 {
		t.Errorf("transfer: %q", m.start)
	}
	if m := p.do("INVITE", "", ""); m.status() != 200 || len(m.ports()) != 3 { // a refresh without an offer
		t.Errorf("refresh by INVITE: %q", m.start)
	}
	if m := p.do("INFO", "application/dtmf-relay", "Signal=5"); m.status() != 200 {
		t.Errorf("key press: %q", m.start)
	}
	if m := p.do("OPTIONS", "", ""); m.status() != 200 {
		t.Errorf("keep alive within the call: %q", m.start)
	}
	if m := p.do("BYE", "", "", `Reason: Q.850;cause=16;text="done"`); m.status() != 200 {
		t.Errorf("goodbye: %q", m.start)
	}
	if m := p.do("OPTIONS", "", ""); m.status() != 481 {
		t.Errorf("keep alive of a call that is over: %q", m.start)
	}
	if m := p.do("BYE", "", ""); m.status() != 481 {
		t.Errorf("goodbye again: %q", m.start)
	}
	end := l.await(t, "the end", terminal)
	if end.Interaction != event.ID("i", "default", "siprec", session) || !strings.HasPrefix(end.Reason, "hung up, Q.850;cause=16") {
		t.Errorf("end %+v", end)
	}
	want := "started joined joined held resumed held joined resumed transferred"
	got := reasons(l.changes(t, end.Interaction))
	if !strings.HasPrefix(got, want) || !strings.Contains(got, calls.ReasonRole) {
		t.Errorf("changes %s\nwant    %s …", got, want)
	}
}

// TestSecondDialogOfOneSession: some controllers send each leg on its own.
func TestSecondDialogOfOneSession(t *testing.T) {
	l := newLab(t, Config{}, calls.Config{})
	one, two := newPeer(t, l), newPeer(t, l)
	body := multipartOf(sdpOf("sendonly", "sendonly"), metadataOf("complete", "0123456789abcdef-two", "2001", "12"))
	one.taken(multipartType, body)
	two.taken(multipartType, body)
	if l.door.Open() != 1 || l.server.Dialogs() != 2 {
		t.Errorf("%d calls, %d dialogs", l.door.Open(), l.server.Dialogs())
	}
	one.do("BYE", "", "")
	if l.door.Open() != 1 {
		t.Error("the call ended with the first of two dialogs")
	}
	two.do("BYE", "", "")
	l.await(t, "the end", terminal)
	again := newPeer(t, l)
	again.taken(multipartType, body)
	if l.door.Open() != 1 {
		t.Error("a later recording of the session was not taken")
	}
}

func TestRefusals(t *testing.T) {
	l := newLab(t, Config{RequireSIPREC: true}, calls.Config{MaxCalls: 1})
	sdp, siprec := sdpOf("sendonly"), "Require: siprec"
	for _, tt := range []struct {
		name, method, kind, body string
		extra                    []string
		status                   int
		header, value            string
	}{
		{"unknown extension", "INVITE", typeSDP, sdp, []string{"Require: siprec, foo"}, 420, "unsupported", "foo"},
		{"not siprec", "INVITE", typeSDP, sdp, nil, 421, "require", "siprec"},
		{"unknown body", "INVITE", "text/plain", "hello", []string{siprec}, 415, "accept", "application/sdp"},
		{"unknown parts", "INVITE", multipartType, "--ub1\r\nContent-Type: text/plain\r\n\r\nx\r\n--ub1--\r\n", []string{siprec}, 415, "accept", "multipart/mixed"},
		{"no boundary", "INVITE", "multipart/mixed", sdp, []string{siprec}, 400, "", ""},
		{"no part", "INVITE", multipartType, "x", []string{siprec}, 400, "", ""},
		{"no offer", "INVITE", "", "", []string{siprec}, 488, "warning", "offer"},
		{"bad sdp", "INVITE", typeSDP, "v=0\r\nm=audio x RTP/AVP 0\r\n", []string{siprec}, 400, "", ""},
		{"no sdp", "INVITE", typeSDP, "hello", []string{siprec}, 400, "", ""},
		{"codec", "INVITE", typeSDP, "v=0\r\nm=audio 9 RTP/AVP 18\r\na=sendonly\r\n", []string{siprec}, 488, "warning", "codec"},
		{"video", "INVITE", typeSDP, "v=0\r\nm=video 9 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n", []string{siprec}, 488, "", ""},
		{"dtls", "INVITE", typeSDP, "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\n", []string{siprec}, 488, "", ""},
		{"short timer", "INVITE", typeSDP, sdp, []string{siprec, "Session-Expires: 30"}, 422, "min-se", "90"},
		{"no dialog", "BYE", "", "", nil, 481, "", ""},
		{"no dialog", "UPDATE", "", "", nil, 481, "", ""},
		{"nothing to cancel", "PRACK", "", "", nil, 481, "", ""},
		{"method", "SUBSCRIBE", "", "", nil, 405, "allow", "INVITE"},
		{"keep alive", "OPTIONS", "", "", nil, 200, "supported", "siprec"},
	} {
		t.Run(tt.name+" "+tt.method, func(t *testing.T) {
			m := newPeer(t, l).do(tt.method, tt.kind, tt.body, tt.extra...)
			if m.status() != tt.status || !strings.Contains(m.header(tt.header), tt.value) {
				t.Errorf("%q, %s: %q", m.start, tt.header, m.header(tt.header))
			}
		})
	}
	if l.ports.InUse() != 0 || l.door.Open() != 0 {
		t.Errorf("%d ports, %d calls are left of what was refused", l.ports.InUse(), l.door.Open())
	}
	p := newPeer(t, l)
	port := p.taken(typeSDP, sdp, siprec).ports()[0]
	if m := newPeer(t, l).do("INVITE", typeSDP, sdp, siprec); m.status() != 503 || m.header("retry-after") == "" {
		t.Errorf("one call too many: %q", m.start)
	}
	speak(t, port, 1, 0, 10, make([]byte, 160))
	if m := p.do("INVITE", typeSDP, "v=0\r\nm=audio x RTP/AVP 0\r\n"); m.status() != 400 {
		t.Errorf("a bad change: %q", m.start)
	}
	if m := p.do("BYE", "", ""); m.status() != 200 {
		t.Errorf("the call in progress was harmed: %q", m.start)
	}
	if end := l.await(t, "the end", terminal); *end.Measures.LossPercent != 0 || end.Change != event.Ended {
		t.Errorf("end %+v", end)
	}
}

func TestStrangersAreRefused(t *testing.T) {
	l := newLab(t, Config{Peers: []string{"10.0.0.0/8"}}, calls.Config{})
	if m := newPeer(t, l).do("INVITE", typeSDP, sdpOf("sendonly")); m.status() != 403 {
		t.Errorf("%q", m.start)
	}
}

// TestRetransmissionsAndRaces: the same request twice is one call; CANCEL that
// comes too late changes nothing; BYE may come before ACK.
func TestRetransmissionsAndRaces(t *testing.T) {
	l := newLab(t, Config{}, calls.Config{})
	p := newPeer(t, l)
	p.cseq, p.branch = 1, 1
	invite := p.request("INVITE", "z9hG4bK-"+p.callID, typeSDP, sdpOf("sendonly"))
	p.write(invite)
	p.write(invite)
	m := p.final()
	if m.status() != 200 {
		t.Fatal(m.start)
	}
	p.write(strings.Replace(invite, "z9hG4bK-", "z9hG4bK-merged-", 1))
	for m.status() != 482 {
		m = p.read()
	}
	if l.door.Open() != 1 {
		t.Fatalf("%d calls of one INVITE", l.door.Open())
	}
	p.write(p.request("CANCEL", "z9hG4bK-"+p.callID, "", ""))
	for !strings.Contains(m.header("cseq"), "CANCEL") {
		m = p.read()
	}
	if m.status() != 200 || l.door.Open() != 1 {
		t.Errorf("late CANCEL: %q, %d calls", m.start, l.door.Open())
	}
	// Nobody has acknowledged, so the answer must come again.
	for m.status() != 200 || !strings.Contains(m.header("cseq"), "INVITE") {
		m = p.read()
	}
	_, tag, _ := strings.Cut(m.header("to"), ";tag=")
	p.toTag = ";tag=" + tag
	if m := p.do("BYE", "", ""); m.status() != 200 {
		t.Errorf("BYE before ACK: %q", m.start)
	}
	for range 3 {
		if m, err := p.tryRead(1200 * time.Millisecond); err == nil && m.status() == 200 && strings.Contains(m.header("cseq"), "INVITE") {
			t.Errorf("after the BYE the answer still comes: %q", m.start)
		}
	}
	p.write(p.request("CANCEL", "z9hG4bK-unknown", "", ""))
	if m := p.read(); m.status() != 481 {
		t.Errorf("CANCEL of nothing: %q", m.start)
	}
	if end := l.await(t, "the end", terminal); end.Change != event.Ended {
		t.Errorf("end %+v", end)
	}
}

// TestOneStreamOnHold: that a stream on hold brings nothing is no problem; that
// the other brings nothing is.
func TestOneStreamOnHold(t *testing.T) {
	l := newLab(t, Config{}, calls.Config{SilenceAfter: time.Second})
	p := newPeer(t, l)
	p.taken(typeSDP, sdpOf("inactive", "sendonly"))
	got := l.await(t, "no audio", func(i event.Interaction) bool { return i.Reason == calls.ReasonNoAudio })
	time.Sleep(500 * time.Millisecond)
	p.do("BYE", "", "")
	l.await(t, "the end", terminal)
	silent := 0
	for _, i := range l.changes(t, "") {
		if i.Reason == calls.ReasonNoAudio {
			silent++
		}
	}
	if silent != 1 || got.Attrs["leg_name"] != "2" {
		t.Errorf("%d legs are reported silent, %v", silent, got.Attrs)
	}
}

// TestStopSaysGoodbye: peers are told, calls end as failed, and new ones go elsewhere.
func TestStopSaysGoodbye(t *testing.T) {
	met := false
	for try := 0; !met && try < 5; try++ { // a busy machine may bring the call after the stop
		l := newLab(t, Config{}, calls.Config{})
		p, late := newPeer(t, l), newPeer(t, l)
		p.taken(typeSDP, sdpOf("sendonly"))
		go l.stop()
		m := p.asked()
		if !strings.HasPrefix(m.start, "BYE ") {
			t.Errorf("the peer is told %q", m.start)
		}
		late.send("INVITE", typeSDP, sdpOf("sendonly"))
		for m, err := late.tryRead(goodbyeWithin); err == nil; m, err = late.tryRead(goodbyeWithin) {
			if m.status() >= 200 {
				if met = true; m.status() != 503 {
					t.Errorf("a call during the stop: %q", m.start)
				}
				break
			}
		}
		end := l.await(t, "the end", terminal)
		if end.Change != event.Failed || end.Reason != calls.ReasonStopped {
			t.Errorf("end %+v", end)
		}
		l.stop()
	}
	if !met {
		t.Error("no call during the stop is answered")
	}
}

// TestSRTPOverTLS: encrypted signalling and media, a forged packet, a new key.
func TestSRTPOverTLS(t *testing.T) {
	cert, key := certificate(t)
	l := newLab(t, Config{TLS: "127.0.0.1:0", CertFile: cert, KeyFile: key, RequireSRTP: true}, calls.Config{})
	conn, err := tls.Dial("tcp", l.server.Addr("tls"), &tls.Config{InsecureSkipVerify: true}) // a certificate of the test itself
	if err != nil {
		t.Fatal(err)
	}
	p := peerOn(t, conn, "TLS")
	theirs, ok := parseCrypto("1 AES_CM_128_HMAC_SHA1_80 inline:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNk|2^31")
	if !ok {
		t.Fatal("the test's own key is not understood")
	}
	secure := func(c crypto) string {
		return strings.Replace(sdpOf("sendonly"), "RTP/AVP", "RTP/SAVP", 1) + "a=crypto:9 FOO inline:xx\r\na=crypto:" + c.String() + "\r\n"
	}
	if m := newPeer(t, l).do("INVITE", typeSDP, sdpOf("sendonly")); m.status() != 488 {
		t.Errorf("a stream in clear: %q", m.start)
	}
	m := p.taken(typeSDP, secure(theirs))
	if !strings.Contains(m.body, "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:") || !strings.Contains(m.body, "RTP/SAVP 0") ||
		!strings.Contains(m.header("contact"), "transport=tls") {
		t.Fatalf("answer %s\n%s", m.header("contact"), m.body)
	}
	port := m.ports()[0]
	say := func(c crypto, first, n int, forged bool) {
		ctx, err := srtp.CreateContext(c.key, c.salt, c.profile)
		if err != nil {
			t.Fatal(err)
		}
		to, err := net.Dial("udp4", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			t.Fatal(err)
		}
		defer to.Close()
		for i := first; i < first+n; i++ {
			b, err := ctx.EncryptRTP(nil, packet(uint16(i), uint32(160*i), 7, make([]byte, 160)), nil)
			if err != nil {
				t.Fatal(err)
			}
			if forged {
				b[20] ^= 1
			}
			if _, err := to.Write(b); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond)
		}
	}
	say(theirs, 0, 50, false)
	l.heard(t, 50)
	fresh, err := theirs.own()
	if err != nil {
		t.Fatal(err)
	}
	p.taken(typeSDP, secure(fresh))
	say(theirs, 50, 10, false) // with the key of before
	say(fresh, 50, 10, true)
	say(fresh, 50, 50, false)
	l.heard(t, 100)
	p.do("BYE", "", "")
	l.await(t, "the end", terminal)
	for _, s := range l.over(t) {
		if len(s.octets) != 100*160 || s.gaps[media.Lost] != 0 {
			t.Errorf("heard %d octets, gaps %v", len(s.octets), s.gaps)
		}
	}
}

// certificate makes one for the test.
func certificate(t testing.TB) (cert, key string) {
	priv, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)},
		&x509.Certificate{SerialNumber: big.NewInt(1)}, priv.Public(), priv)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalECPrivateKey(priv)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "EC PRIVATE KEY", Bytes: raw}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// TestConsentWithdrawn: the call is answered and goes on, its audio is not kept.
func TestConsentWithdrawn(t *testing.T) {
	l := newLab(t, Config{}, calls.Config{})
	who := event.CustomerID("default", event.Handle{Kind: event.Phone, Value: "+15551230001"})
	if err := l.ledger.Apply(event.Consent{ID: "n", Tenant: "default", Customer: who, Purpose: event.Record, At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	p := newPeer(t, l)
	for i, port := range p.taken(multipartType, multipartOf(sdpOf("sendonly", "sendonly"), metadataOf("complete", "0123456789abcdef-no", "2001", "12"))).ports() {
		speak(t, port, uint32(i+1), 0, 50, make([]byte, 160))
	}
	p.do("BYE", "", "")
	l.await(t, "the end", terminal)
	l.await(t, "why", func(i event.Interaction) bool {
		return i.Reason == calls.ReasonWithheld && i.Attrs["why"] == "record: withdrawn"
	})
	for _, s := range l.over(t) {
		if len(s.octets) != 0 {
			t.Errorf("%d octets of somebody who withdrew consent", len(s.octets))
		}
	}
}
