package acoustic

import "math"

// rate of analysis. Higher rates are brought down to it: pitch and level need no more.
const rate = 8000

const (
	hop    = rate / 50       // 20 ms between frames
	window = rate / 40       // 25 ms compared with its shifted self
	minLag = rate / 400      // 400 Hz
	maxLag = rate / 60       // 60 Hz
	frame  = window + maxLag // samples that one frame needs
	doubt  = 0.15            // the absolute threshold of YIN step 4
	accept = 0.35            // above this the best lag is no pitch
)

// pitch is the fundamental frequency of a frame in Hz, or 0 when it has none. The method is YIN
// (A. de Cheveigné and H. Kawahara, JASA 111(4), 2002), steps 1 to 5.
func pitch(x []float32) float64 {
	var d [maxLag + 1]float64
	sum := 0.0
	best, bestLag := math.Inf(1), 0
	for lag := 1; lag <= maxLag; lag++ {
		d[lag] = difference(x, lag)
		sum += d[lag]
		if sum > 0 {
			d[lag] *= float64(lag) / sum // step 3: normalise by the mean so far
		} else {
			d[lag] = 1
		}
	}
	for lag := minLag; lag <= maxLag; lag++ {
		if d[lag] < doubt {
			// The first dip below the threshold, at its bottom: deeper ones later are multiples.
			for lag < maxLag && d[lag+1] < d[lag] {
				lag++
			}
			best, bestLag = d[lag], lag
			break
		}
		if d[lag] < best {
			best, bestLag = d[lag], lag
		}
	}
	// A dip at the very end of the range is not a dip.
	if best > accept || bestLag <= minLag || bestLag >= maxLag {
		return 0
	}
	return rate / refine(d[bestLag-1], d[bestLag], d[bestLag+1], float64(bestLag))
}

// difference is the squared distance of the window from itself, lag samples later.
func difference(x []float32, lag int) float64 {
	a, b := x[:window], x[lag:lag+window]
	var s0, s1 float32
	for i := 0; i+1 < len(a) && i+1 < len(b); i += 2 {
		d0, d1 := a[i]-b[i], a[i+1]-b[i+1]
		s0 += d0 * d0
		s1 += d1 * d1
	}
	return float64(s0 + s1)
}

// refine finds the bottom of a parabola through three neighbours.
func refine(left, mid, right, at float64) float64 {
	bend := left - 2*mid + right
	if bend <= 0 {
		return at
	}
	return at + (left-right)/(2*bend)
}
