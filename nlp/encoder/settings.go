package encoder

import (
	"encoding/json"
	"fmt"
	"slices"

	"throughline/nlp"
)

// settings are what the export of the network found out about it: encoder.json.
type settings struct {
	Version   string   `json:"version"` // the first digits of SHA256
	SHA256    string   `json:"sha256"`  // of the network's file
	MaxTokens int      `json:"max_tokens"`
	Embedding int      `json:"embedding"` // values in a vector
	Sentiment []string `json:"sentiment"`
	Emotions  []struct {
		Name string `json:"name"`
		// From is the probability of the encoder and the floor together from which
		// reporting it has the best F1 on GoEmotions' development rows, as throughline
		// eval emotion prints it. The file's "threshold" is a score of the network alone.
		From float64 `json:"reported_from"`
	} `json:"emotions"`
}

func parseSettings(file []byte) (settings, error) {
	var s settings
	if err := json.Unmarshal(file, &s); err != nil {
		return s, fmt.Errorf("read encoder.json: %w", err)
	}
	names := make([]string, len(s.Emotions))
	for i, e := range s.Emotions {
		names[i] = e.Name
	}
	switch {
	case s.Version == "":
		return s, fmt.Errorf("read encoder.json: version is missing")
	case s.MaxTokens < 3 || s.MaxTokens > 512:
		return s, fmt.Errorf("read encoder.json: max_tokens is %d, want 3 to 512", s.MaxTokens)
	case s.Embedding < 1:
		return s, fmt.Errorf("read encoder.json: embedding is %d, want 1 or more", s.Embedding)
	case !slices.Equal(s.Sentiment, []string{"negative", "neutral", "positive"}):
		return s, fmt.Errorf("read encoder.json: sentiment is %q, want negative, neutral, positive", s.Sentiment)
	case !slices.Equal(names, nlp.Emotions()):
		return s, fmt.Errorf("read encoder.json: emotions are not those of nlp.Emotions")
	}
	for _, e := range s.Emotions {
		if !(e.From > 0 && e.From < 1) {
			return s, fmt.Errorf("read encoder.json: reported_from of %s is %g, want a probability", e.Name, e.From)
		}
	}
	return s, nil
}
