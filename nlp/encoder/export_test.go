package encoder

// Bare is what the network alone gives for a text.
type Bare struct {
	Embedding []float32
	Sentiment []float64
}

// Scores runs the network of r alone.
func Scores(r *Reader, text string) (Bare, error) {
	p, err := r.pass(text, nil)
	if err != nil {
		return Bare{}, err
	}
	return Bare{p.embeddings[0], p.sentiment}, nil
}
