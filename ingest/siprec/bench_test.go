package siprec

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"throughline/event"
	"throughline/ingest/calls"
)

// encoder does what the bus does in this process with an event, and sends nothing.
type encoder struct{}

func (encoder) Publish(_ context.Context, msgs ...event.Message) error {
	for _, m := range msgs {
		if _, err := json.Marshal(m.Value); err != nil {
			return err
		}
	}
	return nil
}

// BenchmarkAnswer is the time from an INVITE to its 200, seen by a peer in another
// process, while 100 two-leg calls are heard and the machine is saturated: by
// nothing else; by twice as many busy processes as there are processors, as
// recognisers are to our scheduler; and by as many busy goroutines in the server's
// own process as there are processors.
func BenchmarkAnswer(b *testing.B) {
	switch os.Getenv("SIPREC_BENCH") {
	case "burn":
		burn(context.Background())
	case "peer":
		answerTimes(b, os.Getenv("SIPREC_BENCH_ADDR"))
		return
	}
	for _, load := range []struct {
		name                string
		processes, routines int
	}{{"idle", 0, 0}, {"processes", 2, 0}, {"goroutines", 0, 1}} {
		b.Run("saturated-by="+load.name, func(b *testing.B) {
			l := newLabOn(b, nil, encoder{}, Config{}, calls.Config{MaxCalls: 5000})
			ctx, cancel := context.WithCancel(context.Background())
			var busy sync.WaitGroup
			hear(b, ctx, &busy, l, 100)
			for range load.routines * runtime.GOMAXPROCS(0) {
				busy.Go(func() { burn(ctx) })
			}
			for range load.processes * runtime.NumCPU() {
				c := child(ctx, "burn", "")
				if err := c.Start(); err != nil {
					b.Fatal(err)
				}
				busy.Go(func() { _ = c.Wait() }) // it is killed
			}
			for range b.N {
				out, err := child(ctx, "peer", l.server.Addr("udp")).Output()
				if err != nil {
					b.Fatal(err)
				}
				_, figures, ok := strings.Cut(string(out), "answers: ")
				var p50, p99, most float64
				if _, err := fmt.Sscan(figures, &p50, &p99, &most); !ok || err != nil {
					b.Fatalf("the peer says %q: %v", out, err)
				}
				b.ReportMetric(p50, "p50-ms")
				b.ReportMetric(p99, "p99-ms")
				b.ReportMetric(most, "max-ms")
			}
			cancel()
			busy.Wait()
		})
	}
}

// child is this benchmark in another process, in another part.
func child(ctx context.Context, part, addr string) *exec.Cmd {
	c := exec.CommandContext(ctx, os.Args[0], "-test.run", "^$", "-test.bench", "^BenchmarkAnswer$", "-test.benchtime", "1x")
	c.Env = append(os.Environ(), "SIPREC_BENCH="+part, "SIPREC_BENCH_ADDR="+addr)
	return c
}

// answerTimes is the peer: 500 calls, one after the other.
func answerTimes(b *testing.B, addr string) {
	body := multipartOf(sdpOf("sendonly", "sendonly"), metadataOf("complete", "%s", "2001", "12"))
	var took []time.Duration
	for n := range 500 {
		conn, err := net.Dial("udp4", addr)
		if err != nil {
			b.Fatal(err)
		}
		p := peerOn(b, conn, "UDP")
		text := strings.Replace(body, "%s", fmt.Sprintf("0123456789abcdef-%d-%d", os.Getpid(), n), 1)
		began := time.Now()
		p.send("INVITE", multipartType, text)
		m := p.final()
		took = append(took, time.Since(began))
		if m.status() != 200 {
			b.Fatal(m.start)
		}
		_, tag, _ := strings.Cut(m.header("to"), ";tag=")
		p.toTag = ";tag=" + tag
		p.send("ACK", "", "")
		p.do("BYE", "", "")
		conn.Close()
	}
	slices.Sort(took)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	fmt.Println("answers:", ms(took[len(took)/2]), ms(took[len(took)*99/100]), ms(took[len(took)-1]))
}

// burn keeps a processor busy.
func burn(ctx context.Context) {
	x := 1
	for ctx.Err() == nil {
		for range 1_000_000 {
			x = x*1664525 + 1013904223
		}
	}
	runtime.KeepAlive(x)
}

// hear sends RTP to n calls of two legs until ctx ends.
func hear(b *testing.B, ctx context.Context, load *sync.WaitGroup, l *lab, n int) {
	var ports []int
	for range n {
		p := newPeer(b, l)
		ports = append(ports, p.taken(typeSDP, sdpOf("sendonly", "sendonly")).ports()...)
	}
	c, err := net.ListenUDP("udp4", nil)
	if err != nil {
		b.Fatal(err)
	}
	load.Go(func() {
		defer c.Close()
		t := time.NewTicker(20 * time.Millisecond)
		defer t.Stop()
		voice := make([]byte, 160)
		for seq := 0; ; seq++ {
			for i, port := range ports {
				to := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(port))
				_, _ = c.WriteToUDPAddrPort(packet(uint16(seq), uint32(160*seq), uint32(i), voice), to) // load only
			}
			select {
			case <-t.C:
			case <-ctx.Done():
				return
			}
		}
	})
}
