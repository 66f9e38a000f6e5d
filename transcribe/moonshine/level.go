package moonshine

import (
	"math"

	"throughline/transcribe/speech"
)

// The conditioning of an utterance, as measured on the development corpus:
// the level alone decides whether quiet speech is heard at all, and a tenth of
// a second of silence on each side lowers the word error rate by a third. More
// silence makes the model repeat itself.
const (
	targetRMS = 0.1
	peakLimit = 0.99
	mostGain  = 30
	padding   = speech.Rate / 10
)

// level returns pcm at the target loudness, padded with silence.
func level(pcm []float32) []float32 {
	var peak, energy float64
	for _, v := range pcm {
		x := math.Abs(float64(v))
		peak = max(peak, x)
		energy += x * x
	}
	gain := 1.0
	if energy > 0 {
		gain = min(targetRMS/math.Sqrt(energy/float64(len(pcm))), peakLimit/peak, mostGain)
	}
	out := make([]float32, len(pcm)+2*padding)
	for i, v := range pcm {
		out[padding+i] = v * float32(gain)
	}
	return out
}
