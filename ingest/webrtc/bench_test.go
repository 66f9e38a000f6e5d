package webrtc_test

import (
	"net/http"
	"testing"

	"throughline/ingest/calls"
	"throughline/ingest/webrtc"
)

// BenchmarkPublish is an offer answered and its session ended, over HTTP: what a
// rush of agents who log in costs.
func BenchmarkPublish(b *testing.B) {
	l := newLab(b, webrtc.Config{}, calls.Config{})
	offer := newPublisher(b, opus()).offer(b, nil)
	for b.Loop() {
		resp, body := l.post(b, "?role=agent", offer)
		if resp.StatusCode != http.StatusCreated {
			b.Fatal(resp.StatusCode, body)
		}
		l.request(b, "DELETE", resp.Header.Get("Location"), "")
	}
}
