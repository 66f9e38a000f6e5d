package quality

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"throughline/media/codec"
)

func TestSequence(t *testing.T) {
	type step struct {
		seq     uint16
		verdict Verdict
		ahead   int64 // of the first number
	}
	tests := []struct {
		name     string
		steps    []step
		expected int64
		lost     int64
	}{
		{"in order over the wrap", []step{{65534, InOrder, 0}, {65535, InOrder, 1}, {0, InOrder, 2}, {1, InOrder, 3}}, 4, 0},
		{"loss over the wrap", []step{{65534, InOrder, 0}, {2, InOrder, 4}}, 5, 3},
		{"reordered over the wrap", []step{{65534, InOrder, 0}, {0, InOrder, 2}, {65535, Misplaced, 1}}, 3, 0},
		{"repeated", []step{{7, InOrder, 0}, {7, Misplaced, 0}}, 1, -1},
		{"before the first", []step{{7, InOrder, 0}, {5, Misplaced, -2}}, 1, -1},
		{"largest believed loss", []step{{0, InOrder, 0}, {2999, InOrder, 2999}}, 3000, 2998},
		{"one wild packet", []step{{0, InOrder, 0}, {3000, Doubtful, 0}, {1, InOrder, 1}}, 2, 0},
		{"a restart", []step{{10, InOrder, 0}, {40000, Doubtful, 0}, {40001, Restarted, 2*65536 + 39991}, {40002, InOrder, 2*65536 + 39992}}, 3, 0},
		{"two wild packets apart", []step{{0, InOrder, 0}, {30000, Doubtful, 0}, {40000, Doubtful, 0}}, 1, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var s Source
			var first int64
			for i, st := range tt.steps {
				n, v := s.Sequence(st.seq)
				if i == 0 {
					first = n
				}
				if v != st.verdict || v != Doubtful && n-first != st.ahead {
					t.Errorf("%d gives %d, %d ahead; want %d, %d", st.seq, v, n-first, st.verdict, st.ahead)
				}
			}
			if s.Expected() != tt.expected || s.Lost() != tt.lost {
				t.Errorf("expected %d, lost %d; want %d, %d", s.Expected(), s.Lost(), tt.expected, tt.lost)
			}
		})
	}
}

func TestLongLegWrapsManyTimes(t *testing.T) {
	var s Source
	const packets = 5*65536 + 100 // two hours at 50 packets a second
	for i := range packets {
		if n, v := s.Sequence(uint16(i)); v != InOrder || n != int64(i) {
			t.Fatalf("packet %d is %d, %d", i, n, v)
		}
	}
	if s.Expected() != packets || s.Lost() != 0 || s.Highest() != packets-1 {
		t.Errorf("expected %d, lost %d, highest %d", s.Expected(), s.Lost(), s.Highest())
	}
}

// TestJitter follows RFC 3550 A.8 by hand: transit differences of 0, 8 and 8 ms.
func TestJitter(t *testing.T) {
	var s Source
	s.Timing(0xffffffb0, 8000, 0) // the timestamp wraps
	s.Timing(80, 8000, 20*time.Millisecond)
	s.Timing(240, 8000, 48*time.Millisecond)
	s.Timing(400, 8000, 60*time.Millisecond)
	want := 0.5 + (8-0.5)/16
	if got := s.Jitter().Seconds() * 1e3; math.Abs(got-want) > 1e-3 || s.JitterTicks() != uint32(want*8) || s.MaxJitter() != s.Jitter() {
		t.Errorf("jitter %.4f ms, %d ticks; want %.4f", got, s.JitterTicks(), want)
	}
	before := s.Jitter()
	s.Timing(99, 48000, 80*time.Millisecond) // another clock: nothing to compare with
	s.Timing(99+960, 48000, 100*time.Millisecond)
	if got := s.Jitter(); got > before {
		t.Errorf("a change of clock made jitter of %v into %v", before, got)
	}
}

