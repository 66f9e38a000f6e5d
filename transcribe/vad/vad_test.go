package vad_test

import (
	"fmt"
	"math"
	"testing"

	"throughline/transcribe/internal/corpus"
	"throughline/transcribe/speech"
	"throughline/transcribe/vad"
)

func probabilities(t testing.TB, d *vad.Detector, pcm []float32) []float32 {
	t.Helper()
	var leg vad.Leg
	var out []float32
	p := make([]float32, 1)
	for ; len(pcm) >= vad.Frame; pcm = pcm[vad.Frame:] {
		if err := d.Detect([]*vad.Leg{&leg}, pcm[:vad.Frame], p); err != nil {
			t.Fatal(err)
		}
		out = append(out, p[0])
	}
	return out
}

func share(p []float32) float64 {
	n := 0
	for _, v := range p {
		if v >= 0.5 {
			n++
		}
	}
	return float64(n) / float64(len(p))
}

func TestSpeechAndNoise(t *testing.T) {
	d := corpus.Detector(t)
	for _, c := range corpus.Clips(t, "asr_refs_small") {
		if s := share(probabilities(t, d, c.PCM)); s < 0.4 {
			t.Errorf("%s: speech in %.0f %% of frames only", c.File, 100*s)
		}
	}
	for _, c := range corpus.Clips(t, "speech_other") {
		if s := share(probabilities(t, d, c.PCM)); (c.File == "noise2.wav" || c.File == "noise3.wav") && s > 0.05 {
			t.Errorf("%s: speech in %.0f %% of frames", c.File, 100*s)
		}
	}
	if s := share(probabilities(t, d, make([]float32, speech.Rate))); s != 0 {
		t.Error("speech in silence")
	}
}

// TestBatch computes legs together and expects what each gives alone.
func TestBatch(t *testing.T) {
	d := corpus.Detector(t)
	clips := corpus.Clips(t, "asr_refs_small")[:5]
	legs := make([]*vad.Leg, len(clips))
	alone := make([][]float32, len(clips))
	for i, c := range clips {
		legs[i] = &vad.Leg{}
		alone[i] = probabilities(t, d, c.PCM[:16000])
	}
	out := make([]float32, len(clips))
	for k := range 16000 / vad.Frame {
		var frames []float32
		for _, c := range clips {
			frames = append(frames, c.PCM[k*vad.Frame:(k+1)*vad.Frame]...)
		}
		if err := d.Detect(legs, frames, out); err != nil {
			t.Fatal(err)
		}
		for i := range clips {
			if math.Abs(float64(out[i]-alone[i][k])) > 1e-3 {
				t.Fatalf("frame %d of leg %d: %v together, %v alone", k, i, out[i], alone[i][k])
			}
		}
	}
	if err := d.Detect(legs, make([]float32, vad.Frame), out); err == nil {
		t.Error("too few samples were accepted")
	}
	if err := d.Detect(nil, nil, nil); err != nil {
		t.Errorf("no legs: %v", err)
	}
}

// BenchmarkDetect gives the time for a frame of 32 ms of one leg.
func BenchmarkDetect(b *testing.B) {
	d := corpus.Detector(b)
	for _, n := range []int{1, 8, vad.MaxBatch} {
		b.Run(fmt.Sprintf("legs=%d", n), func(b *testing.B) {
			legs := make([]*vad.Leg, n)
			for i := range legs {
				legs[i] = &vad.Leg{}
			}
			frames, out := make([]float32, n*vad.Frame), make([]float32, n)
			for i := range frames {
				frames[i] = float32(math.Sin(float64(i) / 9))
			}
			for b.Loop() {
				if err := d.Detect(legs, frames, out); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/frame")
		})
	}
}
