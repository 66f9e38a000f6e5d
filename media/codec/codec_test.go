package codec

import (
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"
)

func golden(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func goldenSamples(t testing.TB, name string) []int16 {
	b := golden(t, name)
	out := make([]int16, len(b)/2)
	for i := range out {
		out[i] = int16(binary.LittleEndian.Uint16(b[2*i:]))
	}
	return out
}

func allCodes() []byte {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

func TestG711ExpandsAsFFmpegDoes(t *testing.T) {
	for _, tt := range []struct {
		golden string
		expand func([]int16, []byte) []int16
	}{
		{"codes.mulaw.s16le", AppendLinearULaw},
		{"codes.alaw.s16le", AppendLinearALaw},
	} {
		want := goldenSamples(t, tt.golden)
		for i, got := range tt.expand(nil, allCodes()) {
			if got != want[i] {
				t.Errorf("%s: code %#02x gives %d, want %d", tt.golden, i, got, want[i])
			}
		}
	}
}

func TestG711RoundTrip(t *testing.T) {
	for _, tt := range []struct {
		name     string
		expand   func([]int16, []byte) []int16
		compress func([]byte, []int16) []byte
	}{
		{"ulaw", AppendLinearULaw, AppendULaw},
		{"alaw", AppendLinearALaw, AppendALaw},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for i, back := range tt.compress(nil, tt.expand(nil, allCodes())) {
				// µ-law has two codes for zero; negative zero comes back as positive zero.
				if int(back) != i && !(tt.name == "ulaw" && i == 0x7f && back == 0xff) {
					t.Errorf("code %#02x comes back as %#02x", i, back)
				}
			}
			for v := math.MinInt16; v <= math.MaxInt16; v++ {
				got := int(tt.expand(nil, tt.compress(nil, []int16{int16(v)}))[0])
				// A step never exceeds 1/16 of its segment's start; the smallest is 8 (A-law 16).
				if slack := max(16, abs(v)/16+8); abs(got-v) > slack+644*boolInt(abs(v) > 32124) {
					t.Fatalf("level %d comes back as %d", v, got)
				}
			}
		})
	}
}

func abs(v int) int {
	return max(v, -v)
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestG722IsBitExact(t *testing.T) {
	want := goldenSamples(t, "chirp.g722.s16le")
	d, err := NewDecoder(Format{G722, 8000, 1}, 16000)
	if err != nil {
		t.Fatal(err)
	}
	// Packets of an odd length prove that the state survives from one payload to the next.
	payload := golden(t, "chirp.g722")
	var got []int16
	for len(payload) > 0 {
		n := min(77, len(payload))
		if got, err = d.Decode(got, payload[:n]); err != nil {
			t.Fatal(err)
		}
		payload = payload[n:]
	}
	if len(got) != len(want) {
		t.Fatalf("%d samples, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("sample %d is %d, want %d", i, got[i], want[i])
		}
	}
}

func TestTicks(t *testing.T) {
	tests := []struct {
		name    string
		format  Format
		payload []byte
		want    int
		err     error
	}{
		{"pcmu 20 ms", Format{PCMU, 8000, 1}, make([]byte, 160), 160, nil},
		{"zero channels count as one", Format{PCMA, 8000, 0}, make([]byte, 80), 80, nil},
		{"g722 clock is 8 kHz", Format{G722, 8000, 1}, make([]byte, 160), 160, nil},
		{"l16 stereo", Format{L16, 44100, 2}, make([]byte, 400), 100, nil},
		{"l16 odd", Format{L16, 16000, 1}, make([]byte, 3), 0, ErrPayload},
		{"opus silk 20 ms", Format{Opus, 48000, 2}, []byte{9 << 3}, 960, nil},
		{"opus celt 2.5 ms twice", Format{Opus, 48000, 2}, []byte{16<<3 | 1}, 240, nil},
		{"opus 6 frames of 20 ms", Format{Opus, 48000, 2}, []byte{1<<3 | 3, 6}, 5760, nil},
		{"opus hybrid 10 ms", Format{Opus, 48000, 2}, []byte{12 << 3}, 480, nil},
		{"opus over 120 ms", Format{Opus, 48000, 2}, []byte{1<<3 | 3, 7}, 0, ErrPayload},
		{"opus no frames", Format{Opus, 48000, 2}, []byte{1<<3 | 3, 0}, 0, ErrPayload},
		{"opus count missing", Format{Opus, 48000, 2}, []byte{3}, 0, ErrPayload},
		{"opus empty", Format{Opus, 48000, 2}, nil, 0, ErrPayload},
		{"comfort noise lasts until the next frame", Format{ComfortNoise, 8000, 1}, []byte{60}, 0, nil},
		{"unknown", Format{Unknown, 8000, 1}, make([]byte, 33), 0, ErrUnsupported},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.format.Ticks(tt.payload)
			if got != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("got %d, %v; want %d, %v", got, err, tt.want, tt.err)
			}
		})
	}
}

func TestParseRTPMap(t *testing.T) {
	tests := []struct {
		in   string
		want Format
		ok   bool
	}{
		{"PCMU/8000", Format{PCMU, 8000, 1}, true},
		{"pcma/8000/1", Format{PCMA, 8000, 1}, true},
		{"OPUS/48000/2", Format{Opus, 48000, 2}, true},
		{"L16/16000", Format{L16, 16000, 1}, true},
		{"telephone-event/48000", Format{TelephoneEvent, 48000, 1}, true},
		{"G729/8000", Format{Unknown, 8000, 1}, true},
		{"PCMU", Format{}, false},
		{"PCMU/fast", Format{}, false},
		{"PCMU/0", Format{}, false},
		{"PCMU/-8000", Format{}, false},
		{"PCMU/8000/99", Format{}, false},
		{"PCMU/8000/1/1", Format{}, false},
		{"", Format{}, false},
	}
	for _, tt := range tests {
		got, err := ParseRTPMap(tt.in)
		if got != tt.want || (err == nil) != tt.ok {
			t.Errorf("%q: got %v, %v", tt.in, got, err)
		}
	}
}

