package encoder

import (
	"fmt"

	ort "github.com/yalue/onnxruntime_go"
)

// scores are what the network gives for one text, before they are probabilities.
type scores struct {
	embeddings          [][]float32 // of the text, then of each clause
	sentiment, emotions []float64
}

// togetherAtMost is how many word pieces share a run. Reading the weights from memory
// is half of what a short run costs, and next to nothing of one this long.
const togetherAtMost = 256

// pass reads a text and its clauses: in one run, unless they are long. They stand in
// it one behind the other and do not see each other, so that a clause is read as if
// it were alone. Two texts never share a run: a dynamically quantised network takes
// its scale from all that is in a run, so that company would change a text's figures.
func (r *Reader) pass(text string, clauses []string) (scores, error) {
	blocks := [][]int64{r.tokens.IDs(text, r.settings.MaxTokens)}
	for _, c := range clauses {
		blocks = append(blocks, r.tokens.IDs(c, r.settings.MaxTokens))
	}
	var all scores
	for len(blocks) > 0 {
		n, length := 1, len(blocks[0])
		for n < len(blocks) && length+len(blocks[n]) <= togetherAtMost {
			length += len(blocks[n])
			n++
		}
		s, err := r.run(blocks[:n], length)
		if err != nil {
			return scores{}, err
		}
		if all.embeddings != nil {
			s.sentiment, s.emotions = all.sentiment, all.emotions
		}
		s.embeddings = append(all.embeddings, s.embeddings...)
		all, blocks = s, blocks[n:]
	}
	return all, nil
}

// run reads blocks of length pieces in all.
func (r *Reader) run(blocks [][]int64, length int) (scores, error) {
	ids, positions := make([]int64, 0, length), make([]int64, 0, length)
	of := make([]float32, len(blocks)*length) // 1 where a piece is of a block
	for i, block := range blocks {
		for k, id := range block {
			of[i*length+len(ids)] = 1
			ids, positions = append(ids, id), append(positions, int64(k))
		}
	}
	var in [3]ort.Value
	var err [3]error
	in[0], err[0] = ort.NewTensor(ort.NewShape(1, int64(length)), ids)
	in[1], err[1] = ort.NewTensor(ort.NewShape(1, int64(length)), positions)
	in[2], err[2] = ort.NewTensor(ort.NewShape(int64(len(blocks)), int64(length)), of)
	for i := range in {
		if err[i] != nil {
			return scores{}, fmt.Errorf("input tensor %s: %w", Inputs()[i], err[i])
		}
		defer in[i].Destroy()
	}
	out, failed := r.session.Run(in[:]...)
	if failed != nil {
		return scores{}, failed
	}
	defer func() {
		for _, v := range out {
			v.Destroy()
		}
	}()
	sizes := []int{len(blocks) * r.settings.Embedding, len(r.settings.Sentiment), len(r.settings.Emotions)}
	if len(out) != len(sizes) {
		return scores{}, fmt.Errorf("read outputs: %d given, %d needed", len(out), len(sizes))
	}
	var got [3][]float32
	for i, v := range out {
		t, ok := v.(*ort.Tensor[float32])
		if !ok || len(t.GetData()) != sizes[i] {
			return scores{}, fmt.Errorf("read outputs: %s is not %d floats", Outputs()[i], sizes[i])
		}
		got[i] = t.GetData()
	}
	// The tensors' memory is the library's: what is kept must be copied.
	s := scores{sentiment: widen(got[1]), emotions: widen(got[2])}
	embeddings := append([]float32(nil), got[0]...)
	for at := 0; at < len(embeddings); at += r.settings.Embedding {
		s.embeddings = append(s.embeddings, embeddings[at:at+r.settings.Embedding:at+r.settings.Embedding])
	}
	return s, nil
}

func widen(x []float32) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}
