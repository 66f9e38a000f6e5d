package floor

import "throughline/nlp/linear"

// View names what a model looks at in a text.
type View int

// The views.
const (
	Mood   View = iota // sentiment and emotions
	Topic              // intents
	Tongue             // language
)

// Features is a text as one of the models sees it, for training, in a hash space
// of width positions, a power of two no larger than Width.
func Features(text string, view View, width uint32) linear.Vector {
	var s scan
	s.read(text)
	var at []uint32
	switch view {
	case Mood:
		at = s.mood(nil)
	case Topic:
		at = s.topic(nil)
	case Tongue:
		at = s.tongue(nil)
	}
	norm := float32(scale(len(at)))
	for i := range at {
		at[i] &= width - 1
	}
	return linear.Collect(at, func(_ uint32, count int) float32 { return float32(count) * norm })
}
