package siprec

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"throughline/bus"
	"throughline/event"
	"throughline/governance"
	"throughline/ingest/calls"
	"throughline/ingest/ingesttest"
	"throughline/ingest/rtp"
	"throughline/media"
	"throughline/media/codec"
	"throughline/media/wav"
)

// lab is a recording server on a broker of its own.
type lab struct {
	server *Server
	door   *calls.Door
	ports  *rtp.Ports
	ledger *governance.Ledger
	bus    *bus.Bus
	stop   func()
}

func newLab(t testing.TB, cfg Config, ccfg calls.Config) *lab {
	t.Helper()
	b := ingesttest.Dial(t, ingesttest.Broker(t))
	if err := b.Ensure(ingesttest.Deadline(t), event.All()...); err != nil {
		t.Fatal(err)
	}
	return newLabOn(t, b, b, cfg, ccfg)
}

func newLabOn(t testing.TB, b *bus.Bus, p calls.Publisher, cfg Config, ccfg calls.Config) *lab {
	t.Helper()
	ledger := governance.NewLedger(governance.Config{})
	gate, err := governance.NewGate(governance.Config{}, ledger)
	if err != nil {
		t.Fatal(err)
	}
	if ccfg.Node == "" {
		ccfg.Node = "test"
	}
	quietly := slog.New(slog.NewTextHandler(io.Discard, nil))
	door, err := calls.New(ccfg, calls.Parts{Gate: gate, Consents: ledger, Bus: p, Logger: quietly})
	if err != nil {
		t.Fatal(err)
	}
	ports, err := rtp.NewPorts(rtp.Config{First: -1, Listen: "127.0.0.1"}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range []*string{&cfg.UDP, &cfg.TCP} {
		if *a == "" {
			*a = "127.0.0.1:0"
		}
	}
	server, err := New(cfg, Parts{Door: door, Ports: ports, Logger: quietly})
	if err != nil {
		t.Fatal(err)
	}
	serving, stopServing := context.WithCancel(context.Background())
	minding, stopMinding := context.WithCancel(context.Background())
	served, minded := make(chan error, 1), make(chan error, 1)
	go func() { served <- server.Run(serving) }()
	go func() { minded <- door.Run(minding) }()
	l := &lab{server: server, door: door, ports: ports, ledger: ledger, bus: b}
	l.stop = sync.OnceFunc(func() {
		stopServing()
		if err := <-served; err != nil {
			t.Errorf("server: %v", err)
		}
		stopMinding()
		if err := <-minded; err != nil {
			t.Errorf("calls: %v", err)
		}
		if n := ports.InUse(); n != 0 {
			t.Errorf("%d sockets are still open", n)
		}
	})
	t.Cleanup(l.stop)
	return l
}

// changes are the interactions stored so far, of one call if it is named.
func (l *lab) changes(t testing.TB, interaction string) []event.Interaction {
	t.Helper()
	var all []event.Interaction
	for _, i := range ingesttest.All(t, l.bus, event.Interactions().Source) {
		if interaction == "" || i.Interaction == interaction {
			all = append(all, i)
		}
	}
	return all
}

// await waits until a stored change satisfies ok.
func (l *lab) await(t testing.TB, what string, ok func(event.Interaction) bool) event.Interaction {
	t.Helper()
	var found event.Interaction
	ingesttest.Await(t, what, func() bool {
		all := l.changes(t, "")
		at := slices.IndexFunc(all, ok)
		if at >= 0 {
			found = all[at]
		}
		return at >= 0
	})
	return found
}

// idle waits until nothing is left of any call. A call lets go of what it held
// when its end is on its way already.
func (l *lab) idle(t testing.TB) {
	t.Helper()
	ingesttest.Await(t, "a server without calls", func() bool {
		return l.ports.InUse() == 0 && l.server.Dialogs() == 0 && l.door.Open() == 0
	})
}

func terminal(i event.Interaction) bool { return i.Change.Terminal() }

func kinds(all []event.Interaction) string {
	var b bytes.Buffer
	for _, i := range all {
		b.WriteString(string(i.Change) + "(" + i.Reason + ") ")
	}
	return b.String()
}

// sound is one leg as it stands on Kafka.
type sound struct {
	role   event.Role
	chunks int
	octets []byte // payloads in order, gaps left out
	gaps   map[media.GapKind]time.Duration
	last   bool
}

// over waits for the last chunk of every leg that joined, which stands on another
// topic than the end of the call, and gives the legs.
func (l *lab) over(t testing.TB) map[string]*sound {
	t.Helper()
	joined := map[string]bool{}
	for _, i := range l.changes(t, "") {
		if i.Change == event.Joined {
			joined[i.Attrs["leg"]] = true
		}
	}
	var legs map[string]*sound
	ingesttest.Await(t, "the last chunk of every leg", func() bool {
		legs = l.audio(t)
		for leg := range joined {
			if legs[leg] == nil || !legs[leg].last {
				return false
			}
		}
		return true
	})
	return legs
}

// heard waits until so many packets of 20 ms are stored: what is sent by UDP, and
// is not read yet when the call ends, was never received.
func (l *lab) heard(t testing.TB, packets int) {
	t.Helper()
	ingesttest.Await(t, "the audio that was sent", func() bool {
		octets := 0
		for _, s := range l.audio(t) {
			octets += len(s.octets)
		}
		return octets >= packets*160
	})
}

// audio puts the stored chunks of every leg together, and checks their order.
func (l *lab) audio(t testing.TB) map[string]*sound {
	t.Helper()
	legs := map[string]*sound{}
	seq := map[string]uint64{}
	for _, a := range ingesttest.All(t, l.bus, event.Audio().Source) {
		s := legs[a.Leg]
		if s == nil {
			s = &sound{gaps: map[media.GapKind]time.Duration{}}
			legs[a.Leg] = s
		}
		if a.Seq != seq[a.Leg] {
			t.Errorf("chunk %d of leg %s follows %d", a.Seq, a.Leg, seq[a.Leg])
		}
		seq[a.Leg]++
		s.role = a.Role
		s.last = a.Last
		s.chunks++
		var c media.Chunk
		if err := c.UnmarshalBinary(a.Payload); err != nil {
			t.Fatal(err)
		}
		for _, p := range c.Parts {
			s.octets = append(s.octets, p.Payload...)
			if p.Gap.Kind != media.NoGap {
				s.gaps[p.Gap.Kind] += media.TicksDuration(p.Gap.Ticks, c.Format.ClockRate)
			}
		}
	}
	return legs
}

// dataDir finds the folder of shared data sets, beside the repository or named by
// the environment; "" if it is not there.
func dataDir(t testing.TB) string {
	t.Helper()
	if d := os.Getenv("THROUGHLINE_DATA"); d != "" {
		return d
	}
	for dir := ".."; len(dir) < 40; dir = filepath.Join(dir, "..") {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			d := filepath.Join(dir, "..", "shared", "data")
			if _, err := os.Stat(d); err == nil {
				return d
			}
			return ""
		}
	}
	return ""
}

