package corpus

import (
	"math"
	"math/rand/v2"
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

// Telephone sends 16 kHz audio through a G.711 µ-law call at 8 kHz. A share
// of its 20 ms packets, in runs of about burst packets, is lost and replaced
// by silence.
func Telephone(pcm []float32, loss float64, burst float64, seed uint64) []float32 {
	const packet = 160
	low := filter(pcm)
	narrow := make([]float32, len(low)/2)
	for i := range narrow {
		narrow[i] = expand(compress(low[2*i]))
	}
	random := rand.New(rand.NewPCG(seed, 1))
	lost := false
	for at := 0; at < len(narrow); at += packet {
		// Gilbert's two-state model: mean run of burst packets, mean share of loss.
		if lost {
			lost = random.Float64() >= 1/burst
		} else {
			lost = loss > 0 && random.Float64() < loss/(1-loss)/burst
		}
		if lost {
			clear(narrow[at:min(at+packet, len(narrow))])
		}
	}
	return Up(narrow)
}

// compress and expand are the µ-law curve of ITU-T G.711 in its continuous
// form with 8 bits.
func compress(v float32) int8 {
	x := max(-1, min(1, float64(v)))
	return int8(math.Round(127 * math.Copysign(math.Log1p(255*math.Abs(x))/math.Log(256), x)))
}

func expand(c int8) float32 {
	x := float64(c) / 127
	return float32(math.Copysign((math.Pow(256, math.Abs(x))-1)/255, x))
}
