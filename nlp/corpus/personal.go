package corpus

import (
	"encoding/json"
	"fmt"
)

// Span is personal data in a text, by byte offsets.
type Span struct {
	Type       string
	Start, End int
}

// Marked is a text with the personal data in it.
type Marked struct {
	Text  string
	Spans []Span
}

// Presidio reads a file of presidio-research's generated sentences. Its offsets
// count characters; ours count bytes.
func Presidio(file string) ([]Marked, error) {
	raw, err := all(file)
	if err != nil {
		return nil, fmt.Errorf("read presidio: %w", err)
	}
	var rows []struct {
		FullText string `json:"full_text"`
		Spans    []struct {
			Type  string `json:"entity_type"`
			Start int    `json:"start_position"`
			End   int    `json:"end_position"`
		}
	}
	if err := json.Unmarshal(raw, &rows); err != nil {
		return nil, fmt.Errorf("read presidio: %s: %w", file, err)
	}
	var out []Marked
	for n, r := range rows {
		m := Marked{Text: r.FullText}
		at := make([]int, 0, len(r.FullText)+1)
		for i := range r.FullText {
			at = append(at, i)
		}
		at = append(at, len(r.FullText))
		for _, s := range r.Spans {
			if s.Start < 0 || s.Start > s.End || s.End >= len(at) {
				return nil, fmt.Errorf("read presidio: %s sentence %d: span %d–%d outside", file, n, s.Start, s.End)
			}
			m.Spans = append(m.Spans, Span{Type: s.Type, Start: at[s.Start], End: at[s.End]})
		}
		out = append(out, m)
	}
	return out, nil
}
