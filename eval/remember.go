package eval

import (
	"context"
	"sync"

	"throughline/nlp"
	"throughline/nlp/floor"
	"throughline/nlp/linear"
)

// remembered embeds each text once: sets are measured several times over, with all
// examples and with few, and share texts among them.
type remembered struct {
	nlp.Reader
	vectors sync.Map // of text
}

func (r *remembered) Embed(ctx context.Context, text string) (linear.Vector, error) {
	if v, ok := r.vectors.Load(text); ok {
		return v.(linear.Vector), nil
	}
	v, err := r.Reader.Embed(ctx, text)
	if err == nil {
		r.vectors.Store(text, v)
	}
	return v, err
}

// remembering is h with every reader opened once, and its vectors kept.
func (h Harness) remembering() Harness {
	readers := make(map[string]func() (nlp.Reader, error))
	for _, name := range h.models() {
		open, ok := h.Readers[name]
		if !ok {
			open = func() (nlp.Reader, error) { return floor.Open() }
		}
		readers[name] = sync.OnceValues(func() (nlp.Reader, error) {
			reader, err := open()
			if err != nil {
				return nil, err
			}
			return &remembered{Reader: reader}, nil
		})
	}
	h.Readers = readers
	return h
}
