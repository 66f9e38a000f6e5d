package vad

import (
	"math"
	"testing"
)

// TestHalve checks what the filter lets through: a tone of the telephone band
// as it is, one that would fold into it hardly at all.
func TestHalve(t *testing.T) {
	taps := halfBand()
	for _, c := range []struct {
		hertz, least, most float64
	}{{300, 0.98, 1.02}, {3000, 0.95, 1.02}, {6000, 0, 0.01}, {7500, 0, 0.01}} {
		var h halver
		var energy float64
		const frames = 20
		out := make([]float32, window)
		for f := range frames {
			in := make([]float32, Frame)
			for i := range in {
				in[i] = float32(math.Sin(2 * math.Pi * c.hertz * float64(f*Frame+i) / 16000))
			}
			h.halve(&taps, out, in)
			for _, v := range out {
				energy += float64(v) * float64(v)
			}
		}
		gain := math.Sqrt(2 * energy / (frames * window))
		if gain < c.least || gain > c.most {
			t.Errorf("%.0f Hz: gain %.3f, want %.2f to %.2f", c.hertz, gain, c.least, c.most)
		}
	}
}
