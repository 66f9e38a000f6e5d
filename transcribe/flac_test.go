package transcribe

import (
	"bytes"
	"os"
	"testing"

	"github.com/mewkiz/flac"
	"github.com/mewkiz/flac/frame"
	"github.com/mewkiz/flac/meta"

	"throughline/media"
)

// tone is a FLAC file of stereo samples, left and right opposite but for an offset.
func tone(t testing.TB, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	enc, err := flac.NewEncoder(&b, &meta.StreamInfo{BlockSizeMin: 4096, BlockSizeMax: 4096, SampleRate: 16000, NChannels: 2, BitsPerSample: 16})
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

func TestFLACIsMixedToMono(t *testing.T) {
	out := &media.Samples{SampleRate: 16000}
	if err := readFLAC(bytes.NewReader(tone(t, 10_000)), out); err != nil {
		t.Fatal(err)
	}
	if len(out.PCM) != 10_000 || out.PCM[5000] != 100 {
		t.Errorf("%d samples, one is %d; want 10000 of 100", len(out.PCM), out.PCM[5000])
	}
}

func FuzzFLAC(f *testing.F) {
	whole := tone(f, 5000)
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = readFLAC(bytes.NewReader(b), &media.Samples{SampleRate: 16000, Limit: longestFile})
	})
}

func TestReadFileNamesWhatItTakes(t *testing.T) {
	p := t.TempDir() + "/x.mp3"
	if err := os.WriteFile(p, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readFile(p, 16000); err == nil {
		t.Error("an mp3 was read")
	}
}
