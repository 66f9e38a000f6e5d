package decode

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"throughline/media"
	"throughline/media/codec"
)

var (
	pcmu = codec.Format{Codec: codec.PCMU, ClockRate: 8000, Channels: 1}
	g722 = codec.Format{Codec: codec.G722, ClockRate: 8000, Channels: 1}
	opus = codec.Format{Codec: codec.Opus, ClockRate: 48000, Channels: 2}
)

// vowel is a synthetic voiced sound: 120 Hz with falling harmonics.
func vowel(n, rate int) []int16 {
	out := make([]int16, n)
	for i := range out {
		for h := 1; h <= 8; h++ {
			out[i] += int16(3000 / float64(h) * math.Sin(2*math.Pi*120*float64(h)*float64(i)/float64(rate)))
		}
	}
	return out
}

// spans records the blocks' origins and durations, merged.
type spans struct {
	media.Samples
	origins   []media.Origin
	durations []int
	end       time.Duration
	holes     int
}

func (s *spans) WritePCM(b media.Block) error {
	if d := b.Offset - s.end; d > time.Millisecond {
		s.holes++
	}
	s.end = b.Offset + media.TicksDuration(int64(len(b.Samples)), s.SampleRate)
	if n := len(s.origins); n > 0 && s.origins[n-1] == b.Origin {
		s.durations[n-1] += len(b.Samples)
	} else {
		s.origins = append(s.origins, b.Origin)
		s.durations = append(s.durations, len(b.Samples))
	}
	return s.Samples.WritePCM(b)
}

func decoder(t testing.TB, rate int) (*Decoder, *spans) {
	t.Helper()
	out := &spans{Samples: media.Samples{SampleRate: rate, Limit: time.Hour}}
	d, err := New(Config{}, out)
	if err != nil {
		t.Fatal(err)
	}
	return d, out
}

// voice is a chunk of PCMU packets of 20 ms, each optionally after a gap.
func voice(sequence uint64, at time.Duration, sound []int16, gaps ...media.Gap) *media.Chunk {
	c := &media.Chunk{Sequence: sequence, Offset: at, Format: pcmu}
	for i := 0; i+160 <= len(sound); i += 160 {
		p := media.Part{Ticks: 160, Payload: codec.AppendULaw(nil, sound[i:i+160])}
		if n := i / 160; n < len(gaps) {
			p.Gap = gaps[n]
		}
		c.Parts = append(c.Parts, p)
	}
	return c
}

