package resample

import (
	"errors"
	"fmt"
	"math"
)

// ErrRate says that a pair of rates cannot be converted.
var ErrRate = errors.New("sample rate unsupported")

const (
	// MinRate and MaxRate bound what can be converted.
	MinRate = 4000
	MaxRate = 192000

	// zeroCrossings on each side of the sinc, and the Kaiser window's shape: together about 80 dB
	// below the passband, under the noise of 16-bit samples (A. V. Oppenheim and R. W. Schafer,
	// "Discrete-Time Signal Processing", §7.5.3).
	zeroCrossings = 22
	kaiserBeta    = 8.0
	// rolloff leaves room for the filter's slope below the Nyquist frequency of the lower rate.
	rolloff = 0.95

	// maxPhases bounds the filter's memory for pairs of rates without a large common divisor.
	maxPhases = 1 << 11
)

// Resampler converts one stream. It is for one goroutine.
type Resampler struct {
	in, out int
	up      int       // L: phases of the filter
	down    int       // M: input advance per output, in phases
	taps    int       // of one phase
	filter  []float32 // up phases of taps coefficients, ready to be multiplied in input order

	history []float32 // the last taps−1 inputs, then the new ones
	phase   int
	taken   int64
	given   int64
}

// New gives a resampler from one rate to another, in Hz.
func New(in, out int) (*Resampler, error) {
	if in < MinRate || in > MaxRate || out < MinRate || out > MaxRate {
		return nil, fmt.Errorf("resample: %d to %d Hz: want %d to %d: %w", in, out, MinRate, MaxRate, ErrRate)
	}
	d := gcd(in, out)
	r := &Resampler{in: in, out: out, up: out / d, down: in / d}
	if r.up > maxPhases {
		return nil, fmt.Errorf("resample: %d to %d Hz: the ratio %d/%d is too fine: %w", in, out, r.up, r.down, ErrRate)
	}
	r.design()
	r.Reset()
	return r, nil
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// design computes the filter. Its cutoff is the lower of both Nyquist frequencies, so the same
// filter keeps images out when going up and aliases out when going down.
func (r *Resampler) design() {
	cutoff := rolloff * min(1, float64(r.out)/float64(r.in)) // in half cycles per input sample
	half := (int(math.Ceil(zeroCrossings/cutoff)) + 3) &^ 3  // rows of whole blocks of eight
	r.taps = 2 * half
	r.filter = make([]float32, r.up*r.taps)
	norm := besselI0(kaiserBeta)
	for p := range r.up {
		row := r.filter[p*r.taps : (p+1)*r.taps]
		sum := 0.0
		for k := range row {
			// Distance in input samples from the output's place, which lies phase/up after the
			// sample number half−1 of the row.
			x := float64(k-half+1) - float64(p)/float64(r.up)
			w := x / float64(half)
			v := 0.0
			if w > -1 && w < 1 {
				v = cutoff * sinc(cutoff*x) * besselI0(kaiserBeta*math.Sqrt(1-w*w)) / norm
			}
			row[k] = float32(v)
			sum += v
		}
		for k := range row {
			row[k] = float32(float64(row[k]) / sum) // every phase passes a constant unchanged
		}
	}
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

// besselI0 is the modified Bessel function of order zero, by its power series.
func besselI0(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > sum*1e-12; k++ {
		term *= (x / 2 / k) * (x / 2 / k)
		sum += term
	}
	return sum
}

// Reset forgets the stream, for one that begins anew.
func (r *Resampler) Reset() {
	// Half a filter of zeros stands before the first input, so that the first output needs no delay.
	r.history = append(r.history[:0], make([]float32, r.taps/2-1)...)
	r.phase, r.taken, r.given = 0, 0, 0
}

// Append converts samples and appends what can be given so far; the rest, half a filter, comes
// with the next call or with Flush.
func (r *Resampler) Append(dst, samples []int16) []int16 {
	for _, s := range samples {
		r.history = append(r.history, float32(s))
	}
	r.taken += int64(len(samples))
	return r.run(dst, math.MaxInt64)
}

// Flush appends the rest of the stream: as many samples in all as the input's duration holds,
// rounded up. The stream then begins anew.
func (r *Resampler) Flush(dst []int16) []int16 {
	total := (r.taken*int64(r.up) + int64(r.down) - 1) / int64(r.down)
	r.history = append(r.history, make([]float32, r.taps/2+1)...)
	dst = r.run(dst, total)
	r.Reset()
	return dst
}

func (r *Resampler) run(dst []int16, limit int64) []int16 {
	at := 0
	for at+r.taps <= len(r.history) && r.given < limit {
		dst = append(dst, round16(dot(r.filter[r.phase*r.taps:(r.phase+1)*r.taps], r.history[at:at+r.taps])))
		r.given++
		r.phase += r.down
		at += r.phase / r.up
		r.phase %= r.up
	}
	at = min(at, len(r.history))
	r.history = r.history[:copy(r.history, r.history[at:])]
	return dst
}

// dot multiplies in four lanes, which lets the processor overlap the additions. Blocks of eight
// go through array pointers, which spares a check of every index.
func dot(a, b []float32) float32 {
	var s0, s1, s2, s3 float32
	for len(a) >= 8 && len(b) >= 8 {
		x, y := (*[8]float32)(a), (*[8]float32)(b)
		s0 += x[0]*y[0] + x[4]*y[4]
		s1 += x[1]*y[1] + x[5]*y[5]
		s2 += x[2]*y[2] + x[6]*y[6]
		s3 += x[3]*y[3] + x[7]*y[7]
		a, b = a[8:], b[8:]
	}
	return s0 + s1 + s2 + s3
}

func round16(v float32) int16 {
	switch {
	case v >= 32767:
		return 32767
	case v <= -32768:
		return -32768
	case v >= 0:
		return int16(v + 0.5)
	}
	return int16(v - 0.5)
}
