package siprec

import (
	"strings"
	"testing"
	"time"

	"throughline/event"
	"throughline/ingest/calls"
	"throughline/ingest/ingesttest"
)

func TestSessionTimers(t *testing.T) {
	l := newLab(t, Config{}, calls.Config{})
	for _, tt := range []struct{ ask, want, require string }{
		{"Supported: timer\r\nSession-Expires: 1800;refresher=uac", "1800;refresher=uac", "timer"},
		{"k: timer\r\nx: 600", "600;refresher=uac", "timer"},
		{"Supported: timer, 100rel\r\nSession-Expires: 900;refresher=uas", "900;refresher=uas", ""},
		{"Supported: timer\r\nMin-SE: 3600", "3600;refresher=uac", "timer"},
		{"Session-Expires: 1800", "1800;refresher=uac", ""},
		{"Max-Breadth: 1", "", ""},
	} {
		m := newPeer(t, l).taken(typeSDP, sdpOf("sendonly"), tt.ask)
		if m.header("session-expires") != tt.want || m.header("require") != tt.require {
			t.Errorf("%q: %q, require %q", tt.ask, m.header("session-expires"), m.header("require"))
		}
	}
}

// TestOrphans: a call that nobody ends is ended, and the peer is told.
func TestOrphans(t *testing.T) {
	l := newLab(t, Config{OrphanAfter: time.Second}, calls.Config{})
	p := newPeer(t, l)
	p.taken(typeSDP, sdpOf("sendonly"))
	m := p.asked()
	if !strings.HasPrefix(m.start, "BYE ") {
		t.Fatalf("the peer is told %q", m.start)
	}
	p.write("SIP/2.0 200 OK\r\nVia: " + m.header("via") + "\r\nFrom: " + m.header("from") + "\r\nTo: " + m.header("to") +
		"\r\nCall-ID: " + m.header("call-id") + "\r\nCSeq: " + m.header("cseq") + "\r\nContent-Length: 0\r\n\r\n")
	end := l.await(t, "the end", terminal)
	if end.Change != event.Failed || !strings.HasPrefix(end.Reason, "orphaned") {
		t.Errorf("end %+v", end)
	}
}

// refreshed is a call whose session is ours to refresh, and its dialog.
func refreshed(t *testing.T) (*lab, *peer, *dialog) {
	t.Helper()
	l := newLab(t, Config{}, calls.Config{})
	p := newPeer(t, l)
	p.taken(typeSDP, sdpOf("sendonly"), "Supported: timer", "Session-Expires: 900;refresher=uas")
	l.server.mu.Lock()
	defer l.server.mu.Unlock()
	for _, d := range l.server.dialogs {
		return l, p, d
	}
	t.Fatal("there is no dialog")
	return nil, nil, nil
}

// TestRefreshIsOursAndPeerIsGone: that we ask is no sign of life of a peer that does
// not answer.
func TestRefreshIsOursAndPeerIsGone(t *testing.T) {
	l, p, d := refreshed(t)
	began := time.Now()
	d.watch(began.Add(451 * time.Second))
	update := p.asked()
	if !strings.HasPrefix(update.start, "UPDATE ") || update.header("session-expires") != "900;refresher=uac" {
		t.Fatalf("the peer is asked %q, %q", update.start, update.header("session-expires"))
	}
	d.watch(began.Add(901 * time.Second)) // it is asked once more
	d.watch(began.Add(902 * time.Second))
	for m := update; !strings.HasPrefix(m.start, "BYE "); m = p.asked() {
	}
	if end := l.await(t, "the end", terminal); end.Change != event.Failed || end.Reason != "orphaned: session timer expired" {
		t.Errorf("end %+v", end)
	}
}

// TestRefreshIsAnswered: a peer that answers is alive for another interval.
func TestRefreshIsAnswered(t *testing.T) {
	_, p, d := refreshed(t)
	d.mu.Lock()
	d.touched = d.touched.Add(-451 * time.Second)
	before := d.touched
	d.mu.Unlock()
	d.watch(time.Now())
	m := p.asked()
	p.write("SIP/2.0 200 OK\r\nVia: " + m.header("via") + "\r\nFrom: " + m.header("from") + "\r\nTo: " + m.header("to") +
		"\r\nCall-ID: " + m.header("call-id") + "\r\nCSeq: " + m.header("cseq") + "\r\nContent-Length: 0\r\n\r\n")
	ingesttest.Await(t, "that the peer is known to be alive", func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		return d.touched.After(before)
	})
}

// TestForgottenCall: a call that lasts for ever is ended, and so is its session.
func TestForgottenCall(t *testing.T) {
	l := newLab(t, Config{}, calls.Config{MaxDuration: time.Second})
	p := newPeer(t, l)
	p.taken(typeSDP, sdpOf("sendonly"))
	if m := p.asked(); !strings.HasPrefix(m.start, "BYE ") {
		t.Errorf("the peer is told %q", m.start)
	}
	if end := l.await(t, "the end", terminal); end.Change != event.Failed || end.Reason != calls.ReasonTooLong {
		t.Errorf("end %+v", end)
	}
	l.idle(t)
}
