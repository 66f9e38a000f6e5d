package rtp

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"throughline/event"
	"throughline/ingest/calls"
	"throughline/media/codec"
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

const (
	benchCalls   = 1000
	benchSeconds = 10
)

// BenchmarkReceive1000Calls hears 1,000 calls of two legs, 100,000 packets a
// second from another process over real sockets, for ten seconds. It reports the
// processor time that this process took for each packet, from the socket to the
// encoded event, with everything that runs besides; how many packets a second the
// sender got out, which on a busy machine are fewer; and what was lost, by us or by
// the kernel because we were late: a loss fails it.
func BenchmarkReceive1000Calls(b *testing.B) {
	if to := os.Getenv("RTP_BENCH_PORTS"); to != "" {
		sendForBench(b, to)
		return
	}
	door := newDoor(b, encoder{}, calls.Config{MaxCalls: benchCalls})
	ports := newPorts(b, Config{})
	for range b.N {
		var legs []*calls.RTPLeg
		var sockets []*Socket
		var to strings.Builder
		for i := range benchCalls {
			c, err := door.Begin(context.Background(), calls.Description{Tenant: "bench", Source: "rtp", ID: fmt.Sprint(time.Now().UnixNano(), i)})
			if err != nil {
				b.Fatal(err)
			}
			pair, err := ports.Open(2)
			if err != nil {
				b.Fatal(err)
			}
			for n, s := range pair {
				leg, err := c.RTPLeg(calls.LegOptions{Name: fmt.Sprint(n)}, codec.StaticPayloadTypes())
				if err != nil {
					b.Fatal(err)
				}
				s.Start(leg, false)
				legs, sockets = append(legs, leg), append(sockets, s)
				fmt.Fprintf(&to, "%d ", s.Port())
			}
			defer c.End("bench")
		}
		time.Sleep(time.Second)
		runtime.GC()
		before, began := cpu(b), time.Now()
		sender := exec.Command(os.Args[0], "-test.run", "^$", "-test.bench", "^BenchmarkReceive1000Calls$", "-test.benchtime", "1x")
		sender.Env = append(os.Environ(), "RTP_BENCH_PORTS="+to.String())
		if out, err := sender.CombinedOutput(); err != nil {
			b.Fatalf("sender: %v\n%s", err, out)
		}
		took := time.Since(began)
		time.Sleep(500 * time.Millisecond)
		used := cpu(b) - before
		var received, missing int64
		for _, l := range legs {
			s := l.Stats()
			received += s.Packets
			missing += s.Missing
		}
		dropped, err := ports.KernelDropped()
		if err != nil {
			b.Logf("kernel drops are not known here: %v", err)
		}
		sent := int64(2 * benchCalls * 50 * benchSeconds)
		b.ReportMetric(float64(used.Nanoseconds())/float64(received)/1000, "cpu-µs/packet")
		b.ReportMetric(float64(used)/float64(took), "cores")
		b.ReportMetric(float64(sent)/took.Seconds(), "packets/s")
		b.ReportMetric(float64(sent-received), "lost")
		b.ReportMetric(float64(dropped), "dropped-by-kernel")
		b.ReportMetric(float64(missing), "missing")
		if sent != received || dropped > 0 {
			b.Errorf("%d packets of %d did not come, %d of them dropped by the kernel: raise net.core.rmem_max", sent-received, sent, dropped)
		}
		for _, s := range sockets {
			s.Close()
		}
	}
}

func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// sendForBench is the other process: 20 ms of µ-law to each port every 20 ms.
func sendForBench(b *testing.B, to string) {
	var addrs []netip.AddrPort
	for p := range strings.FieldsSeq(to) {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil {
			b.Fatal(err)
		}
		addrs = append(addrs, netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(n)))
	}
	c, err := net.ListenUDP("udp4", nil)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	p := packet(0, 7, 0, make([]byte, 160))
	began := time.Now()
	const ticks = 50 * benchSeconds
	// Real senders are spread over the 20 ms, so each tenth of them sends every 2 ms.
	for tick := range ticks {
		p[2], p[3] = byte(tick>>8), byte(tick)
		at := uint32(tick * 160)
		p[4], p[5], p[6], p[7] = byte(at>>24), byte(at>>16), byte(at>>8), byte(at)
		for part := range 10 {
			time.Sleep(time.Until(began.Add(time.Duration(tick)*20*time.Millisecond + time.Duration(part)*2*time.Millisecond)))
			for i := part; i < len(addrs); i += 10 {
				if _, err := c.WriteToUDPAddrPort(p, addrs[i]); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
}
