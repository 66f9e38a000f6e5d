package flac

import (
	"bytes"
	"errors"
	"io"
	"math"
	"testing"

	"github.com/mewkiz/flac"
	"github.com/mewkiz/flac/frame"
	"github.com/mewkiz/flac/meta"
)

// tone is a FLAC file of stereo samples, left and right opposite but for an offset.
func tone(t testing.TB, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	enc, err := flac.NewEncoder(&b, &meta.StreamInfo{BlockSizeMin: 4096, BlockSizeMax: 4096, SampleRate: 16000, NChannels: 2, BitsPerSample: 16, NSamples: uint64(n)})
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < n; at += 4096 {
		size := min(4096, n-at)
		left, right := make([]int32, size), make([]int32, size)
		for i := range size {
			left[i], right[i] = int32(at+i)%2000+100, -(int32(at+i)%2000)+100
		}
		sub := func(s []int32) *frame.Subframe {
			return &frame.Subframe{SubHeader: frame.SubHeader{Pred: frame.PredVerbatim}, Samples: s, NSamples: size}
		}
		err := enc.WriteFrame(&frame.Frame{Header: frame.Header{HasFixedBlockSize: true, BlockSize: uint16(size), SampleRate: 16000, Channels: frame.ChannelsLR, BitsPerSample: 16},
			Subframes: []*frame.Subframe{sub(left), sub(right)}})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := enc.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// samples reads all of a file, a few at a time.
func samples(r *Reader) (all []int16, err error) {
	group := make([]int16, 998)
	for {
		n, err := r.Read(group)
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, group[:n]...)
	}
}

func TestRead(t *testing.T) {
	r, err := NewReader(bytes.NewReader(tone(t, 10_000)))
	if err != nil || r.Rate() != 16000 || r.Channels() != 2 {
		t.Fatal(err)
	}
	got, err := samples(r)
	if err != nil || len(got) != 20_000 || r.Truncated() {
		t.Fatalf("%d samples, truncated %v, %v", len(got), r.Truncated(), err)
	}
	for i := 0; i < len(got); i += 2 {
		if want := int16(i/2%4096%2000 + 100); i < 2*4096 && (got[i] != want || got[i+1] != 200-want) {
			t.Fatalf("samples %d are %d and %d, want %d and %d", i/2, got[i], got[i+1], want, 200-want)
		}
	}
}

// TestTruncated cuts a file at every length: what is whole is read, and the loss told.
func TestTruncated(t *testing.T) {
	whole := tone(t, 5000)
	for n := range whole {
		r, err := NewReader(bytes.NewReader(whole[:n]))
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Fatalf("cut to %d octets: %v", n, err)
			}
			continue
		}
		got, err := samples(r)
		if err != nil && !errors.Is(err, ErrFormat) {
			t.Fatalf("cut to %d octets: %v", n, err)
		}
		if err == nil && (!r.Truncated() || len(got) >= 10_000) {
			t.Fatalf("cut to %d octets: %d samples, truncated %v", n, len(got), r.Truncated())
		}
	}
}

func TestNarrow(t *testing.T) {
	for _, tt := range []struct {
		v    int32
		bits int
		want int16
	}{{127, 8, 127 << 8}, {-128, 8, math.MinInt16}, {1234, 16, 1234}, {1<<23 - 1, 24, math.MaxInt16}, {-1 << 31, 32, math.MinInt16}} {
		if got := narrow(tt.v, tt.bits); got != tt.want {
			t.Errorf("%d of %d bits is %d, want %d", tt.v, tt.bits, got, tt.want)
		}
	}
}

func FuzzReader(f *testing.F) {
	whole := tone(f, 5000)
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := NewReader(bytes.NewReader(b))
		if err != nil {
			return
		}
		group := make([]int16, 1000*r.Channels())
		for range 10_000 {
			n, err := r.Read(group)
			if err != nil {
				return
			}
			if n == 0 || n%r.Channels() != 0 {
				t.Fatalf("%d samples on %d channels", n, r.Channels())
			}
		}
	})
}
