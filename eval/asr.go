package eval

import (
	"context"
	"fmt"
	"path/filepath"

	"throughline/nlp/corpus"
	"throughline/transcribe/wer"
)

// asr measures word error rates of clean files, of the same over a telephone's
// codec, and with packets lost by themselves and in bursts.
func (h Harness) asr(ctx context.Context, q request) (Result, error) {
	folder := q.data
	if q.test != "" {
		folder = q.test
	}
	clips, err := corpus.Clips(filepath.Join(folder, "manifest.jsonl"))
	if err != nil {
		return Result{}, err
	}
	wrong := make(map[string][]float64)
	words := make([]float64, len(clips))
	for i, c := range clips {
		truth := wer.Normalise(c.Text)
		words[i] = float64(len(truth))
		for name, condition := range map[string]Condition{"wer": Clean, "wer_mulaw": MuLaw, "wer_loss5": Loss5, "wer_burst5": Burst5} {
			text, err := h.Recognise(ctx, filepath.Join(folder, c.File), condition)
			if err != nil {
				return Result{}, fmt.Errorf("recognise %s: %w", c.File, err)
			}
			wrong[name] = append(wrong[name], float64(wer.Align(truth, wer.Normalise(text)).Errors()))
		}
	}
	r := Result{N: len(clips), Model: "recogniser", Version: h.RecogniseVersion}
	r.Metrics, r.CI = intervals(len(clips), func(drawn []int) map[string]float64 {
		out := make(map[string]float64)
		for name, errors := range wrong {
			var e, n float64
			for _, i := range drawn {
				e, n = e+errors[i], n+words[i]
			}
			out[name] = ratio(e, n)
		}
		return out
	})
	return r, nil
}
