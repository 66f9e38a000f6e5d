package twilio

import (
	"encoding/base64"
	"fmt"
	"testing"
	"time"

	"throughline/ingest/calls"
	"throughline/ingest/calls/callstest"
	"throughline/media/codec"
)

// BenchmarkMedia is the cost of one frame of 20 ms from JSON to buffer.
//
//	go test -run xxx -bench Media ./ingest/twilio
func BenchmarkMedia(b *testing.B) {
	kit := callstest.New(b, calls.Config{Buffer: time.Second})
	h := &Server{cfg: Config{}.withDefaults(), door: kit.Door}
	h.metrics = newMetrics(nil, h)
	s := &stream{server: h, tenant: "acme", tracks: map[string]*track{}, seq: -1}
	now := time.Now()
	if err := s.text([]byte(begun), now); err != nil {
		b.Fatal(err)
	}
	defer s.call.End("done")
	payload := base64.StdEncoding.EncodeToString(codec.AppendULaw(nil, callstest.Tone(300, 160)))
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		n++
		raw := fmt.Appendf(nil, `{"event":"media","sequenceNumber":"%d","streamSid":"MZ1","media":{"track":"inbound","chunk":"%d","timestamp":"%d","payload":"%s"}}`, n+1, n, 20*(n-1), payload)
		if err := s.text(raw, now); err != nil {
			b.Fatal(err)
		}
	}
}