func write(t *testing.T, d *Decoder, chunks ...*media.Chunk) {
	t.Helper()
	for _, c := range chunks {
		if err := d.WriteChunk(c); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestDecoderKeepsTime(t *testing.T) {
	sound := vowel(1600, 8000)
	for _, rate := range []int{8000, 16000, 48000} {
		d, out := decoder(t, rate)
		write(t, d, voice(0, 0, sound), voice(1, 200*time.Millisecond, sound))
		if len(out.PCM) != rate*4/10 || d.Position() != 400*time.Millisecond {
			t.Errorf("%d Hz: %d samples, position %v", rate, len(out.PCM), d.Position())
		}
		if out.origins[0] != media.Heard || len(out.origins) != 1 {
			t.Errorf("%d Hz: origins %v", rate, out.origins)
		}
	}
}

func TestDecoderGaps(t *testing.T) {
	sound := vowel(800, 8000)
	ms := func(n int) int { return 8 * n }
	tests := []struct {
		name      string
		gap       media.Gap
		origins   []media.Origin
		durations []int
		holes     int
	}{
		{"one packet lost", media.Gap{Kind: media.Lost, Ticks: 160}, []media.Origin{media.Heard, media.Concealed, media.Heard}, []int{ms(60), ms(20), ms(40)}, 0},
		{"a long loss fades into zeros", media.Gap{Kind: media.Lost, Ticks: 1600}, []media.Origin{media.Heard, media.Concealed, media.Filled, media.Heard}, []int{ms(60), ms(60), ms(140), ms(40)}, 0},
		{"silence is not invented", media.Gap{Kind: media.Silent, Ticks: 800}, []media.Origin{media.Heard, media.Filled, media.Heard}, []int{ms(60), ms(100), ms(40)}, 0},
		{"a hold leaves a hole", media.Gap{Kind: media.Jump, Ticks: 480000}, []media.Origin{media.Heard}, []int{ms(100)}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, out := decoder(t, 8000)
			write(t, d, voice(0, 0, sound, media.Gap{}, media.Gap{}, media.Gap{}, tt.gap))
			if len(out.origins) != len(tt.origins) || out.holes != tt.holes {
				t.Fatalf("origins %v, %d holes", out.origins, out.holes)
			}
			for i := range tt.origins {
				if out.origins[i] != tt.origins[i] || out.durations[i] != tt.durations[i] {
					t.Errorf("span %d is %v of %d samples, want %v of %d", i, out.origins[i], out.durations[i], tt.origins[i], tt.durations[i])
				}
			}
			if want := 100*time.Millisecond + media.TicksDuration(tt.gap.Ticks, 8000); out.end != want {
				t.Errorf("ends at %v, want %v", out.end, want)
			}
		})
	}
}

// TestConcealmentResemblesTheVoice compares a bridged loss of 20 ms with what was lost.
func TestConcealmentResemblesTheVoice(t *testing.T) {
	for _, rate := range []int{8000, 16000, 48000} {
		sound := vowel(rate/5, rate)
		c := concealer{rate: rate}
		c.push(sound[:rate/10])
		got := c.conceal(nil, rate/50)
		var signal, noise float64
		for i, v := range got {
			want := float64(sound[rate/10+i])
			signal += want * want
			noise += (want - float64(v)) * (want - float64(v))
		}
		if snr := 10 * math.Log10(signal/noise); len(got) != rate/50 || snr < 10 {
			t.Errorf("%d Hz: %d samples, %.1f dB like the voice", rate, len(got), snr)
		}
		rest := c.conceal(nil, rate)
		if len(rest) != rate*4/100 || abs(rest[len(rest)-1]) > 100 {
			t.Errorf("%d Hz: fades over %d samples to %d", rate, len(rest), rest[len(rest)-1])
		}
		if more := c.conceal(nil, 10); len(more) != 0 {
			t.Errorf("%d Hz: still sounds after the fade", rate)
		}
	}
	silent := concealer{rate: 8000}
	silent.push(make([]int16, 800))
	if got := silent.conceal(nil, 160); len(got) != 0 {
		t.Error("sound was invented out of silence")
	}
}

func abs(v int16) int16 {
	return max(v, -v)
}

func TestDecoderRepeatedAndMissingChunks(t *testing.T) {
	sound := vowel(1280, 8000)
	a, b, c := voice(0, 0, sound), voice(1, 160*time.Millisecond, sound), voice(2, 320*time.Millisecond, sound)
	d, out := decoder(t, 8000)
	write(t, d, a, a, b, a, b, c)
	if st := d.Stats(); st.Repeated != 3 || st.Missing != 0 || len(out.PCM) != 3840 {
		t.Errorf("repetition: %+v, %d samples", st, len(out.PCM))
	}
	d, out = decoder(t, 8000)
	write(t, d, a, c)
	if st := d.Stats(); st.Missing != 1 || len(out.PCM) != 3840 || st.Concealed != 60*time.Millisecond || st.Filled != 100*time.Millisecond {
		t.Errorf("missing: %+v, %d samples", st, len(out.PCM))
	}
	d, out = decoder(t, 8000)
	write(t, d, c) // a reader that joins late
	if len(out.PCM) != 1280 || out.end != 480*time.Millisecond {
		t.Errorf("joined late: %d samples, end %v", len(out.PCM), out.end)
	}
	d, out = decoder(t, 8000)
	write(t, d, a, voice(1, 100*time.Millisecond, sound)) // overlaps by three packets
	if len(out.PCM) != 1280+640+160 && len(out.PCM) != 1280+800 {
		t.Errorf("overlap: %d samples", len(out.PCM))
	}
}

func TestDecoderChangesCodec(t *testing.T) {
	d, out := decoder(t, 16000)
	o := &media.Chunk{Sequence: 2, Offset: 320 * time.Millisecond, Format: opus}
	for range 8 {
		o.Parts = append(o.Parts, media.Part{Ticks: 960, Payload: []byte{9 << 3, 0}})
	}
	g := &media.Chunk{Sequence: 1, Offset: 160 * time.Millisecond, Format: g722, Parts: []media.Part{{Ticks: 1280, Payload: make([]byte, 1280)}}}
	write(t, d, voice(0, 0, vowel(1280, 8000)), g, o)
	if len(out.PCM) != 3*2560 || out.holes != 0 {
		t.Errorf("%d samples, %d holes", len(out.PCM), out.holes)
	}
	if s := d.String(); !strings.Contains(s, "opus decoder → ") {
		t.Errorf("the chain prints as %q", s)
	}
}

func TestDecoderRefuses(t *testing.T) {
	if _, err := New(Config{}, &media.Samples{SampleRate: 0}); !errors.Is(err, media.ErrRate) {
		t.Errorf("a sink without a rate was taken: %v", err)
	}
	d, _ := decoder(t, 16000)
	part := []media.Part{{Ticks: 160, Payload: make([]byte, 20)}}
	for _, f := range []codec.Format{{}, {Codec: codec.Unknown, ClockRate: 8000}, {Codec: codec.PCMU, ClockRate: -1}, {Codec: codec.PCMU, ClockRate: 100}} {
		if err := d.WriteChunk(&media.Chunk{Format: f, Parts: part}); err == nil {
			t.Errorf("%v was taken", f)
		}
	}
	// A damaged payload is a loss, and the leg goes on.
	bad := &media.Chunk{Format: opus, Parts: []media.Part{{Ticks: 960, Payload: []byte{3}}, {Ticks: 960, Payload: []byte{9 << 3, 0}}}}
	d, out := decoder(t, 16000)
	write(t, d, bad)
	if st := d.Stats(); st.Undecoded != 1 || len(out.PCM) != 640 {
		t.Errorf("%+v, %d samples", st, len(out.PCM))
	}
}

func FuzzDecodeChunks(f *testing.F) {
	for _, c := range []*media.Chunk{
		voice(0, 0, vowel(800, 8000), media.Gap{}, media.Gap{Kind: media.Lost, Ticks: 100}),
		{Format: opus, Parts: []media.Part{{Ticks: 960, Payload: []byte{9 << 3, 1, 2, 3}}}},
		{Format: g722, Sequence: 3, Offset: time.Second, Parts: []media.Part{{Gap: media.Gap{Kind: media.Jump, Ticks: 1 << 20}, Ticks: 10, Payload: make([]byte, 10)}}},
	} {
		raw, err := c.MarshalBinary()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw, raw)
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		out := &spans{Samples: media.Samples{SampleRate: 8000, Limit: 20 * time.Second}}
		d, err := New(Config{MaxFill: time.Second}, out)
		if err != nil {
			t.Fatal(err)
		}
		last := time.Duration(0)
		for _, raw := range [][]byte{first, second} {
			var c media.Chunk
			if c.UnmarshalBinary(raw) != nil || d.WriteChunk(&c) != nil {
				return
			}
			if d.Position() < last {
				t.Fatalf("position went from %v to %v", last, d.Position())
			}
			last = d.Position()
		}
	})
}

