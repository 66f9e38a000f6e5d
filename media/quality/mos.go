package quality

import (
	"math"
	"time"

	"throughline/media/codec"
)

// Score is an estimated mean opinion score with what it was computed from.
type Score struct {
	MOS   float64       // 1 (bad) to 4.5; wideband codecs are rated on the same scale
	R     float64       // transmission rating of ITU-T G.107, 0 to 93.2
	Loss  float64       // share of packets not heard, 0 to 1
	Delay time.Duration // one-way mouth to ear, as assumed
}

// impairment holds the equipment impairment of a codec and its robustness to loss, ITU-T G.113
// appendix I. Values for codecs that the appendix does not list are those of the nearest listed
// codec, as noted.
type impairment struct {
	ie  float64 // Ie: impairment without loss
	bpl float64 // Bpl: robustness to random loss
}

func impairmentOf(c codec.Codec) impairment {
	switch c {
	case codec.PCMU, codec.PCMA, codec.L16:
		return impairment{0, 25.1} // G.711 with the concealment of its appendix I
	case codec.G722:
		return impairment{0, 25.1} // like G.711: the narrowband model gives no credit for bandwidth
	case codec.Opus:
		return impairment{0, 20} // conservative: no value is published for the narrowband model
	}
	return impairment{11, 19} // G.729A with concealment, the commonest of those not decoded here
}

// EstimateMOS is the E-model of ITU-T G.107 with its default parameters, reduced to what a
// receiver can see: R = 93.2 − Id − Ie,eff. Burst is the mean length of a loss run divided by what
// random loss would give (BurstR); 1 or less means random. The delay is one-way; the network's
// part is unknown to a receiver and must be assumed. The result is an estimate, and is to be shown
// as one.
func EstimateMOS(c codec.Codec, loss, burst float64, delay time.Duration) Score {
	loss = min(max(loss, 0), 1)
	burst = max(burst, 1)
	im := impairmentOf(c)

	// Ie,eff, G.107 §7.4: loss in percent.
	percent := loss * 100
	ie := im.ie
	if percent > 0 {
		ie += (95 - im.ie) * percent / (percent/burst + im.bpl)
	}
	// Id, the delay impairment in the common simplification of G.107 §7.3 (R. Cole and J. Rosenbluth,
	// "Voice over IP performance monitoring", ACM CCR 31(2), 2001).
	ms := float64(delay) / float64(time.Millisecond)
	id := 0.024 * ms
	if ms > 177.3 {
		id += 0.11 * (ms - 177.3)
	}
	r := min(max(93.2-id-ie, 0), 93.2)
	// G.107 annex B.
	mos := 1 + 0.035*r + r*(r-60)*(100-r)*7e-6
	return Score{MOS: math.Round(max(mos, 1)*100) / 100, R: r, Loss: loss, Delay: delay}
}
