package dashboards

import (
	"time"

	"throughline/event"
)

// The topics of the stream, in the order in which they stand in a Position. A
// change of the list needs a new positionVersion.
const (
	interactionsTopic = iota
	featuresTopic
	journeysTopic
	alertsTopic
	suggestionsTopic
	feedbackTopic
	partialsTopic
	topicCount
)

// Topics lists what can be streamed. The names of topics are the names of events.
func Topics() []event.Spec {
	return []event.Spec{
		interactionsTopic: event.Interactions().Spec,
		featuresTopic:     event.AnalysedTurns().Spec,
		journeysTopic:     event.Journeys().Spec,
		alertsTopic:       event.Alerts().Spec,
		suggestionsTopic:  event.Suggestions().Spec,
		feedbackTopic:     event.Feedbacks().Spec,
		partialsTopic:     event.PartialTurns().Spec,
	}
}

// journeyHead is what the hub must know of a journey; the rest, which is most
// of it, is decoded only when somebody asks.
type journeyHead struct {
	ID           string        `json:"id"`
	Tenant       string        `json:"tenant"`
	Customer     string        `json:"customer"`
	Name         string        `json:"name"`
	Into         string        `json:"into"`
	Within       string        `json:"within"`
	Since        time.Time     `json:"since"`
	Updated      time.Time     `json:"updated"`
	Cause        journeyCause  `json:"cause"`
	Merged       []string      `json:"merged"`
	Interactions []journeyTalk `json:"interactions"`
}

type journeyCause struct {
	Type        string       `json:"type"`
	Change      event.Change `json:"change"`
	Interaction string       `json:"interaction"`
}

type journeyTalk struct {
	ID      string        `json:"id"`
	Channel event.Channel `json:"channel"`
	Agent   string        `json:"agent"`
	Queue   string        `json:"queue"`
}
