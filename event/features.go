package event

// Features is a turn with what was understood of it. The turn travels along, so
// nobody downstream has to join.
type Features struct {
	ID         string     `json:"id"` // hash of the turn's id; one per turn
	Turn       Turn       `json:"turn"`
	Sentiment  *Sentiment `json:"sentiment,omitempty"` // nil: nothing to score (a location, a withheld text)
	Emotions   []Label    `json:"emotions,omitempty"`
	Intents    []Label    `json:"intents,omitempty"` // best first; empty: none in scope
	OutOfScope float64    `json:"out_of_scope,omitempty"`
	Entities   []Entity   `json:"entities,omitempty"`
	Categories []Label    `json:"categories,omitempty"` // rules that matched
	Language   string     `json:"language,omitempty"`   // detected, BCP 47
	Model      string     `json:"model"`                // name and version that made this
}

// Sentiment of one turn. Score = Positive − Negative, in [−1, 1]; Magnitude =
// Positive + Negative, in [0, 1], tells mixed from flat. docs/metrics.md.
type Sentiment struct {
	Score     float64 `json:"score"`
	Negative  float64 `json:"negative"`
	Neutral   float64 `json:"neutral"`
	Positive  float64 `json:"positive"`
	Magnitude float64 `json:"magnitude"`
}

// Class is the most probable of "negative", "neutral" and "positive".
func (s Sentiment) Class() string {
	switch {
	case s.Negative > s.Neutral && s.Negative >= s.Positive:
		return "negative"
	case s.Positive > s.Neutral && s.Positive > s.Negative:
		return "positive"
	default:
		return "neutral"
	}
}

// Label is a name with a calibrated probability.
type Label struct {
	Name        string  `json:"name"`
	Probability float64 `json:"probability"`
}

// Entity is something named in the text, with its normalised value.
type Entity struct {
	Type  string `json:"type"` // AMOUNT, DATE, ORDER, ACCOUNT, PRODUCT, PERSON, PLACE
	Text  string `json:"text"`
	Value string `json:"value,omitempty"` // "120.50 EUR", "2026-11-22"
	Start int    `json:"start"`           // byte offsets into the turn's text
	End   int    `json:"end"`
}