func benchmarkChunks(b *testing.B, c *media.Chunk, rate int) {
	d, err := New(Config{}, discard(rate))
	if err != nil {
		b.Fatal(err)
	}
	step := c.Duration()
	b.ReportAllocs()
	for b.Loop() {
		if err := d.WriteChunk(c); err != nil {
			b.Fatal(err)
		}
		c.Sequence++
		c.Offset += step
	}
	b.ReportMetric(step.Seconds()*float64(b.N)/b.Elapsed().Seconds(), "×realtime")
}

// discard is a sink of a rate.
type discard int

func (d discard) Rate() int                { return int(d) }
func (discard) String() string             { return "discarded" }
func (discard) WritePCM(media.Block) error { return nil }

func BenchmarkDecodePCMUTo16k(b *testing.B) {
	benchmarkChunks(b, voice(0, 0, vowel(1280, 8000)), 16000)
}

func BenchmarkDecodePCMUTo8k(b *testing.B) {
	benchmarkChunks(b, voice(0, 0, vowel(1280, 8000)), 8000)
}

func BenchmarkDecodePCMULossy(b *testing.B) {
	benchmarkChunks(b, voice(0, 0, vowel(1280, 8000), media.Gap{}, media.Gap{}, media.Gap{Kind: media.Lost, Ticks: 160}), 16000)
}