// voices gives both sides of a call in µ-law, at most limit of it: of the recorded
// one where it is there, otherwise the tones of testdata.
func voices(t testing.TB, limit time.Duration) (customer, agent []byte) {
	t.Helper()
	most := int(limit / time.Second * 8000)
	if d := dataDir(t); d != "" {
		customer = ulawOf(t, filepath.Join(d, "calls_two_channel", "auto_repairs_40_customer.wav"), most)
		agent = ulawOf(t, filepath.Join(d, "calls_two_channel", "auto_repairs_40_agent.wav"), most)
	}
	if customer == nil || agent == nil {
		t.Log("no recorded call beside the repository (set THROUGHLINE_DATA); tones stand in")
		for name, to := range map[string]*[]byte{"customer.ulaw": &customer, "agent.ulaw": &agent} {
			b, err := os.ReadFile(filepath.Join("testdata", name))
			if err != nil {
				t.Fatal(err)
			}
			*to = b[:min(len(b), most)]
		}
	}
	return customer, agent
}

func ulawOf(t testing.TB, path string, most int) []byte {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	r, err := wav.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	pcm := make([]int16, most)
	n := 0
	for n < most {
		k, err := r.Read(pcm[n:])
		n += k
		if err != nil {
			break
		}
	}
	return codec.AppendULaw(nil, pcm[:n])
}

// packet is an RTP packet of 20 ms of µ-law.
func packet(seq uint16, timestamp, ssrc uint32, payload []byte) []byte {
	b := []byte{0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	binary.BigEndian.PutUint16(b[2:], seq)
	binary.BigEndian.PutUint32(b[4:], timestamp)
	binary.BigEndian.PutUint32(b[8:], ssrc)
	return append(b, payload...)
}

// capture writes a pcap of two flows whose ports differ by two: sipp plays them
// to the first port of the answer and the second after it.
func capture(t testing.TB, path string, legs ...[]byte) {
	t.Helper()
	out := binary.LittleEndian.AppendUint32(nil, 0xa1b2c3d4)
	out = append(out, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 1, 0, 0, 0)
	for at := 0; ; at += 160 {
		wrote := false
		for i, leg := range legs {
			if at+160 > len(leg) {
				continue
			}
			wrote = true
			p := packet(uint16(at/160), uint32(at), uint32(0x1111*(i+1)), leg[at:at+160])
			udp := binary.BigEndian.AppendUint16(nil, uint16(7000+2*i))
			udp = binary.BigEndian.AppendUint16(udp, uint16(6000+2*i))
			udp = binary.BigEndian.AppendUint16(udp, uint16(8+len(p)))
			udp = append(append(udp, 0, 0), p...)
			ip := []byte{0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1}
			binary.BigEndian.PutUint16(ip[2:], uint16(20+len(udp)))
			frame := append(append(append(make([]byte, 12), 8, 0), ip...), udp...)
			us := at/8*1000 + i*100
			for _, v := range []int{us / 1e6, us % 1e6, len(frame), len(frame)} {
				out = binary.LittleEndian.AppendUint32(out, uint32(v))
			}
			out = append(out, frame...)
		}
		if !wrote {
			break
		}
	}
	if err := os.WriteFile(path, out, 0o600); err != nil {
		t.Fatal(err)
	}
}

func portOf(t testing.TB, addr string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	return port
}
