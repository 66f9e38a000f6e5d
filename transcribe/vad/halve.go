package vad

import "math"

// halfTaps is the length of the low-pass filter. It must be of the form 4k+3,
// so that every other tap but the middle one is zero.
const halfTaps = 31

// halver takes 16 kHz down to 8 kHz. Its memory is the end of what it heard.
type halver struct {
	past [halfTaps - 1]float32
}

// halfBand gives the taps of a half-band filter: a sinc with its corner at a
// quarter of the sample rate under a Hamming window.
func halfBand() [halfTaps]float32 {
	var taps [halfTaps]float64
	sum := 0.0
	for i := range taps {
		x := float64(i - halfTaps/2)
		taps[i] = 0.5
		if x != 0 {
			taps[i] = math.Sin(math.Pi*x/2) / (math.Pi * x)
		}
		taps[i] *= 0.54 - 0.46*math.Cos(2*math.Pi*float64(i)/(halfTaps-1))
		sum += taps[i]
	}
	var out [halfTaps]float32
	for i, t := range taps {
		out[i] = float32(t / sum)
	}
	return out
}

// halve filters src and keeps every other sample in dst, which is half as
// long. The result lags by 15 samples, or 1 ms.
func (h *halver) halve(taps *[halfTaps]float32, dst, src []float32) {
	var line [halfTaps - 1 + Frame]float32
	copy(line[:], h.past[:])
	copy(line[halfTaps-1:], src)
	const middle = halfTaps / 2
	for i := range dst {
		x := line[2*i : 2*i+halfTaps]
		// The filter is symmetric and its odd distances alone are not zero.
		s := taps[middle] * x[middle]
		for k := 0; k < middle; k += 2 {
			s += taps[k] * (x[k] + x[halfTaps-1-k])
		}
		dst[i] = s
	}
	copy(h.past[:], line[len(src):])
}
