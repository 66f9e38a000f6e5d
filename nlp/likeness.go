package nlp

import (
	"context"

	"gonum.org/v1/gonum/mat"

	"throughline/nlp/linear"
)

// Likeness compares texts by meaning: the cosine of the vectors of each two, 0
// for a text that has no words.
func Likeness(ctx context.Context, reader Reader, texts []string) (mat.Symmetric, error) {
	vectors := make([]linear.Vector, len(texts))
	for i, text := range texts {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var err error
		if vectors[i], err = reader.Embed(ctx, text); err != nil {
			return nil, err
		}
		vectors[i] = vectors[i].Unit()
	}
	out := mat.NewSymDense(len(texts), nil)
	for i := range vectors {
		for j := i; j < len(vectors); j++ {
			out.SetSym(i, j, vectors[i].Dot(vectors[j]))
		}
	}
	return out, nil
}
