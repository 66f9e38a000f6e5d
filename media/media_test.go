package media

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"reflect"
	"testing"
	"time"

	"throughline/media/codec"
)

var pcmu = codec.Format{Codec: codec.PCMU, ClockRate: 8000, Channels: 1}

// collect keeps copies of chunks.
type collect struct{ chunks []Chunk }

func (*collect) String() string { return "collected" }

func (c *collect) WriteChunk(k *Chunk) error {
	raw, err := k.MarshalBinary()
	if err != nil {
		return err
	}
	var own Chunk
	if err := own.UnmarshalBinary(raw); err != nil {
		return err
	}
	c.chunks = append(c.chunks, own)
	return nil
}

func example() *Chunk {
	return &Chunk{
		Sequence: 300, Offset: 90 * time.Minute, Skew: -7 * time.Millisecond,
		Format: codec.Format{Codec: codec.Opus, ClockRate: 48000, Channels: 2},
		Parts: []Part{
			{Gap: Gap{Kind: Lost, Ticks: 960}, Ticks: 960, Payload: []byte{0x48, 1, 2}},
			{Ticks: 960, Payload: []byte{0x48, 3}},
		},
		Last: true,
	}
}

// TestChunkGolden pins version 1: chunks written yesterday must be read tomorrow.
func TestChunkGolden(t *testing.T) {
	const golden = "0101040280f702ac0280e0d3c8949d01ffbed60602" + "01c007c00703480102" + "00c007024803"
	raw, err := example().MarshalBinary()
	if err != nil || hex.EncodeToString(raw) != golden {
		t.Errorf("chunk is %x, %v", raw, err)
	}
	want, err := hex.DecodeString(golden)
	if err != nil {
		t.Fatal(err)
	}
	var c Chunk
	if err := c.UnmarshalBinary(want); err != nil || !reflect.DeepEqual(&c, example()) {
		t.Errorf("read %+v, %v", c, err)
	}
	if c.Duration() != 60*time.Millisecond || c.End() != 90*time.Minute+60*time.Millisecond {
		t.Errorf("duration %v, end %v", c.Duration(), c.End())
	}
}

func TestChunkRefuses(t *testing.T) {
	raw, err := example().MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	var c Chunk
	for n := range raw {
		if err := c.UnmarshalBinary(raw[:n]); !errors.Is(err, ErrChunk) {
			t.Errorf("%d octets of %d were taken: %v", n, len(raw), err)
		}
	}
	if err := c.UnmarshalBinary(append(raw, 0)); !errors.Is(err, ErrChunk) {
		t.Errorf("a trailing octet was taken: %v", err)
	}
	for _, change := range []struct {
		at int
		to byte
	}{{0, 2}, {1, 0x80}, {3, 200}, {22, 99}} {
		bad := append([]byte(nil), raw...)
		bad[change.at] = change.to
		if err := c.UnmarshalBinary(bad); !errors.Is(err, ErrChunk) {
			t.Errorf("octet %d as %#x was taken: %v", change.at, change.to, err)
		}
	}
}

func frame(at, ticks int, gap Gap, f codec.Format) *Frame {
	return &Frame{Offset: TicksDuration(int64(at), f.ClockRate), Ticks: ticks, Gap: gap, Format: f, Payload: bytes.Repeat([]byte{byte(at)}, ticks)}
}

func TestChunker(t *testing.T) {
	g722 := codec.Format{Codec: codec.G722, ClockRate: 8000, Channels: 1}
	out := &collect{}
	c := NewChunker(100*time.Millisecond, out)
	at := 0
	write := func(gap Gap, f codec.Format) {
		at += int(gap.Ticks)
		if err := c.WriteFrame(frame(at, 160, gap, f)); err != nil {
			t.Fatal(err)
		}
		at += 160
	}
	for range 5 {
		write(Gap{}, pcmu) // a full chunk
	}
	write(Gap{}, pcmu)
	write(Gap{Lost, 160}, pcmu)
	write(Gap{}, g722)             // a new format closes the chunk
	write(Gap{Silent, 8000}, g722) // so does a long gap, which fills its own
	write(Gap{}, g722)
	if err := errors.Join(c.Flush(), c.Flush(), c.Close()); err != nil {
		t.Fatal(err)
	}
	type shape struct {
		offset, duration time.Duration
		codec            codec.Codec
		parts            int
		last             bool
	}
	want := []shape{
		{0, 100 * time.Millisecond, codec.PCMU, 5, false},
		{100 * time.Millisecond, 60 * time.Millisecond, codec.PCMU, 2, false},
		{160 * time.Millisecond, 20 * time.Millisecond, codec.G722, 1, false},
		{180 * time.Millisecond, 1020 * time.Millisecond, codec.G722, 1, false},
		{1200 * time.Millisecond, 20 * time.Millisecond, codec.G722, 1, false},
		{1220 * time.Millisecond, 0, codec.G722, 0, true},
	}
	if len(out.chunks) != len(want) {
		t.Fatalf("%d chunks, want %d", len(out.chunks), len(want))
	}
	for i, k := range out.chunks {
		if got := (shape{k.Offset, k.Duration(), k.Format.Codec, len(k.Parts), k.Last}); got != want[i] || k.Sequence != uint64(i) {
			t.Errorf("chunk %d is %+v, want %+v", k.Sequence, got, want[i])
		}
	}
	if out.chunks[1].Parts[1].Gap != (Gap{Lost, 160}) {
		t.Errorf("gap %+v", out.chunks[1].Parts[1].Gap)
	}
}

