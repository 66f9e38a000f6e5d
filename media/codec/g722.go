package codec

// A G.722 decoder at 64 kbit/s (mode 1), from ITU-T G.722 §3 to §6. Names in parentheses are the
// recommendation's own. The arithmetic is fixed point exactly as written there, which makes the
// output comparable bit for bit with any other conforming decoder.

// The tables of G.722 §6.2, immutable.
var (
	g722LowLogStep  = [8]int32{-60, -30, 58, 172, 334, 538, 1198, 3042}                                                              // WL
	g722LowRank     = [16]uint8{0, 7, 6, 5, 4, 3, 2, 1, 7, 6, 5, 4, 3, 2, 1, 0}                                                      // RL42
	g722HighLogStep = [3]int32{0, -214, 798}                                                                                         // WH
	g722HighRank    = [4]uint8{2, 1, 2, 1}                                                                                           // RH2
	g722High        = [4]int32{-7408, -1616, 7408, 1616}                                                                             // QM2
	g722Low4        = [16]int32{0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584, 1200, 0} // QM4
	g722InverseLog  = [32]int32{                                                                                                     // ILB
		2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834,
		2896, 2960, 3025, 3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008,
	}
	g722Low6 = [64]int32{ // QM6
		-136, -136, -136, -136, -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232, -9360, -8576, -7856,
		-7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576, -3168, -2776, -2400, -2032, -1688, -1360, -1040, -728,
		24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192, 10232, 9360, 8576, 7856, 7192, 6576, 6000, 5456,
		4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032, 1688, 1360, 1040, 728, 432, 136, -432, -136,
	}
	g722QMF = [12]int32{3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11} // the even taps of §6.2 table 11
)

func saturate16(v int32) int32 {
	return min(max(v, -32768), 32767)
}

// g722Band is one sub-band's adaptive predictor and quantiser scale (blocks 3L/3H and 4L/4H).
type g722Band struct {
	estimate int32    // S: what the predictor expects of the next sample
	zeros    int32    // SZ: the zero section's part of it
	logStep  int32    // NB: the logarithm of the quantiser's step
	step     int32    // DET: the step itself
	recon    [3]int32 // RLT: reconstructed signal, newest first
	partial  [3]int32 // PLT: partially reconstructed signal
	pole     [3]int32 // A1, A2 at 1 and 2
	diff     [7]int32 // DLT: quantised differences, newest first
	zero     [7]int32 // B1..B6 at 1..6
}

// scale adapts the quantiser step (blocks LOGSCL/SCALEL and LOGSCH/SCALEH).
func (b *g722Band) scale(change, limit, shift int32) {
	b.logStep = min(max(b.logStep*127>>7+change, 0), limit)
	v := g722InverseLog[b.logStep>>6&31]
	if s := shift - b.logStep>>11; s >= 0 {
		v >>= s
	} else {
		v <<= -s
	}
	b.step = v << 2
}

// adapt runs block 4: it takes the quantised difference of this sample and predicts the next.
func (b *g722Band) adapt(d int32) {
	b.diff[0] = d
	b.recon[0] = saturate16(b.estimate + d)
	b.partial[0] = saturate16(b.zeros + d)
	sameSign1 := b.partial[0]^b.partial[1] >= 0
	sameSign2 := b.partial[0]^b.partial[2] >= 0

	// UPPOL2: the second pole, held inside the stability triangle.
	w := saturate16(b.pole[1] << 2)
	if sameSign1 {
		w = min(-w, 32767)
	}
	w >>= 7
	if sameSign2 {
		w += 128
	} else {
		w -= 128
	}
	pole2 := min(max(w+b.pole[2]*32512>>15, -12288), 12288)

	// UPPOL1: the first pole, limited by the second.
	w = -192
	if sameSign1 {
		w = 192
	}
	limit := saturate16(15360 - pole2)
	pole1 := min(max(saturate16(w+b.pole[1]*32640>>15), -limit), limit)

	// UPZERO and the delay lines, oldest first so that nothing is overwritten too soon.
	for i := 6; i > 0; i-- {
		step := int32(0)
		if d != 0 {
			step = 128
			if b.diff[i]^d < 0 {
				step = -128
			}
		}
		b.zero[i] = saturate16(step + b.zero[i]*32640>>15)
	}
	for i := 6; i > 0; i-- {
		b.diff[i] = b.diff[i-1]
	}
	b.recon[2], b.recon[1] = b.recon[1], b.recon[0]
	b.partial[2], b.partial[1] = b.partial[1], b.partial[0]
	b.pole[1], b.pole[2] = pole1, pole2

	// FILTEP, FILTEZ and PREDIC.
	poles := saturate16(pole1*saturate16(2*b.recon[1])>>15 + pole2*saturate16(2*b.recon[2])>>15)
	sum := int32(0)
	for i := 6; i > 0; i-- {
		sum += b.zero[i] * saturate16(2*b.diff[i]) >> 15
	}
	b.zeros = saturate16(sum)
	b.estimate = saturate16(poles + b.zeros)
}

type g722Decoder struct {
	low, high g722Band
	qmf       [24]int32
}

func newG722Decoder() *g722Decoder {
	return &g722Decoder{low: g722Band{step: 32}, high: g722Band{step: 8}}
}

func (*g722Decoder) Rate() int { return 16000 }

func (*g722Decoder) String() string { return "G722" }

// Decode appends two 16 kHz samples for every octet. Any octet is valid, so it never fails.
func (g *g722Decoder) Decode(dst []int16, payload []byte) ([]int16, error) {
	for _, c := range payload {
		low6, high2 := c&0x3f, c>>6
		low4 := low6 >> 2

		lowOut := min(max(g.low.estimate+g.low.step*g722Low6[low6]>>15, -16384), 16383)
		d := g.low.step * g722Low4[low4] >> 15
		g.low.scale(g722LowLogStep[g722LowRank[low4]], 18432, 8)
		g.low.adapt(d)

		d = g.high.step * g722High[high2] >> 15
		highOut := min(max(d+g.high.estimate, -16384), 16383)
		g.high.scale(g722HighLogStep[g722HighRank[high2]], 22528, 10)
		g.high.adapt(d)

		// The receive quadrature mirror filter (§4.4) joins the two bands at 16 kHz.
		x := &g.qmf
		copy(x[:22], x[2:])
		x[22], x[23] = lowOut+highOut, lowOut-highOut
		var even, odd int32
		for k := range g722QMF {
			odd += x[2*k] * g722QMF[k]
			even += x[2*k+1] * g722QMF[11-k]
		}
		dst = append(dst, int16(saturate16(even>>11)), int16(saturate16(odd>>11)))
	}
	return dst, nil
}
