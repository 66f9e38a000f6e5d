package corpus

import (
	"math"
	"testing"

	"throughline/media"
	"throughline/media/decode"
	"throughline/transcribe/internal/line"
	"throughline/transcribe/speech"
)

// taps of a half-band low-pass filter: a Hamming-windowed sinc of 63 points
// with its corner at a quarter of the higher rate.
func taps() []float64 {
	const n = 63
	h := make([]float64, n)
	sum := 0.0
	for i := range h {
		x := float64(i - n/2)
		h[i] = 0.5
		if x != 0 {
			h[i] = math.Sin(math.Pi*x/2) / (math.Pi * x)
		}
		h[i] *= 0.54 - 0.46*math.Cos(2*math.Pi*float64(i)/(n-1))
		sum += h[i]
	}
	for i := range h {
		h[i] /= sum
	}
	return h
}

func filter(pcm []float32) []float32 {
	h := taps()
	out := make([]float32, len(pcm))
	for i := range pcm {
		var s float64
		for k, c := range h {
			if j := i + len(h)/2 - k; j >= 0 && j < len(pcm) {
				s += c * float64(pcm[j])
			}
		}
		out[i] = float32(s)
	}
	return out
}

// Up doubles the sample rate.
func Up(pcm []float32) []float32 {
	out := make([]float32, 2*len(pcm))
	for i, v := range pcm {
		out[2*i] = 2 * v
	}
	return filter(out)
}

// Telephone sends 16 kHz audio over a line of 8 kHz µ-law, as a call comes here:
// what is lost, a share of the packets in runs of about burst, is concealed.
func Telephone(tb testing.TB, pcm []float32, loss, burst float64, seed uint64) []float32 {
	tb.Helper()
	over := line.Line{Telephone: true, Loss: loss, Burst: burst}
	low := filter(pcm)
	narrow := make([]int16, len(low)/2)
	for i := range narrow {
		narrow[i] = int16(max(-32768, min(32767, math.Round(float64(low[2*i])*32768))))
	}
	heard := &media.Samples{SampleRate: speech.Rate}
	d, err := decode.New(decode.Config{}, heard)
	if err != nil {
		tb.Fatal(err)
	}
	if err := over.Send(narrow, seed, d); err != nil {
		tb.Fatal(err)
	}
	out := make([]float32, len(heard.PCM))
	for i, v := range heard.PCM {
		out[i] = float32(v) / 32768
	}
	return out
}