func TestChunkerOfTinyFrames(t *testing.T) {
	out := &collect{} // which reads back every chunk
	c := NewChunker(time.Second, out)
	for i := range 3 * MaxParts {
		if err := c.WriteFrame(frame(i, 1, Gap{}, pcmu)); err != nil {
			t.Fatal(err)
		}
	}
	if len(out.chunks) != 3 || len(out.chunks[0].Parts) != MaxParts {
		t.Errorf("%d chunks", len(out.chunks))
	}
}

func TestChunkerOfALegWithoutAudio(t *testing.T) {
	out := &collect{}
	if err := NewChunker(0, out).Close(); err != nil || len(out.chunks) != 1 || !out.chunks[0].Last {
		t.Errorf("chunks %+v, %v", out.chunks, err)
	}
}

func TestFeed(t *testing.T) {
	out := &collect{}
	c := NewChunker(time.Second, out)
	f, err := NewFeed(pcmu, c)
	if err != nil {
		t.Fatal(err)
	}
	write := func(n int) {
		if err := f.Write(make([]byte, n)); err != nil {
			t.Fatal(err)
		}
	}
	write(333) // sockets cut audio anywhere
	write(0)
	f.Skip(time.Second/4, Withheld)
	f.SkipTo(time.Second/10, Lost) // already passed
	write(467)
	f.SkipTo(2*time.Second, Lost)
	if f.Position() != 2*time.Second {
		t.Errorf("position %v", f.Position())
	}
	write(80)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	var gaps []Gap
	var total time.Duration
	for _, k := range out.chunks {
		total += k.Duration()
		for _, p := range k.Parts {
			gaps = append(gaps, p.Gap)
		}
	}
	if want := []Gap{{}, {Withheld, 2000}, {Lost, 16000 - 333 - 2000 - 467}}; !reflect.DeepEqual(gaps, want) || total != 2010*time.Millisecond {
		t.Errorf("gaps %v over %v", gaps, total)
	}
	for _, bad := range []codec.Format{{}, {Codec: codec.PCMU}, {Codec: codec.ComfortNoise, ClockRate: 8000}} {
		if _, err := NewFeed(bad, c); !errors.Is(err, codec.ErrUnsupported) {
			t.Errorf("%v: %v", bad, err)
		}
	}
	if err := f.Write(make([]byte, MaxPayload+1)); !errors.Is(err, codec.ErrPayload) {
		t.Errorf("an endless payload was taken: %v", err)
	}
}

func TestTicks(t *testing.T) {
	for _, clock := range []int{8000, 11025, 44100, 48000, 192000} {
		for _, ticks := range []int64{0, 1, -1, 479, 48000, 1 << 40, -(1 << 33)} {
			if back := DurationTicks(TicksDuration(ticks, clock), clock); back != ticks {
				t.Errorf("%d ticks of %d Hz come back as %d", ticks, clock, back)
			}
		}
	}
	if TicksDuration(1, 0) != 0 || DurationTicks(time.Second, -1) != 0 {
		t.Error("a clock that does not run must give nothing")
	}
}

func TestSamples(t *testing.T) {
	s := &Samples{SampleRate: 1000, Limit: time.Second}
	blocks := []Block{
		{Offset: time.Minute, Samples: []int16{1, 2}},
		{Offset: time.Minute + 2*time.Millisecond, Samples: []int16{3}},
		{Offset: time.Minute + 6*time.Millisecond, Samples: []int16{4}},
	}
	for _, b := range blocks {
		if err := s.WritePCM(b); err != nil {
			t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(s.PCM, []int16{1, 2, 3, 0, 0, 0, 4}) {
		t.Errorf("got %v", s.PCM)
	}
	if err := s.WritePCM(Block{Offset: time.Hour, Samples: []int16{1}}); !errors.Is(err, ErrTooLong) {
		t.Errorf("an hour's hole was filled: %v", err)
	}
	if f := (Block{Samples: []int16{math.MinInt16, 16384}}).AppendFloat32(nil); f[0] != -1 || f[1] != 0.5 {
		t.Errorf("floats %v", f)
	}
}

func FuzzChunk(f *testing.F) {
	raw, err := example().MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte{1, 1, 0, 0, 0xc0, 0x3e, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, raw []byte) {
		var c Chunk
		if err := c.UnmarshalBinary(raw); err != nil {
			if !errors.Is(err, ErrChunk) {
				t.Fatal(err)
			}
			return
		}
		if c.Duration() < 0 || c.End() < c.Offset {
			t.Fatalf("time runs backwards: %v to %v", c.Offset, c.End())
		}
		again, err := c.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		var back Chunk
		if err := back.UnmarshalBinary(again); err != nil || !reflect.DeepEqual(c, back) {
			t.Fatalf("%+v comes back as %+v, %v", c, back, err)
		}
	})
}

func BenchmarkChunkDecode(b *testing.B) {
	out := &collect{}
	c := NewChunker(0, out)
	for i := range 8 {
		if err := c.WriteFrame(frame(160*i, 160, Gap{}, pcmu)); err != nil {
			b.Fatal(err)
		}
	}
	raw, err := out.chunks[0].MarshalBinary()
	if err != nil {
		b.Fatal(err)
	}
	var k Chunk
	b.ReportAllocs()
	for b.Loop() {
		if err := k.UnmarshalBinary(raw); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(raw)), "B/chunk")
}