func TestPayloadTypes(t *testing.T) {
	p := StaticPayloadTypes()
	if p[0].Codec != PCMU || p[8].Codec != PCMA || p[9] != (Format{G722, 8000, 1}) || p[13].Codec != ComfortNoise {
		t.Errorf("static assignments differ from RFC 3551: %v %v %v %v", p[0], p[8], p[9], p[13])
	}
	if err := p.Set(111, Format{Opus, 48000, 2}); err != nil || p[111].Codec != Opus {
		t.Errorf("dynamic type was not taken: %v", err)
	}
	if p.Set(128, Format{Opus, 48000, 2}) == nil || p.Set(97, Format{L16, 0, 1}) == nil {
		t.Error("an impossible assignment was taken")
	}
}

func TestDecodersRefuse(t *testing.T) {
	for _, f := range []Format{
		{}, {Unknown, 8000, 1}, {ComfortNoise, 8000, 1}, {TelephoneEvent, 8000, 1},
		{PCMU, 0, 1}, {PCMU, 8000, -1}, {G722, 8000, 2}, {Codec(99), 8000, 1},
	} {
		if d, err := NewDecoder(f, 16000); !errors.Is(err, ErrUnsupported) {
			t.Errorf("%v gives %v, %v", f, d, err)
		}
	}
}

func TestL16(t *testing.T) {
	samples := []int16{0, 1, -1, 32767, -32768, 258}
	payload := AppendL16(nil, samples)
	if payload[2] != 0 || payload[3] != 1 {
		t.Error("L16 is not in network byte order")
	}
	d, err := NewDecoder(Format{L16, 16000, 2}, 16000)
	if err != nil {
		t.Fatal(err)
	}
	got, err := d.Decode([]int16{7}, payload)
	if err != nil || len(got) != 4 || got[0] != 7 || got[1] != 0 || got[2] != 16383 || got[3] != -16255 {
		t.Errorf("stereo mixed down to %v, %v", got, err)
	}
	SwapL16(payload)
	if payload[2] != 1 || payload[3] != 0 {
		t.Error("octets were not exchanged")
	}
}

func TestDeinterleave(t *testing.T) {
	legs := make([][]byte, 2)
	if n := Deinterleave(legs, []byte("aAbBcCd"), 1); n != 3 || string(legs[0]) != "abc" || string(legs[1]) != "ABC" {
		t.Errorf("got %d groups, %q %q", n, legs[0], legs[1])
	}
	if Deinterleave(nil, []byte("ab"), 1) != 0 || Deinterleave(legs, []byte("ab"), 0) != 0 {
		t.Error("impossible channel layouts must take nothing")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(uint8(Opus), 48000, 2, golden(f, "chirp.g722")[:40])
	f.Add(uint8(Opus), 48000, 2, []byte{0x03, 0x06, 1, 2, 3})
	f.Add(uint8(G722), 8000, 1, []byte{0, 1, 2, 0xff})
	f.Add(uint8(L16), 8000, 2, []byte{0, 1, 2, 0xff, 9})
	f.Add(uint8(PCMU), 8000, 3, []byte{0, 1, 2, 0xff})
	f.Fuzz(func(t *testing.T, c uint8, clock, channels int, payload []byte) {
		format := Format{Codec(c), clock, channels}
		d, err := NewDecoder(format, 16000)
		if err != nil {
			return
		}
		ticks, err := format.Ticks(payload)
		if err == nil && ticks < 0 {
			t.Fatalf("%v: %d ticks", format, ticks)
		}
		for range 2 {
			out, err := d.Decode(nil, payload)
			if err != nil && len(out) != 0 {
				t.Fatalf("%v: %d samples beside the error %v", format, len(out), err)
			}
		}
	})
}

func benchmarkDecode(b *testing.B, f Format, payload []byte, media float64) {
	d, err := NewDecoder(f, 16000)
	if err != nil {
		b.Fatal(err)
	}
	buf := make([]int16, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		if buf, err = d.Decode(buf[:0], payload); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(media*float64(b.N)/b.Elapsed().Seconds(), "×realtime")
}

// The benchmarks decode packets of 20 ms.
func BenchmarkDecodePCMU(b *testing.B) {
	benchmarkDecode(b, Format{PCMU, 8000, 1}, make([]byte, 160), 0.02)
}

func BenchmarkDecodePCMA(b *testing.B) {
	benchmarkDecode(b, Format{PCMA, 8000, 1}, make([]byte, 160), 0.02)
}

func BenchmarkDecodeG722(b *testing.B) {
	benchmarkDecode(b, Format{G722, 8000, 1}, golden(b, "chirp.g722")[1600:1760], 0.02)
}

func BenchmarkEncodeULaw(b *testing.B) {
	samples := goldenSamples(b, "chirp.g722.s16le")[3200:3360]
	buf := make([]byte, 0, 160)
	for b.Loop() {
		buf = AppendULaw(buf[:0], samples)
	}
	b.ReportMetric(0.02*float64(b.N)/b.Elapsed().Seconds(), "×realtime")
}
