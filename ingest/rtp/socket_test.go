package rtp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/prometheus/client_golang/prometheus"

	"throughline/ingest/calls"
	"throughline/ingest/ingesttest"
	"throughline/media/codec"
	"throughline/media/pcap"
)

// heardBy opens a leg of a new call on a socket.
func heardBy(t testing.TB, d *calls.Door, p *Ports, mux bool) (*Socket, *calls.RTPLeg) {
	t.Helper()
	c, err := d.Begin(context.Background(), calls.Description{Tenant: "t", Source: "rtp", ID: fmt.Sprint(time.Now().UnixNano())})
	if err != nil {
		t.Fatal(err)
	}
	leg, err := c.RTPLeg(calls.LegOptions{Name: "1"}, codec.StaticPayloadTypes())
	if err != nil {
		t.Fatal(err)
	}
	all, err := p.Open(1)
	if err != nil {
		t.Fatal(err)
	}
	all[0].Start(leg, mux)
	t.Cleanup(all[0].Close)
	t.Cleanup(func() { c.End("test over") })
	return all[0], leg
}

func sender(t testing.TB, s *Socket) *net.UDPConn {
	t.Helper()
	c, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(s.Port()))))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func send(t testing.TB, c *net.UDPConn, b []byte) {
	t.Helper()
	if _, err := c.Write(b); err != nil {
		t.Fatal(err)
	}
}

func TestSocketHearsOneSender(t *testing.T) {
	p := newPorts(t, Config{})
	d := newDoor(t, newBus(t), calls.Config{})
	voice := make([]byte, 160)
	var s *Socket
	var leg *calls.RTPLeg
	var bad *net.UDPConn
	// Where the machine keeps the good one from speaking, the other may take over.
	for late, try := true, 0; late; try++ {
		if try == 5 {
			t.Fatal("the sender never speaks without a break")
		}
		s, leg = heardBy(t, d, p, true)
		good := sender(t, s)
		bad = sender(t, s)
		began := time.Now()
		for i := range 10 {
			send(t, good, packet(uint16(i), 1, 0, voice))
		}
		ingesttest.Await(t, "ten packets", func() bool { return leg.Stats().Packets == 10 })
		for i := range 10 {
			send(t, bad, packet(uint16(i+10), 1, 0, voice))
		}
		send(t, good, packet(10, 1, 0, voice))
		send(t, good, []byte("neither RTP nor anything else"))
		send(t, good, packet(11, 1, 0, voice)[:7])
		ingesttest.Await(t, "what is malformed", func() bool {
			late = time.Since(began) > relatchAfter
			return late || leg.Stats().Malformed == 2
		})
	}
	if st := leg.Stats(); st.Packets != 11 || st.Repeated != 0 {
		t.Errorf("a stranger is heard: %+v", st)
	}
	s.Relatch()
	for i := range 5 {
		send(t, bad, packet(uint16(i+11), 1, 0, voice))
	}
	ingesttest.Await(t, "the sender that signalling allowed", func() bool { return leg.Stats().Packets == 16 })
}

// TestCloseHearsWhatCame closes a socket right after the last packet was sent,
// and before its reader, which shares its processors, can have read it.
func TestCloseHearsWhatCame(t *testing.T) {
	p := newPorts(t, Config{})
	d := newDoor(t, newBus(t), calls.Config{})
	for range 20 {
		s, leg := heardBy(t, d, p, true)
		c := sender(t, s)
		const n = 100 // the kernel holds as many
		for i := range n {
			send(t, c, packet(uint16(i), 1, 0, make([]byte, 160)))
		}
		s.Close()
		if got := leg.Stats().Packets; got != n {
			t.Fatalf("%d packets of %d were heard", got, n)
		}
	}
}

func TestSocketAllowList(t *testing.T) {
	p := newPorts(t, Config{Allow: []string{"10.0.0.0/8"}})
	s, leg := heardBy(t, newDoor(t, newBus(t), calls.Config{}), p, false)
	c := sender(t, s)
	for i := range 5 {
		send(t, c, packet(uint16(i), 1, 0, make([]byte, 160)))
	}
	counts := prometheus.NewRegistry()
	counts.MustRegister(p.metrics.dropped)
	ingesttest.Await(t, "the refusal of all", func() bool {
		families, err := counts.Gather()
		return err == nil && len(families) == 1 && families[0].GetMetric()[0].GetCounter().GetValue() == 5
	})
	if n := leg.Stats().Packets; n != 0 {
		t.Errorf("%d packets of a network that is not allowed", n)
	}
}

