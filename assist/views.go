package assist

import (
	"slices"
	"time"

	"throughline/event"
)

// What a rule may ask about. The cel tags are the names in policies; docs/policy.md
// is made of these types.

// Turn is the turn that caused the change. In rules on interactions it is empty.
type Turn struct {
	ID         string    `cel:"id"`
	Role       string    `cel:"role"`
	Channel    string    `cel:"channel"`
	Kind       string    `cel:"kind"`
	Text       string    `cel:"text"`
	Language   string    `cel:"language"`
	Agent      string    `cel:"agent"`
	At         time.Time `cel:"at"`
	Scored     bool      `cel:"scored"`
	Sentiment  float64   `cel:"sentiment"`
	Magnitude  float64   `cel:"magnitude"`
	Intents    []string  `cel:"intents"`
	OutOfScope float64   `cel:"out_of_scope"`
	Emotions   []string  `cel:"emotions"`
	Categories []string  `cel:"categories"`
	Entities   []string  `cel:"entities"`
	Redacted   []string  `cel:"redacted"`
	Withheld   string    `cel:"withheld"`
}

// Interaction is the call or conversation that changed.
type Interaction struct {
	ID            string    `cel:"id"`
	Channel       string    `cel:"channel"`
	Change        string    `cel:"change"`
	Started       time.Time `cel:"started"`
	Turns         int64     `cel:"turns"`
	CustomerTurns int64     `cel:"customer_turns"`
	Sentiment     float64   `cel:"sentiment"`
	LastScore     float64   `cel:"last_score"`
	Scored        int64     `cel:"scored"`
	Agent         string    `cel:"agent"`
	Queue         string    `cel:"queue"`
	Case          string    `cel:"case_id"`
	Held          bool      `cel:"held"`
	Ended         bool      `cel:"ended"`
	Outcome       string    `cel:"outcome"`
	Reason        string    `cel:"reason"`
	Delivered     string    `cel:"delivered"`
}

// Journey is the whole of what the customer is about, over all channels.
type Journey struct {
	ID           string    `cel:"id"`
	State        string    `cel:"state"`
	Opened       time.Time `cel:"opened"`
	Turns        int64     `cel:"turns"`
	Interactions int64     `cel:"interactions"`
	Channels     []string  `cel:"channels"`
	Sentiment    float64   `cel:"sentiment"`
	Last         float64   `cel:"last"`
	Trend        float64   `cel:"trend"`
	Shift        string    `cel:"shift"`
	Volatility   float64   `cel:"volatility"`
	Scored       int64     `cel:"scored"`
	Intents      []string  `cel:"intents"`
	Tags         []string  `cel:"tags"`
}

// Customer is whose journey it is.
type Customer struct {
	ID           string `cel:"id"`
	PastJourneys int64  `cel:"past_journeys"`
}

// subject is everything that a rule may see of one change.
type subject struct {
	turn        *Turn
	interaction *Interaction
	journey     *Journey
	customer    *Customer
	now         time.Time
}

// see makes the views of a change, and tells which interaction it was in.
func see(j event.Journey) (subject, event.InteractionState) {
	s := subject{turn: &Turn{}, interaction: &Interaction{}, customer: &Customer{ID: j.Customer, PastJourneys: int64(len(j.Past))}, now: j.Updated}
	s.journey = &Journey{ID: j.ID, State: string(j.State), Opened: j.Opened, Turns: int64(j.Turns), Interactions: int64(len(j.Interactions)),
		Sentiment: j.Sentiment.Overall, Last: j.Sentiment.Last, Trend: j.Sentiment.Trend, Shift: j.Sentiment.Shift,
		Volatility: j.Sentiment.Volatility, Scored: int64(j.Sentiment.Scored), Tags: j.Tags}
	for _, i := range j.Interactions {
		if !slices.Contains(s.journey.Channels, string(i.Channel)) {
			s.journey.Channels = append(s.journey.Channels, string(i.Channel))
		}
	}
	for _, o := range j.Intents {
		if o.Closed.IsZero() {
			s.journey.Intents = append(s.journey.Intents, o.Name)
		}
	}
	var where event.InteractionState
	if n := len(j.Interactions); n > 0 {
		where = j.Interactions[n-1]
	}
	if f := j.Cause.Features; f != nil {
		s.turn = seeTurn(*f)
		s.now = f.Turn.At
		if k := slices.IndexFunc(j.Interactions, func(i event.InteractionState) bool { return i.ID == f.Turn.Interaction }); k >= 0 {
			where = j.Interactions[k]
		}
	}
	s.interaction = &Interaction{ID: where.ID, Channel: string(where.Channel), Change: string(j.Cause.Change), Started: where.Started,
		Turns: int64(where.Turns), CustomerTurns: int64(where.Customer), Sentiment: where.Sentiment, LastScore: where.LastScore, Scored: int64(where.Scored),
		Agent: where.Agent, Queue: where.Queue, Case: where.Case, Held: where.Held, Ended: !where.Ended.IsZero(),
		Outcome: string(where.Outcome), Reason: where.Reason, Delivered: where.Delivered}
	return s, where
}

func seeTurn(f event.Features) *Turn {
	t := &Turn{ID: f.Turn.ID, Role: string(f.Turn.Role), Channel: string(f.Turn.Channel), Kind: string(f.Turn.Kind), Text: f.Turn.Text,
		Language: f.Language, Agent: f.Turn.Agent, At: f.Turn.At, OutOfScope: f.OutOfScope, Withheld: f.Turn.Withheld}
	if f.Sentiment != nil {
		t.Scored, t.Sentiment, t.Magnitude = true, f.Sentiment.Score, f.Sentiment.Magnitude
	}
	t.Intents, t.Emotions, t.Categories = names(f.Intents), names(f.Emotions), names(f.Categories)
	for _, e := range f.Entities {
		t.Entities = append(t.Entities, e.Type)
	}
	for _, r := range f.Turn.Redacted {
		t.Redacted = append(t.Redacted, r.Type)
	}
	return t
}

func names(labels []event.Label) []string {
	out := make([]string, len(labels))
	for i, l := range labels {
		out[i] = l.Name
	}
	return out
}
