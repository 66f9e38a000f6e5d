package recordings

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"throughline/ingest/calls"
	"throughline/ingest/calls/callstest"
	"throughline/media/wav"
)

// BenchmarkImport stores a stereo call of ten minutes, with all of it acknowledged
// by the broker on the same machine.
//
//	go test -run xxx -bench Import ./ingest/recordings
func BenchmarkImport(b *testing.B) {
	kit := callstest.New(b, calls.Config{Buffer: calls.DefaultBuffer})
	tone := callstest.Tone(300, 600*8000)
	wave := file(b, wav.ULaw, 8000, tone, tone)
	b.SetBytes(int64(len(wave)))
	n := 0
	began := time.Now()
	for b.Loop() {
		n++
		if _, err := Import(context.Background(), kit.Door, bytes.NewReader(wave), Options{Tenant: "acme", ID: fmt.Sprint(n), At: began}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n)*600/b.Elapsed().Seconds(), "×realtime")
}
