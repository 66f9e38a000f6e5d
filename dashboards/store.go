package dashboards

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"throughline/event"
)

// Store answers named queries over what is stored; each row comes as one JSON
// object whose fields are named as the query's columns. The queries and their
// arguments are the constants below; sink.Store has them.
type Store interface {
	Rows(ctx context.Context, query string, args map[string]any) ([]json.RawMessage, error)
}

// The queries that a Store must know.
const (
	QueryInteractions    = "interactions"     // tenant, channel, intent, state, since, until (ms), scored (0, 1), min, max, before (ms), before_id, limit
	QueryInteraction     = "interaction"      // tenant, id
	QueryTurns           = "turns"            // tenant, interaction, after (ms), after_id, limit
	QueryJourney         = "journey"          // tenant, id
	QueryCustomerJourney = "customer_journey" // tenant, customer
	QueryAdvice          = "advice"           // tenant, id: the customer of a suggestion or an alert
)

// storeTime bounds a question to the store, so that what is live is answered soon.
const storeTime = 5 * time.Second

var errNoStore = errors.New("no store is configured")

type noStore struct{}

func (noStore) Rows(context.Context, string, map[string]any) ([]json.RawMessage, error) {
	return nil, errNoStore
}

// stored asks the store and decodes the rows.
func stored[T any](ctx context.Context, s *Server, query string, args map[string]any) ([]T, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	rows, err := s.cfg.Store.Rows(ctx, query, args)
	if err != nil {
		return nil, err
	}
	values := make([]T, len(rows))
	for i, row := range rows {
		if err := json.Unmarshal(row, &values[i]); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// storedAll says whether the store took part in an answer.
type storedAll struct {
	Complete bool   `json:"complete"`      // false: only what is live, or in memory
	Why      string `json:"why,omitempty"` // not complete
}

// reached notes what came of asking the store.
func (s *Server) reached(err error) storedAll {
	if err == nil {
		return storedAll{Complete: true}
	}
	if errors.Is(err, errNoStore) {
		return storedAll{Why: "no store is configured: this is what is live"}
	}
	if errors.Is(err, context.Canceled) { // the caller went away
		return storedAll{}
	}
	s.log.Warn("store did not answer", "error", err)
	return storedAll{Why: "the store does not answer: this is what is live"}
}

// storedTurn is a row of QueryTurns.
type storedTurn struct {
	ID, Customer, Channel, Role, Agent, Kind, Text, Language, Withheld, Clearance string

	At       time.Time
	Received time.Time
	StartMS  int64    `json:"start_ms"`
	EndMS    int64    `json:"end_ms"`
	ReplyTo  string   `json:"reply_to"`
	Historic bool     `json:"historic"`
	Redacted []string `json:"redacted"`

	Sentiment, Negative, Neutral, Positive, Magnitude *float64

	Intents               []string  `json:"intents"`
	IntentProbabilities   []float64 `json:"intent_probabilities"`
	OutOfScope            float64   `json:"out_of_scope"`
	Emotions              []string  `json:"emotions"`
	EmotionProbabilities  []float64 `json:"emotion_probabilities"`
	Categories            []string  `json:"categories"`
	CategoryProbabilities []float64 `json:"category_probabilities"`
	EntityTypes           []string  `json:"entity_types"`
	EntityValues          []string  `json:"entity_values"`
	Acoustics             string    `json:"acoustics"` // JSON, "" where none were made
	Model                 string    `json:"model"`
	Features              string    `json:"features"`
}

// features is the event that t was stored from, as far as the tables hold it.
func (t storedTurn) features(tenant, interaction string) event.Features {
	f := event.Features{ID: t.Features, Model: t.Model, Language: t.Language, Turn: event.Turn{
		ID: t.ID, Tenant: tenant, Customer: t.Customer, Interaction: interaction, Channel: event.Channel(t.Channel), Role: event.Role(t.Role),
		Agent: t.Agent, Kind: event.Kind(t.Kind), At: t.At, Received: t.Received, Text: t.Text, StartMS: t.StartMS, EndMS: t.EndMS,
		ReplyTo: t.ReplyTo, Historic: t.Historic, Withheld: t.Withheld, Clearance: t.Clearance,
	}}
	if t.Sentiment != nil {
		f.Sentiment = &event.Sentiment{Score: *t.Sentiment, Negative: value(t.Negative), Neutral: value(t.Neutral), Positive: value(t.Positive), Magnitude: value(t.Magnitude)}
	}
	f.Intents, f.Emotions = labels(t.Intents, t.IntentProbabilities), labels(t.Emotions, t.EmotionProbabilities)
	f.Categories, f.OutOfScope = labels(t.Categories, t.CategoryProbabilities), t.OutOfScope
	if heard := new(event.Acoustics); json.Unmarshal([]byte(t.Acoustics), heard) == nil {
		f.Turn.Acoustics = heard
	}
	for i := range min(len(t.EntityTypes), len(t.EntityValues)) {
		f.Entities = append(f.Entities, event.Entity{Type: t.EntityTypes[i], Value: t.EntityValues[i]})
	}
	return f
}

func labels(names []string, probabilities []float64) []event.Label {
	var all []event.Label
	for i := range min(len(names), len(probabilities)) {
		all = append(all, event.Label{Name: names[i], Probability: probabilities[i]})
	}
	return all
}

func value(v *float64) float64 {
	if v == nil {
		return 0
	}
	return *v
}
