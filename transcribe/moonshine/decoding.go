package moonshine

import (
	"fmt"
	"math"
	"slices"

	"throughline/transcribe/onnx"
)

// decoding is the greedy search through one utterance.
type decoding struct {
	model  *Recogniser
	limit  int
	before []int64 // what was said in the first part of the speech
	hidden onnx.Value
	// cache holds the keys and values of the self-attention, which grow by one
	// row a token, then those of the attention to the speech, which stay.
	cache   []onnx.Value
	tokens  []int64
	logProb float64
	scored  int
}

// selfCache is how many entries of the cache belong to the self-attention.
const selfCache = 2 * layers

func (d *decoding) release() {
	onnx.Release(d.hidden)
	onnx.Release(d.cache...)
}

// listen computes what the decoder attends to.
func (d *decoding) listen(pcm []float32) error {
	in, err := onnx.NewFloats(pcm, 1, int64(len(pcm)))
	if err != nil {
		return err
	}
	defer onnx.Release(in)
	out, err := d.model.encoder.Run(in)
	if err != nil {
		return err
	}
	d.hidden = out[0]
	return nil
}

// start reads what was said before, as it is, and the draft in one pass, keeps
// the part of the draft that the model would have said itself, and adds the
// first token after it. A wrong draft costs little
// and changes nothing but rounding: the quantisation scale of a pass depends
// on how many tokens it reads.
func (d *decoding) start(draft []int64) (done bool, err error) {
	if len(draft) > d.limit {
		draft = draft[:d.limit]
	}
	ids := slices.Concat([]int64{beginToken}, d.before, draft)
	in, err := onnx.NewLongs(ids, 1, int64(len(ids)))
	if err != nil {
		return true, err
	}
	defer onnx.Release(in)
	out, err := d.model.first.Run(in, d.hidden)
	if err != nil {
		return true, err
	}
	d.cache = out[1:]
	defer onnx.Release(out[0])
	logits, err := onnx.AsFloats(out[0])
	if err != nil {
		return true, err
	}
	rows := logits.GetData()
	if len(rows) != len(ids)*vocabulary {
		return true, fmt.Errorf("read scores: %d numbers for %d tokens", len(rows), len(ids))
	}
	rows = rows[len(d.before)*vocabulary:]
	for i := range len(draft) + 1 {
		row := rows[i*vocabulary : (i+1)*vocabulary]
		if i == 0 && math.Exp(score(row, endToken)) < noSpeech {
			row[endToken] = float32(math.Inf(-1))
		}
		if d.take(row) {
			return true, nil
		}
		if i == len(draft) || d.tokens[i] != draft[i] {
			return false, d.trim(len(d.before)+i+1, len(ids))
		}
	}
	return false, nil
}

// trim drops from the self-attention what belongs to rejected draft tokens.
func (d *decoding) trim(keep, have int) error {
	if keep == have {
		return nil
	}
	for k, v := range d.cache[:selfCache] {
		old, err := onnx.AsFloats(v)
		if err != nil {
			return err
		}
		from := old.GetData()
		if len(from) != heads*have*headDim {
			return fmt.Errorf("trim cache: %d numbers for %d tokens", len(from), have)
		}
		to := make([]float32, 0, heads*keep*headDim)
		for h := range heads {
			at := h * have * headDim
			to = append(to, from[at:at+keep*headDim]...)
		}
		kept, err := onnx.NewFloats(to, 1, heads, int64(keep), headDim)
		if err != nil {
			return err
		}
		onnx.Release(v)
		d.cache[k] = kept
	}
	return nil
}

// step adds one token.
func (d *decoding) step() (done bool, err error) {
	if len(d.tokens) >= d.limit {
		return true, nil
	}
	in, err := onnx.NewLongs(d.tokens[len(d.tokens)-1:], 1, 1)
	if err != nil {
		return true, err
	}
	defer onnx.Release(in)
	out, err := d.model.next.Run(append([]onnx.Value{in}, d.cache...)...)
	if err != nil {
		return true, err
	}
	onnx.Release(d.cache[:selfCache]...)
	copy(d.cache, out[1:])
	defer onnx.Release(out[0])
	logits, err := onnx.AsFloats(out[0])
	if err != nil {
		return true, err
	}
	return d.take(logits.GetData()), nil
}

// take appends the best token of a row of scores that is not foreign, and reports
// whether the utterance ends with it.
func (d *decoding) take(row []float32) (done bool) {
	best := 0
	for i, v := range row {
		if v > row[best] && !d.model.foreign[i] {
			best = i
		}
	}
	d.logProb += score(row, best)
	d.scored++
	if best == endToken {
		return true
	}
	d.tokens = append(d.tokens, int64(best))
	if cut := loopStart(d.tokens, d.model.pieces.hasLetter); cut > 0 {
		d.tokens = d.tokens[:cut]
		return true
	}
	return false
}

// confidence is the geometric mean of the probabilities of all tokens taken,
// the last one included.
func (d *decoding) confidence() float64 {
	if d.scored == 0 {
		return 0
	}
	return math.Exp(d.logProb / float64(d.scored))
}

// score is the log-probability of token i under the softmax of row. Terms
// below e⁻¹⁶ of the greatest are skipped: all of them together are less than
// half a per cent of the sum, and most of the cost.
func score(row []float32, i int) float64 {
	top := row[0]
	for _, v := range row {
		top = max(top, v)
	}
	var sum float64
	for _, v := range row {
		if v > top-16 {
			sum += math.Exp(float64(v - top))
		}
	}
	return float64(row[i]-top) - math.Log(sum)
}
