package rtpstream

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"

	"throughline/media"
	"throughline/media/codec"
)

// scribe writes down frames in a short form: "[gap kind+duration] offset+duration codec".
type scribe struct{ lines []string }

func (*scribe) String() string { return "scribe" }

func (s *scribe) WriteFrame(f *media.Frame) error {
	line := ""
	if f.Gap.Kind != media.NoGap {
		line = fmt.Sprintf("[%s %v] ", f.Gap.Kind, media.TicksDuration(f.Gap.Ticks, f.Format.ClockRate).Round(time.Millisecond))
	}
	s.lines = append(s.lines, line+fmt.Sprintf("%v+%v %s", f.Offset.Round(time.Millisecond),
		media.TicksDuration(int64(f.Ticks), f.Format.ClockRate), f.Format.Codec))
	return nil
}

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// sent describes a packet; the zero payload is 20 ms of its type.
type sent struct {
	at   int // arrival in ms
	seq  uint16
	ts   uint32
	ssrc uint32
	pt   uint8
	data []byte
}

func (s sent) bytes(t testing.TB) []byte {
	t.Helper()
	data := s.data
	if data == nil {
		data = map[uint8][]byte{0: make([]byte, 160), 8: make([]byte, 160), 9: make([]byte, 160), 13: {60}, 101: {5, 10, 0, 160}, 111: {9 << 3, 1, 2}}[s.pt]
	}
	b, err := (&rtp.Packet{Header: rtp.Header{
		Version: 2, PayloadType: s.pt, SequenceNumber: s.seq, Timestamp: s.ts, SSRC: s.ssrc,
	}, Payload: data}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// regular is n packets of 20 ms, one after the other.
func regular(n, at int, seq uint16, ts, ssrc uint32) []sent {
	out := make([]sent, n)
	for i := range out {
		out[i] = sent{at: at + 20*i, seq: seq + uint16(i), ts: ts + uint32(160*i), ssrc: ssrc}
	}
	return out
}

func TestReceiver(t *testing.T) {
	join := func(parts ...[]sent) (all []sent) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	tests := []struct {
		name    string
		packets []sent
		want    []string
		stats   func(Stats) bool
	}{
		{
			"sequence and timestamp wrap", regular(3, 0, 0xffff, 0xffffff60, 1),
			[]string{"0s+20ms PCMU", "20ms+20ms PCMU", "40ms+20ms PCMU"},
			func(s Stats) bool { return s.Packets == 3 && s.Lost == 0 },
		}, {
			"reordered in time",
			[]sent{{at: 0, seq: 1, ts: 0}, {at: 40, seq: 3, ts: 320}, {at: 41, seq: 2, ts: 160}, {at: 60, seq: 4, ts: 480}},
			[]string{"0s+20ms PCMU", "20ms+20ms PCMU", "40ms+20ms PCMU", "60ms+20ms PCMU"},
			func(s Stats) bool { return s.Reordered == 1 && s.Missing == 0 && s.Lost == 0 },
		}, {
			"lost, then late",
			[]sent{{at: 0, seq: 1, ts: 0}, {at: 40, seq: 3, ts: 320}, {at: 110, seq: 4, ts: 480}, {at: 111, seq: 2, ts: 160}},
			[]string{"0s+20ms PCMU", "[lost 20ms] 40ms+20ms PCMU", "60ms+20ms PCMU"},
			func(s Stats) bool { return s.Missing == 1 && s.Late == 1 && s.LostTime == 20*time.Millisecond },
		}, {
			"repeated, before and after it was written",
			[]sent{{at: 0, seq: 1, ts: 0}, {at: 1, seq: 1, ts: 0}, {at: 40, seq: 3, ts: 320}, {at: 41, seq: 3, ts: 320}, {at: 42, seq: 2, ts: 160}},
			[]string{"0s+20ms PCMU", "20ms+20ms PCMU", "40ms+20ms PCMU"},
			func(s Stats) bool { return s.Repeated == 2 && s.Lost == -2 && s.Missing == 0 },
		}, {
			"two holes at once",
			[]sent{{at: 0, seq: 1, ts: 0}, {at: 40, seq: 3, ts: 320}, {at: 80, seq: 5, ts: 640}, {at: 200, seq: 6, ts: 800}},
			[]string{"0s+20ms PCMU", "[lost 20ms] 40ms+20ms PCMU", "[lost 20ms] 80ms+20ms PCMU", "100ms+20ms PCMU"},
			func(s Stats) bool { return s.Missing == 2 },
		}, {
			"a hole wider than the window does not wait",
			[]sent{{at: 0, seq: 1, ts: 0}, {at: 2000, seq: 101, ts: 16000}},
			[]string{"0s+20ms PCMU", "[lost 1.98s] 2s+20ms PCMU"},
			func(s Stats) bool { return s.Missing == 99 && s.Lost == 99 },
		}, {
			"a burst behind a wide hole",
			[]sent{{at: 0, seq: 1, ts: 0}, {at: 60, seq: 4, ts: 480}, {at: 61, seq: 80, ts: 12640}},
			[]string{"0s+20ms PCMU", "[lost 40ms] 60ms+20ms PCMU", "[lost 1.5s] 1.58s+20ms PCMU"},
			func(s Stats) bool { return s.Missing == 77 },
		}, {
			"silence suppression",
			[]sent{{at: 0, seq: 1, ts: 0}, {at: 20, seq: 2, ts: 160, pt: 13}, {at: 500, seq: 3, ts: 4000}},
			[]string{"0s+20ms PCMU", "[silent 480ms] 500ms+20ms PCMU"},
			func(s Stats) bool { return s.Noise == 1 && s.SilentTime == 480*time.Millisecond },
		}, {
			"telephone-event in place of audio",
			[]sent{{at: 0, seq: 1, ts: 0}, {at: 20, seq: 2, ts: 160, pt: 101}, {at: 40, seq: 3, ts: 160, pt: 101}, {at: 60, seq: 4, ts: 480}},
			[]string{"0s+20ms PCMU", "[event 40ms] 60ms+20ms PCMU"},
			func(s Stats) bool { return s.Keys == 1 && s.Lost == 0 },
		}, {
			"a format that cannot be decoded",
			[]sent{{at: 0, seq: 1, ts: 0}, {at: 20, seq: 2, ts: 160, pt: 18, data: make([]byte, 20)}, {at: 40, seq: 3, ts: 320}},
			[]string{"0s+20ms PCMU", "[unknown 20ms] 40ms+20ms PCMU"},
			func(s Stats) bool { return s.Undecoded == 1 },
		}, {
			"codec changes: the G.722 clock runs on, the Opus clock is another",
			[]sent{{at: 0, seq: 1, ts: 0}, {at: 20, seq: 2, ts: 160, pt: 9}, {at: 40, seq: 3, ts: 70000, pt: 111}, {at: 60, seq: 4, ts: 70960, pt: 111}},
			[]string{"0s+20ms PCMU", "20ms+20ms G722", "40ms+20ms opus", "60ms+20ms opus"},
			func(s Stats) bool { return s.Jumps == 0 },
		}, {
			"a new source keeps the leg's timeline",
			join(regular(2, 0, 10, 0, 1), regular(3, 2000, 7000, 999999, 2)),
			[]string{"0s+20ms PCMU", "20ms+20ms PCMU", "[jump 1.96s] 2s+20ms PCMU", "2.02s+20ms PCMU", "2.04s+20ms PCMU"},
			func(s Stats) bool { return s.Sources == 2 && s.Foreign == 0 && s.Packets == 5 && s.Lost == 0 },
		}, {
			"a stray packet of another source",
			join(regular(2, 0, 10, 0, 1), []sent{{at: 25, seq: 9, ssrc: 66}}, regular(1, 40, 12, 320, 1)),
			[]string{"0s+20ms PCMU", "20ms+20ms PCMU", "40ms+20ms PCMU"},
			func(s Stats) bool { return s.Sources == 1 && s.Foreign == 1 },
		}, {
			"the replaced source does not take turns",
			join(regular(2, 0, 10, 0, 1), regular(2, 40, 70, 5, 2), regular(2, 45, 12, 320, 1), regular(1, 80, 72, 325, 2)),
			[]string{"0s+20ms PCMU", "20ms+20ms PCMU", "40ms+20ms PCMU", "60ms+20ms PCMU", "80ms+20ms PCMU"},
			func(s Stats) bool { return s.Sources == 2 && s.Foreign == 2 },
		}, {
			"the sender restarts its sequence",
			join(regular(2, 0, 10, 0, 1), regular(3, 40, 40000, 77777777, 1)),
			[]string{"0s+20ms PCMU", "20ms+20ms PCMU", "40ms+20ms PCMU", "60ms+20ms PCMU", "80ms+20ms PCMU"},
			func(s Stats) bool { return s.Doubtful == 0 && s.Lost == 0 },
		}, {
			"one packet far from the sequence",
			join(regular(2, 0, 10, 0, 1), []sent{{at: 30, seq: 40000, ssrc: 1}}, regular(1, 40, 12, 320, 1)),
			[]string{"0s+20ms PCMU", "20ms+20ms PCMU", "40ms+20ms PCMU"},
			func(s Stats) bool { return s.Doubtful == 1 },
		}, {
			"timestamps jump back within the sequence",
			join(regular(2, 0, 10, 1<<30, 1), regular(2, 40, 12, 5, 1)),
			[]string{"0s+20ms PCMU", "20ms+20ms PCMU", "40ms+20ms PCMU", "60ms+20ms PCMU"},
			func(s Stats) bool { return s.Jumps == 1 },
		}, {
			"timestamps jump far ahead, arrival does not",
			join(regular(2, 0, 10, 0, 1), regular(2, 140, 12, 1<<30, 1)),
			[]string{"0s+20ms PCMU", "20ms+20ms PCMU", "[jump 100ms] 140ms+20ms PCMU", "160ms+20ms PCMU"},
			func(s Stats) bool { return s.Jumps == 1 },
		}, {
			"a hold that stops the sender's clock",
			join(regular(2, 0, 10, 0, 1), regular(2, 12540, 12, 320, 1)),
			[]string{"0s+20ms PCMU", "20ms+20ms PCMU", "[jump 12.5s] 12.54s+20ms PCMU", "12.56s+20ms PCMU"},
			func(s Stats) bool { return s.Jumps == 1 },
		}, {
			"a hold during which the sender's clock runs",
			join(regular(2, 0, 10, 0, 1), regular(1, 12540, 12, 100320, 1)),
			[]string{"0s+20ms PCMU", "20ms+20ms PCMU", "[silent 12.5s] 12.54s+20ms PCMU"},
			func(s Stats) bool { return s.Jumps == 0 },
		}, {
			"the network freezes and a burst follows: nothing was lost",
			[]sent{{at: 0, seq: 1}, {at: 1500, seq: 2, ts: 160}, {at: 1501, seq: 3, ts: 320}, {at: 1502, seq: 4, ts: 480}},
			[]string{"0s+20ms PCMU", "20ms+20ms PCMU", "40ms+20ms PCMU", "60ms+20ms PCMU"},
			func(s Stats) bool { return s.Jumps == 0 && s.End == 80*time.Millisecond },
		}, {
			"overlapping timestamps do not move what is written",
			[]sent{{at: 0, seq: 1}, {at: 20, seq: 2, ts: 80}, {at: 40, seq: 3, ts: 240}},
			[]string{"0s+20ms PCMU", "20ms+20ms PCMU", "40ms+20ms PCMU"},
			func(s Stats) bool { return s.Overlaps == 1 },
		}, {
			"a leg that begins with a key press",
			[]sent{{at: 0, seq: 1, pt: 101}, {at: 100, seq: 2, ts: 800}},
			[]string{"[event 100ms] 100ms+20ms PCMU"},
			func(s Stats) bool { return s.Keys == 1 },
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := &scribe{}
			r := NewReceiver(Config{Formats: formats(t, map[uint8]string{101: "telephone-event/8000", 111: "opus/48000/2"})}, out)
			for _, p := range tt.packets {
				if err := r.Receive(p.bytes(t), epoch.Add(time.Duration(p.at)*time.Millisecond)); err != nil {
					t.Fatal(err)
				}
			}
			if err := r.Flush(); err != nil {
				t.Fatal(err)
			}
			if got, want := strings.Join(out.lines, "\n"), strings.Join(tt.want, "\n"); got != want {
				t.Errorf("frames\n%s\nwant\n%s", got, want)
			}
			if s := r.Stats(); !tt.stats(s) {
				t.Errorf("stats %+v", s)
			}
		})
	}
}

func TestAdvanceEndsTheWait(t *testing.T) {
	out := &scribe{}
	r := NewReceiver(Config{}, out)
	for _, p := range []sent{{at: 0, seq: 1}, {at: 40, seq: 3, ts: 320}} {
		if err := r.Receive(p.bytes(t), epoch.Add(time.Duration(p.at)*time.Millisecond)); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct{ at, frames int }{{99, 1}, {100, 2}} {
		now := epoch.Add(time.Duration(step.at) * time.Millisecond)
		if err := r.Advance(now); err != nil || len(out.lines) != step.frames {
			t.Errorf("at %d ms: %d frames, %v", step.at, len(out.lines), err)
		}
		if got := r.Quiet(now); got != time.Duration(step.at-40)*time.Millisecond {
			t.Errorf("quiet for %v", got)
		}
	}
}

func TestScore(t *testing.T) {
	mos := func(lost func(i int) bool) float64 {
		r := NewReceiver(Config{}, &scribe{})
		if _, ok := r.Score(0); ok {
			t.Error("a leg without packets has a score")
		}
		for i, p := range regular(1000, 0, 0, 0, 1) {
			if lost(i) {
				continue
			}
			if err := r.Receive(p.bytes(t), epoch.Add(time.Duration(p.at)*time.Millisecond)); err != nil {
				t.Fatal(err)
			}
		}
		s, ok := r.Score(0)
		if !ok {
			t.Error("a leg with packets has no score")
		}
		return s.MOS
	}
	clean := mos(func(int) bool { return false })
	random := mos(func(i int) bool { return i%20 == 10 })
	bursts := mos(func(i int) bool { return i%200 >= 100 && i%200 < 110 })
	if clean < 4.3 || random > 4.15 || bursts >= random {
		t.Errorf("clean %.2f, 5 %% lost singly %.2f, in bursts of ten %.2f", clean, random, bursts)
	}
}

func TestReceiverRefuses(t *testing.T) {
	good := sent{seq: 1, ssrc: 1}.bytes(t)
	patch := func(at int, b byte) []byte {
		c := append([]byte(nil), good...)
		c[at] = b
		return c
	}
	r := NewReceiver(Config{}, &scribe{})
	cases := map[string][]byte{
		"empty": {}, "stun": {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 0, 0, 0, 0, 0, 0},
		"dtls": patch(0, 22), "version 1": patch(0, 0x40), "rtcp": patch(1, 200),
		"padding of zero": patch(0, 0xa0), "csrc beyond the end": append(patch(0, 0x8f)[:12], 1, 2),
		"extension beyond the end": append(patch(0, 0x90)[:12], 0xbe, 0xde, 0xff, 0xff),
		"payload too long":         append(good, make([]byte, MaxPayload)...),
	}
	padded := patch(0, 0xa0)
	padded[len(padded)-1] = 200
	cases["padding longer than the payload"] = padded
	for name, b := range cases {
		if err := r.Receive(b, epoch); !errors.Is(err, ErrPacket) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if s := r.Stats(); s.Malformed != int64(len(cases)) || s.Packets != 0 || !r.Start().IsZero() {
		t.Errorf("stats %+v", s)
	}
}

func TestTruncatedPackets(t *testing.T) {
	whole, err := (&rtp.Packet{Header: rtp.Header{
		Version: 2, PayloadType: 111, SequenceNumber: 1, SSRC: 1, CSRC: []uint32{1, 2}, Extension: true,
		ExtensionProfile: 0xbede, Extensions: []rtp.Extension{},
	}, Payload: []byte{9 << 3, 1, 2, 3}}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		r := NewReceiver(Config{}, &scribe{})
		err := r.Receive(whole[:n], epoch)
		if n < 24 && !errors.Is(err, ErrPacket) {
			t.Errorf("%d octets of %d were taken: %v", n, len(whole), err)
		}
	}
}

// failing is a writer whose disk is full.
type failing struct{}

func (failing) String() string                { return "failing" }
func (failing) WriteFrame(*media.Frame) error { return errFull }

var errFull = errors.New("full")

func TestWriterErrorsComeBack(t *testing.T) {
	r := NewReceiver(Config{}, failing{})
	if err := r.Receive(sent{seq: 1}.bytes(t), epoch); !errors.Is(err, errFull) || errors.Is(err, ErrPacket) {
		t.Errorf("got %v", err)
	}
}

// FuzzReceive feeds datagrams of any content, cut from the input at lengths and times that the
// input chooses too, and checks that frames still follow each other.
func FuzzReceive(f *testing.F) {
	stream := func(packets ...sent) (b []byte) {
		for _, p := range packets {
			raw := p.bytes(f)
			b = append(b, byte(p.at), byte(len(raw)))
			b = append(b, raw...)
		}
		return b
	}
	f.Add(stream(regular(4, 0, 65534, 0, 1)...))
	f.Add(stream(sent{seq: 1}, sent{at: 40, seq: 3, ts: 320}, sent{at: 41, seq: 2, ts: 160}, sent{at: 80, seq: 90, ts: 1 << 31}))
	f.Add(stream(sent{seq: 1, pt: 111}, sent{at: 2, seq: 9, ssrc: 4, pt: 13}, sent{at: 3, seq: 10, ssrc: 4, pt: 101}, sent{at: 4, seq: 11, ssrc: 4, pt: 9}))
	f.Fuzz(func(t *testing.T, b []byte) {
		var types codec.PayloadTypes = codec.StaticPayloadTypes()
		types[111] = codec.Format{Codec: codec.Opus, ClockRate: 48000, Channels: 2}
		types[101] = codec.Format{Codec: codec.TelephoneEvent, ClockRate: 8000}
		r := NewReceiver(Config{Formats: types}, &monotonic{t: t, next: &scribe{}})
		at := epoch
		for len(b) >= 2 {
			at = at.Add(time.Duration(b[0]) * time.Millisecond)
			n := min(int(b[1]), len(b)-2)
			if err := r.Receive(b[2:2+n], at); err != nil && !errors.Is(err, ErrPacket) {
				t.Fatal(err)
			}
			b = b[2+n:]
		}
		if err := r.Flush(); err != nil {
			t.Fatal(err)
		}
		s := r.Stats()
		if d := s.Heard + s.LostTime + s.SilentTime + s.OtherGaps - s.End; d < -time.Millisecond || d > time.Millisecond {
			t.Fatalf("parts of media time differ from the whole by %v: %+v", d, s)
		}
	})
}

// nothing swallows chunks, as a Kafka producer with an empty queue would.
type nothing struct{ octets []byte }

func (*nothing) String() string { return "nothing" }

func (n *nothing) WriteChunk(c *media.Chunk) error {
	n.octets, _ = c.AppendBinary(n.octets[:0])
	return nil
}

// benchmarkReceive measures parse, reorder, time, chunk and chunk encoding of one PCMU packet of
// 20 ms: everything between the socket and the Kafka producer.
func benchmarkReceive(b *testing.B, disturb func(i int) int) {
	r := NewReceiver(Config{}, media.NewChunker(0, &nothing{}))
	packet := sent{ssrc: 1}.bytes(b)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		n := disturb(i)
		packet[2], packet[3] = byte(n>>8), byte(n)
		ts := uint32(n * 160)
		packet[4], packet[5], packet[6], packet[7] = byte(ts>>24), byte(ts>>16), byte(ts>>8), byte(ts)
		if err := r.Receive(packet, epoch.Add(time.Duration(i)*20*time.Millisecond)); err != nil {
			b.Fatal(err)
		}
		i++
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N), "ns/packet")
}

func BenchmarkReceiveInOrder(b *testing.B) {
	benchmarkReceive(b, func(i int) int { return i })
}

func BenchmarkReceiveReordered(b *testing.B) {
	benchmarkReceive(b, func(i int) int { return i ^ 1 }) // every pair exchanged
}

func BenchmarkReceiveLossy(b *testing.B) {
	benchmarkReceive(b, func(i int) int { return i + i/20 }) // one in twenty is lost
}
