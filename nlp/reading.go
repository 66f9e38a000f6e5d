package nlp

import (
	"context"

	"throughline/event"
	"throughline/nlp/linear"
)

// Reading is what a model makes of one text in one pass.
type Reading struct {
	Language  string           // BCP 47, "" where it cannot be told
	Sentiment *event.Sentiment // nil where there is nothing to score
	Emotions  []float64        // probability of each of Emotions(), nil where there is nothing to score
	// Thresholds are the probabilities from which each of Emotions() is reported, as
	// calibrated on development data; nil where Emotions is.
	Thresholds []float64
	Vector     linear.Vector // the meaning, for intent heads and likeness
	// Clauses are the meanings of the clauses, each by itself: empty where one has none.
	Clauses []linear.Vector
}

// Reader is a model of texts: the linear floor, or the encoder.
type Reader interface {
	// Name and version, as event.Features.Model carries it.
	Name() string
	// Read reads a text, and the meaning of each of its clauses beside it.
	Read(ctx context.Context, text string, clauses ...string) (Reading, error)
	// Embed gives only the Vector of a Reading.
	Embed(ctx context.Context, text string) (linear.Vector, error)
}

// SentimentOf makes a Sentiment of three probabilities that sum to 1.
func SentimentOf(negative, neutral, positive float64) event.Sentiment {
	return event.Sentiment{
		Score: positive - negative, Magnitude: positive + negative,
		Negative: negative, Neutral: neutral, Positive: positive,
	}
}

// Emotions are the 28 names of GoEmotions (Demszky et al., ACL 2020), in the
// order of Reading.Emotions; the last is neutral.
func Emotions() []string {
	return []string{"admiration", "amusement", "anger", "annoyance", "approval", "caring", "confusion", "curiosity",
		"desire", "disappointment", "disapproval", "disgust", "embarrassment", "excitement", "fear", "gratitude",
		"grief", "joy", "love", "nervousness", "optimism", "pride", "realization", "relief", "remorse", "sadness",
		"surprise", "neutral"}
}

// EkmanGroup is the group of an emotion, as the authors of GoEmotions group
// them after Ekman: anger, disgust, fear, joy, sadness, surprise or neutral.
func EkmanGroup(emotion string) string {
	switch emotion {
	case "anger", "annoyance", "disapproval":
		return "anger"
	case "disgust", "neutral":
		return emotion
	case "fear", "nervousness":
		return "fear"
	case "sadness", "disappointment", "embarrassment", "grief", "remorse":
		return "sadness"
	case "surprise", "realization", "confusion", "curiosity":
		return "surprise"
	default:
		return "joy"
	}
}
