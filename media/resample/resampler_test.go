package resample

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"throughline/media"
)

func tone(hz float64, rate, n int, level float64) []int16 {
	out := make([]int16, n)
	for i := range out {
		out[i] = int16(math.Round(level * math.Sin(2*math.Pi*hz*float64(i)/float64(rate))))
	}
	return out
}

// decibels is the level of got's difference from want, below want, leaving out both ends, where the
// filter meets silence.
func decibels(got, want []int16) float64 {
	var signal, noise float64
	edge := len(want) / 10
	for i := edge; i < len(want)-edge; i++ {
		d := float64(got[i]) - float64(want[i])
		signal += float64(want[i]) * float64(want[i])
		noise += d * d
	}
	return 10 * math.Log10(signal/max(noise, 1e-9))
}

func convert(t testing.TB, in, out int, samples []int16, step int) []int16 {
	t.Helper()
	r, err := New(in, out)
	if err != nil {
		t.Fatal(err)
	}
	var got []int16
	for len(samples) > 0 {
		n := min(step, len(samples))
		got = r.Append(got, samples[:n])
		samples = samples[n:]
	}
	return r.Flush(got)
}

// TestTonesPass resamples tones up to 3.4 kHz, the telephone's band, and compares with the same
// tone computed at the other rate, in place: any delay would show.
func TestTonesPass(t *testing.T) {
	for _, in := range []int{8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000} {
		for _, out := range []int{8000, 16000, 48000} {
			for _, hz := range []float64{100, 1000, 3400} {
				got := convert(t, in, out, tone(hz, in, in/2, 20000), 160)
				want := tone(hz, out, (in/2*out+in-1)/in, 20000)
				if len(got) != len(want) {
					t.Fatalf("%d→%d Hz: %d samples, want %d", in, out, len(got), len(want))
				}
				least := 70.0
				if hz == 3400 {
					least = 55 // the edge of the passband at 8 kHz: a ripple of 0.015 dB
				}
				if db := decibels(got, want); db < least {
					t.Errorf("%d→%d Hz, tone of %v Hz: error %.1f dB below the tone", in, out, hz, db)
				}
			}
		}
	}
}

// TestAliasesStayOut measures what is left of tones that the lower rate cannot hold.
func TestAliasesStayOut(t *testing.T) {
	for _, tt := range []struct {
		in, out int
		hz      float64
	}{{48000, 16000, 9500}, {48000, 16000, 15000}, {16000, 8000, 4700}, {16000, 8000, 7000}, {44100, 8000, 5000}, {44100, 16000, 12000}} {
		var power float64
		got := convert(t, tt.in, tt.out, tone(tt.hz, tt.in, tt.in/2, 20000), 160)
		for _, v := range got[len(got)/10 : len(got)*9/10] {
			power += float64(v) * float64(v)
		}
		level := 10 * math.Log10(max(power/float64(len(got)*8/10), 1e-6)/(20000*20000/2))
		if level > -70 {
			t.Errorf("%d→%d Hz: %v Hz is still heard at %.1f dB", tt.in, tt.out, tt.hz, level)
		}
	}
}

func TestPiecesMakeTheSame(t *testing.T) {
	sound := tone(440, 8000, 4001, 12000)
	whole := convert(t, 8000, 16000, sound, len(sound))
	for _, step := range []int{1, 7, 160, 1000} {
		got := convert(t, 8000, 16000, sound, step)
		if len(got) != len(whole) {
			t.Fatalf("pieces of %d: %d samples, want %d", step, len(got), len(whole))
		}
		for i := range got {
			if got[i] != whole[i] {
				t.Fatalf("pieces of %d: sample %d is %d, want %d", step, i, got[i], whole[i])
			}
		}
	}
}

func TestShortInput(t *testing.T) {
	for n := range 5 {
		if got := convert(t, 44100, 16000, make([]int16, n), 1); len(got) != (n*160+440)/441 {
			t.Errorf("%d samples in, %d out", n, len(got))
		}
	}
}

func TestLoudInputSaturates(t *testing.T) {
	square := make([]int16, 4000)
	for i := range square {
		square[i] = 32767
		if i/40%2 == 1 {
			square[i] = -32768
		}
	}
	peak := int16(0)
	for i, v := range convert(t, 8000, 16000, square, 160) {
		peak = max(peak, v)
		if want := square[min(i/2, len(square)-1)]; i%80 == 40 && (v > 0) != (want > 0) {
			t.Fatalf("sample %d wrapped around to %d", i, v)
		}
	}
	if peak != 32767 {
		t.Errorf("peak %d", peak)
	}
}

func TestNewRefuses(t *testing.T) {
	for _, pair := range [][2]int{{0, 16000}, {16000, 0}, {-8000, 8000}, {8000, 1 << 20}, {8000, 15999}} {
		if _, err := New(pair[0], pair[1]); !errors.Is(err, ErrRate) {
			t.Errorf("%v: %v", pair, err)
		}
	}
}

func TestWriter(t *testing.T) {
	out := &media.Samples{SampleRate: 16000}
	w, err := NewWriter(8000, out)
	if err != nil {
		t.Fatal(err)
	}
	if got := w.String(); !strings.HasPrefix(got, "8000→16000 Hz → samples") {
		t.Errorf("the chain prints as %q", got)
	}
	for _, ms := range []int{0, 20, 40, 1000, 1020} { // a hole of 940 ms
		if err := w.WritePCM(media.Block{Offset: time.Duration(ms) * time.Millisecond, Samples: make([]int16, 160)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil || len(out.PCM) != 16640 {
		t.Errorf("%d samples, %v", len(out.PCM), err)
	}
}

func BenchmarkResample(b *testing.B) {
	for _, pair := range [][2]int{{8000, 16000}, {16000, 8000}, {24000, 16000}, {44100, 16000}, {48000, 16000}, {48000, 8000}} {
		b.Run(fmt.Sprintf("%d-%d", pair[0], pair[1]), func(b *testing.B) {
			r, err := New(pair[0], pair[1])
			if err != nil {
				b.Fatal(err)
			}
			sound := tone(440, pair[0], pair[0]/50, 12000)
			buf := make([]int16, 0, pair[1]/50+8)
			b.ReportAllocs()
			for b.Loop() {
				buf = r.Append(buf[:0], sound)
			}
			b.ReportMetric(0.02*float64(b.N)/b.Elapsed().Seconds(), "×realtime")
		})
	}
}