// TestReports: the sender hears of its stream, also where RTCP shares the port.
func TestReports(t *testing.T) {
	d := newDoor(t, newBus(t), calls.Config{})
	for _, mux := range []bool{true, false} {
		t.Run(fmt.Sprintf("mux=%v", mux), func(t *testing.T) {
			t.Parallel()
			p := newPorts(t, Config{})
			s, leg := heardBy(t, d, p, mux)
			c := sender(t, s)
			for i := range 50 {
				if i%5 != 4 {
					send(t, c, packet(uint16(i), 99, 0, make([]byte, 160)))
				}
			}
			from := c
			if !mux {
				var err error
				from, err = net.DialUDP("udp4", nil, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: s.Port() + 1})
				if err != nil {
					t.Fatal(err)
				}
				defer from.Close()
			}
			ingesttest.Await(t, "the packets", func() bool { return leg.Stats().Packets == 40 })
			sr, err := (&rtcp.SenderReport{SSRC: 99, NTPTime: 1 << 32}).Marshal()
			if err != nil {
				t.Fatal(err)
			}
			send(t, from, sr)
			send(t, from, []byte{0x80, 200, 0, 99}) // cut off
			if err := from.SetReadDeadline(time.Now().Add(ingesttest.Patience)); err != nil {
				t.Fatal(err)
			}
			// A report may be due at any moment, also before all packets were read
			// and between the one that is looked at and the last.
			until := func(what string, is func([]rtcp.Packet) bool) {
				t.Helper()
				var parts []rtcp.Packet
				for parts == nil || !is(parts) {
					buf := make([]byte, 1500)
					n, err := from.Read(buf)
					if err != nil {
						t.Fatalf("%s never came: %v; the last report is %+v", what, err, parts)
					}
					if parts, err = rtcp.Unmarshal(buf[:n]); err != nil {
						t.Fatal(err)
					}
				}
			}
			until("a report", func(parts []rtcp.Packet) bool {
				rr, ok := parts[0].(*rtcp.ReceiverReport)
				return ok && len(rr.Reports) == 1 && rr.Reports[0].SSRC == 99 && rr.Reports[0].TotalLost == 9
			})
			s.Close()
			until("the last report, of three parts", func(parts []rtcp.Packet) bool { return len(parts) == 3 })
		})
	}
}

// nobody is a leg on which nothing comes.
type nobody struct{}

func (nobody) Receive([]byte, time.Time) error        { return nil }
func (nobody) ReceiveRTCP([]byte, time.Time) error    { return nil }
func (nobody) Report(time.Time, bool) ([]byte, error) { return nil, nil }

func TestPorts(t *testing.T) {
	first := 12000 + os.Getpid()%1000*10                                                     // below what the system gives to others
	p := newPorts(t, Config{First: first + 1, Last: first + 9, Quarantine: 3 * time.Second}) // 4 pairs from the next even port
	all, err := p.Open(3)
	if err != nil {
		t.Skipf("the ports of this test are in use: %v", err)
	}
	for i, s := range all {
		if s.Port() != first+2+2*i {
			t.Errorf("socket %d on port %d", i, s.Port())
		}
	}
	if _, err := p.Open(2); !errors.Is(err, ErrNoPorts) {
		t.Errorf("five pairs of four: %v", err)
	}
	last, err := p.Open(1)
	if err != nil {
		t.Fatal(err)
	}
	all[1].Start(nobody{}, false)
	all[1].Close()
	all[1].Close()
	if _, err := p.Open(1); !errors.Is(err, ErrNoPorts) {
		t.Errorf("a port does not rest: %v", err)
	}
	if _, err := p.OpenAt(first + 2); !errors.Is(err, ErrNoPorts) {
		t.Errorf("a port is given twice: %v", err)
	}
	if _, err := p.OpenAt(first + 3); err == nil {
		t.Error("an odd port is given")
	}
	var again []*Socket
	ingesttest.Await(t, "the port rested", func() bool { again, err = p.Open(1); return err == nil })
	for _, s := range append(append(again, last...), all...) {
		s.Close()
	}
	if p.InUse() != 0 {
		t.Errorf("%d sockets are open", p.InUse())
	}
}

