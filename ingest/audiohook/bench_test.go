package audiohook

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"throughline/ingest/calls"
	"throughline/ingest/calls/callstest"
	"throughline/ingest/connections"
)

// BenchmarkOpened measures the time from sending open to having opened, beside an
// idle server and beside 200 calls in real time. Broker and clients share the
// process: its scheduling is part of the figure.
//
//	go test -run xxx -bench Opened -benchtime 500x ./ingest/audiohook
func BenchmarkOpened(b *testing.B) {
	for _, load := range []struct {
		name  string
		calls int
	}{{"idle", 0}, {"200_calls", 200}} {
		b.Run(load.name, func(b *testing.B) {
			h := open(b, Config{}, calls.Config{Buffer: calls.DefaultBuffer, MaxCalls: 100_000})
			ctx, stop := context.WithCancel(context.Background())
			var senders sync.WaitGroup
			sound := interleave(callstest.Tone(300, 800), callstest.Tone(500, 800))
			for i := range load.calls {
				c := h.dial(b, id("load", i))
				c.open(id("conv", i), person, stereo, "")
				c.hear("opened")
				senders.Go(func() {
					for ctx.Err() == nil {
						if c.ws.Write(ctx, websocket.MessageBinary, sound) != nil {
							return
						}
						time.Sleep(100 * time.Millisecond)
					}
				})
			}
			var took []time.Duration
			n := 0
			for b.Loop() {
				n++
				c := h.dial(b, id("sess", n))
				began := time.Now()
				c.open(id("call", n), person, stereo, "")
				c.hear("opened")
				took = append(took, time.Since(began))
				c.say("close", "PT0S", `{"reason":"end"}`)
				c.hear("closed")
				_ = c.ws.CloseNow()
			}
			stop()
			senders.Wait()
			slices.Sort(took)
			ms := func(share float64) float64 {
				return float64(took[min(int(share*float64(len(took))), len(took)-1)].Microseconds()) / 1000
			}
			b.ReportMetric(ms(0.5), "p50-ms")
			b.ReportMetric(ms(0.99), "p99-ms")
			b.ReportMetric(ms(1), "max-ms")
		})
	}
}

func id(kind string, n int) string { return fmt.Sprintf("%s-%08d", kind, n) }

// BenchmarkAudio is the cost of 20 ms of a stereo call from frame to buffer.
func BenchmarkAudio(b *testing.B) {
	kit := callstest.New(b, calls.Config{Buffer: time.Second})
	s := &Server{cfg: Config{}.withDefaults(), door: kit.Door, sessions: connections.NewSet[*session](1)}
	s.metrics = newMetrics(nil, s)
	c := &session{server: s, tenant: "acme", id: sess, opened: true}
	var p openParameters
	p.Organization, p.Conversation = org, conv
	p.Participant.ID = person
	p.Media = []offer{{Type: "audio", Format: "PCMU", Channels: []string{"external", "internal"}, Rate: 8000}}
	if err := c.begin(p); err != nil {
		b.Fatal(err)
	}
	defer c.call.End("done")
	sound := interleave(callstest.Tone(300, 160), callstest.Tone(500, 160))
	b.ReportAllocs()
	for b.Loop() {
		if err := c.audio(sound); err != nil {
			b.Fatal(err)
		}
	}
}