func TestReport(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var s Source
	for i := range 100 {
		if i%4 != 3 { // a quarter is lost
			s.Sequence(uint16(65500 + i))
		}
	}
	us := Session{SSRC: 0x11, CNAME: "leg-7"}
	sr, err := (&rtcp.SenderReport{SSRC: 0x22, NTPTime: 0xe0000000_80000000, RTPTime: 1000}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if err := us.Receive(sr, start); err != nil {
		t.Fatal(err)
	}
	raw, err := us.Report(&s, 0x22, start.Add(1500*time.Millisecond), true)
	if err != nil {
		t.Fatal(err)
	}
	parts, err := rtcp.Unmarshal(raw)
	if err != nil || len(parts) != 3 {
		t.Fatalf("%d parts, %v", len(parts), err)
	}
	block := parts[0].(*rtcp.ReceiverReport).Reports[0]
	want := rtcp.ReceptionReport{
		SSRC: 0x22, FractionLost: uint8(24 * 256 / 99), TotalLost: 24, LastSequenceNumber: 65536 + 62,
		LastSenderReport: 0x00008000, Delay: 98304,
	}
	if block != want {
		t.Errorf("block %+v, want %+v", block, want)
	}
	if again := s.FractionLost(); again != 0 {
		t.Errorf("nothing new was lost, yet the fraction is %d", again)
	}
	var peer Session
	if err := peer.Receive(raw, start); err != nil || !peer.Ended() {
		t.Errorf("our own report: ended %v, %v", peer.Ended(), err)
	}
	for n := range sr {
		if err := us.Receive(sr[:n], start); !errors.Is(err, ErrRTCP) {
			t.Errorf("%d octets were taken: %v", n, err)
		}
	}
}

// TestNegativeLoss: repetitions make the count negative, a signed number of 24 bits.
func TestNegativeLoss(t *testing.T) {
	var s Source
	s.Sequence(1)
	s.Sequence(1)
	raw, err := (&Session{SSRC: 1, CNAME: "c"}).Report(&s, 2, time.Now(), false)
	if err != nil || len(raw) < 16 || raw[12] != 0 || raw[13] != 0xff || raw[14] != 0xff || raw[15] != 0xff {
		t.Errorf("report %x, %v", raw, err)
	}
}

func TestIsRTCP(t *testing.T) {
	for _, tt := range []struct {
		packet []byte
		want   bool
	}{{[]byte{0x80, 200}, true}, {[]byte{0x80, 223}, true}, {[]byte{0x80, 0}, false}, {[]byte{0x80, 224}, false}, {[]byte{0, 200}, false}, {[]byte{0x80}, false}} {
		if IsRTCP(tt.packet) != tt.want {
			t.Errorf("%x", tt.packet)
		}
	}
}

func TestNextReport(t *testing.T) {
	for range 100 {
		if d := NextReport(); d < 2500*time.Millisecond || d > 7500*time.Millisecond {
			t.Errorf("%v is outside half to one and a half of five seconds", d)
		}
	}
}

// TestEstimateMOS compares with values computed by hand from G.107 and G.113.
func TestEstimateMOS(t *testing.T) {
	tests := []struct {
		name        string
		codec       codec.Codec
		loss, burst float64
		delay       time.Duration
		r, mos      float64
	}{
		{"perfect", codec.PCMU, 0, 1, 0, 93.2, 4.41},
		{"delay alone", codec.PCMU, 0, 1, 200 * time.Millisecond, 93.2 - 4.8 - 0.11*22.7, 4.23},
		{"2 % random loss", codec.PCMA, 0.02, 1, 0, 93.2 - 95*2/27.1, 4.23},
		{"2 % in bursts of two", codec.PCMA, 0.02, 2, 0, 93.2 - 95*2/26.1, 4.23},
		{"g729", codec.Unknown, 0, 1, 0, 82.2, 4.11},
		{"nothing arrives", codec.PCMU, 1, 1, time.Second, 0, 1},
		{"nonsense is held in range", codec.PCMU, -3, -1, 0, 93.2, 4.41},
	}
	for _, tt := range tests {
		got := EstimateMOS(tt.codec, tt.loss, tt.burst, tt.delay)
		if math.Abs(got.R-tt.r) > 0.01 || math.Abs(got.MOS-tt.mos) > 0.011 {
			t.Errorf("%s: R %.2f, MOS %.2f; want %.2f, %.2f", tt.name, got.R, got.MOS, tt.r, tt.mos)
		}
	}
	last := 5.0
	for loss := 0.0; loss <= 1; loss += 0.01 {
		mos := EstimateMOS(codec.PCMU, loss, 1, 50*time.Millisecond).MOS
		if mos > last || mos < 1 {
			t.Fatalf("at %.0f %% loss the score is %.2f, after %.2f", loss*100, mos, last)
		}
		last = mos
	}
}

// TestSkew drifts a clock by 100 ppm under jitter that only ever delays.
func TestSkew(t *testing.T) {
	var s Skew
	for i := range 50 * 3600 {
		at := time.Duration(i) * 20 * time.Millisecond
		jitter := time.Duration(i*7919%40) * time.Millisecond
		s.Observe(at-at/10000, at+jitter)
	}
	if got := s.Value(); got < 355*time.Millisecond || got > 362*time.Millisecond {
		t.Errorf("after an hour at 100 ppm the skew is %v, want about 360 ms", got)
	}
}

func TestLegOffset(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	ntp := func(at time.Time) uint64 {
		d := at.Sub(time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC).Add(0))
		return uint64(at.Unix()+2208988800)<<32 | uint64(d%time.Second)<<32/uint64(time.Second)
	}
	leg := func(arrival, sent time.Time) LegClock {
		return LegClock{Start: arrival, Timestamp: 0xfffffff0, ClockRate: 8000, Sender: SenderClock{
			NTP: ntp(sent.Add(time.Second)), Timestamp: 7984, Arrival: arrival.Add(time.Second),
		}}
	}
	a := leg(start, start)
	b := leg(start.Add(500*time.Millisecond), start.Add(440*time.Millisecond)) // 60 ms of jitter
	if got, by := LegOffset(a, b); !by || got < 439*time.Millisecond || got > 441*time.Millisecond {
		t.Errorf("by the senders' clocks %v, %v", got, by)
	}
	bogus := leg(start.Add(500*time.Millisecond), start.Add(-10*time.Hour))
	for name, other := range map[string]LegClock{"bogus": bogus, "none": {Start: b.Start, ClockRate: 8000}} {
		if got, by := LegOffset(a, other); by || got != 500*time.Millisecond {
			t.Errorf("%s sender clock: %v, %v", name, got, by)
		}
	}
}

func FuzzRTCP(f *testing.F) {
	raw, err := (&Session{SSRC: 1, CNAME: "c"}).Report(&Source{}, 2, time.Now(), true)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte{0x80, 200, 0, 6, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, packet []byte) {
		var s Session
		now := time.Unix(1700000000, 0)
		if err := s.Receive(packet, now); err != nil && !errors.Is(err, ErrRTCP) {
			t.Fatal(err)
		}
		if _, err := s.Report(&Source{}, 1, now, false); err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkSource(b *testing.B) {
	var s Source
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		s.Sequence(uint16(i))
		s.Timing(uint32(160*i), 8000, time.Duration(i)*20*time.Millisecond)
		i++
	}
}