func TestConfigIsChecked(t *testing.T) {
	for name, cfg := range map[string]Config{
		"listen": {Listen: "everywhere"}, "advertise": {Advertise: "me"}, "allow": {Allow: []string{"10.0.0.1"}},
		"range": {First: 30000, Last: 30000}, "last": {First: 30000, Last: 70000},
	} {
		if _, err := NewPorts(cfg, nil, nil); err == nil || !strings.HasPrefix(err.Error(), "rtp config: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// dataDir finds the folder of shared data sets, or skips.
func dataDir(t testing.TB) string {
	t.Helper()
	if d := os.Getenv("THROUGHLINE_DATA"); d != "" {
		return d
	}
	for dir := ".."; len(dir) < 40; dir = filepath.Join(dir, "..") {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			d := filepath.Join(dir, "..", "shared", "data")
			if _, err := os.Stat(d); err != nil {
				t.Skip("no ../shared/data beside the repository; set THROUGHLINE_DATA")
			}
			return d
		}
	}
	t.Fatal("no go.mod above the test")
	return ""
}

// unread is how many packets the kernel surely holds for a reader that gets no
// processor. It charges whole pages: 20 ms of L16 at 44.1 kHz cost 4.4 kB, of the
// 416 kB that it grants by default.
const unread = 64

// TestReplayThroughSockets sends every stream of the captures, packet for packet,
// to a real socket: as many are heard as were captured, whatever their codec.
func TestReplayThroughSockets(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(dataDir(t), "rtp_captures", "*", "*.*cap*"))
	more, err2 := filepath.Glob(filepath.Join(dataDir(t), "rtp_captures", "*.pcap"))
	if files = append(files, more...); len(files) == 0 {
		t.Fatalf("no captures: %v %v", err, err2)
	}
	d := newDoor(t, newBus(t), calls.Config{})
	p := newPorts(t, Config{})
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		r, err := pcap.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		streams, err := pcap.Streams(r, 2)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		for _, stream := range streams {
			s, leg := heardBy(t, d, p, true)
			c := sender(t, s)
			for i, packet := range stream.Packets {
				send(t, c, packet.Data)
				if (i+1)%unread != 0 {
					continue
				}
				// A packet that starts anything new is counted with the next one.
				ingesttest.Await(t, filepath.Base(file)+": packets read", func() bool {
					st := leg.Stats()
					return st.Packets+st.Doubtful+st.Foreign+st.Malformed >= int64(i)
				})
			}
			want := int64(len(stream.Packets))
			st := leg.Stats()
			ingesttest.Await(t, filepath.Base(file)+": all packets", func() bool {
				st = leg.Stats()
				return st.Packets+st.Doubtful+st.Foreign == want
			})
			if st.Malformed != 0 || st.Foreign != 0 {
				t.Errorf("%s/%08x: %+v", filepath.Base(file), stream.Key.SSRC, st)
			}
			s.Close()
		}
	}
	if n, err := p.KernelDropped(); err == nil && n != 0 {
		t.Errorf("the kernel dropped %d", n)
	}
}

func FuzzLatch(f *testing.F) {
	f.Add(packet(1, 2, 0, nil), packet(2, 2, 0, nil), true)
	f.Add([]byte{}, []byte{0x80}, false)
	f.Fuzz(func(t *testing.T, a, b []byte, same bool) {
		var l latch
		from := netip.MustParseAddrPort("10.0.0.1:2")
		other := netip.MustParseAddrPort("10.0.0.2:2")
		if same {
			other = from
		}
		at := time.Now()
		l.accept(a, from, at)
		l.accept(b, other, at)
		l.accept(a, from, at)
		if l.locked && l.from != from && l.from != other {
			t.Error("the lock is on nobody")
		}
	})
}
