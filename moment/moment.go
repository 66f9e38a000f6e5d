package moment

import (
	"slices"
	"time"

	"throughline/event"
)

// The bounds of what a rule sees. Rules are priced by them when they are loaded.
const (
	MaxList = 32      // items of a list
	MaxText = 8 << 10 // bytes of turn.text; the rest is not seen
)

// Moment is one change of a journey as policy sees it. The cel tags are the
// names in rules, and with the part's name before them the columns of the table
// moments; the about tags document both.
type Moment struct {
	Tenant   string
	Version  uint64 // of the journey: the order in which a customer's changes were decided on
	Cause    string // id of the event that made the change
	Type     string // what kind of event that was: turn, interaction, tag, time …
	Historic bool   // the turn was backfilled
	Model    string // name and version of what read the turn

	Turn        Turn
	Interaction Interaction
	Journey     Journey
	Customer    Customer
	Now         time.Time
}

// Turn is the turn that caused the change. In other changes it is empty.
type Turn struct {
	ID         string    `cel:"id" about:"the turn"`
	Role       string    `cel:"role" about:"customer, agent, bot or system"`
	Channel    string    `cel:"channel" about:"voice, whatsapp, webchat, sms or email"`
	Kind       string    `cel:"kind" about:"utterance, text, image …"`
	Text       string    `cel:"text" about:"the cleared words"`
	Language   string    `cel:"language" about:"detected language, BCP 47"`
	Agent      string    `cel:"agent" about:"id of the agent who spoke"`
	At         time.Time `cel:"at" about:"when it was said"`
	Scored     bool      `cel:"scored" about:"it has a sentiment"`
	Sentiment  float64   `cel:"sentiment" about:"−1 to 1; 0 where it is not scored"`
	Magnitude  float64   `cel:"magnitude" about:"0 to 1: tells mixed from flat"`
	Intents    []string  `cel:"intents" about:"all intents, best first"`
	OutOfScope float64   `cel:"out_of_scope" about:"probability that no intent covers it"`
	Emotions   []string  `cel:"emotions" about:"emotions read from the words"`
	Categories []string  `cel:"categories" about:"categories that matched"`
	Entities   []string  `cel:"entities" about:"types of the entities named"`
	Redacted   []string  `cel:"redacted" about:"types of what was taken out"`
	Withheld   string    `cel:"withheld" about:"why the content was not kept"`
}

// Interaction is the call or conversation that changed.
type Interaction struct {
	ID            string    `cel:"id" about:"the interaction"`
	Channel       string    `cel:"channel" about:"voice, whatsapp, webchat, sms or email"`
	Direction     string    `cel:"direction" about:"inbound or outbound, seen from the centre; empty where unknown"`
	Change        string    `cel:"change" about:"started, joined, held, resumed, transferred, delivery, measured, ended, failed, abandoned; empty for a turn"`
	Started       time.Time `cel:"started" about:"when it began"`
	Turns         int64     `cel:"turns" about:"turns so far"`
	CustomerTurns int64     `cel:"customer_turns" about:"of them the customer's"`
	Sentiment     float64   `cel:"sentiment" about:"−5 to 5, customer's turns"`
	LastScore     float64   `cel:"last_score" about:"of the last scored turn, −1 to 1"`
	Scored        int64     `cel:"scored" about:"turns behind sentiment"`
	Agent         string    `cel:"agent" about:"id of the agent who has it"`
	Queue         string    `cel:"queue" about:"its queue"`
	Case          string    `cel:"case_id" about:"its case"`
	Held          bool      `cel:"held" about:"the customer is on hold"`
	Ended         bool      `cel:"ended" about:"it is over"`
	Outcome       string    `cel:"outcome" about:"ended, failed or abandoned"`
	Reason        string    `cel:"reason" about:"why it ended"`
	Delivered     string    `cel:"delivered" about:"best status of the last outgoing message"`
	HasPickup     bool      `cel:"has_pickup" about:"an open intent was carried here and picked up"`
	Pickup        int64     `cel:"pickup" about:"agent turns until then; 0 where has_pickup is false"`
	Reasks        int64     `cel:"reasks" about:"times the customer was asked again for what was known"`
}

// Journey is the whole of what the customer is about, over all channels.
type Journey struct {
	ID              string    `cel:"id" about:"the journey"`
	State           string    `cel:"state" about:"open, waiting or resolved"`
	Opened          time.Time `cel:"opened" about:"when it began"`
	Turns           int64     `cel:"turns" about:"turns so far"`
	Interactions    int64     `cel:"interactions" about:"interactions so far"`
	Channels        []string  `cel:"channels" about:"channels in order of first use"`
	Sentiment       float64   `cel:"sentiment" about:"−5 to 5 over the journey"`
	Last            float64   `cel:"last" about:"of the last scored turn, −1 to 1"`
	Trend           float64   `cel:"trend" about:"(mean of the last third − mean of the first third) / 2, −1 to 1"`
	Shift           string    `cel:"shift" about:"improved, worsened or empty"`
	Volatility      float64   `cel:"volatility" about:"standard deviation of the scores"`
	Scored          int64     `cel:"scored" about:"turns behind sentiment"`
	Intents         []string  `cel:"intents" about:"intents still open"`
	Tags            []string  `cel:"tags" about:"what policy marked it with"`
	Promised        []string  `cel:"promised" about:"what was promised to the customer"`
	Answered        []string  `cel:"answered" about:"what the customer has told already"`
	Reasks          int64     `cel:"reasks" about:"times the customer was asked again for what was known"`
	HasEffort       bool      `cel:"has_effort" about:"effort is known"`
	Effort          float64   `cel:"effort" about:"0 to 100, higher is harder; 0 where unknown"`
	HasEscalation   bool      `cel:"has_escalation" about:"escalation is known"`
	Escalation      float64   `cel:"escalation" about:"probability of an escalation; 0 where unknown"`
	HasChurn        bool      `cel:"has_churn" about:"churn is known"`
	Churn           float64   `cel:"churn" about:"probability of leaving; 0 where unknown"`
	HasSatisfaction bool      `cel:"has_satisfaction" about:"satisfaction is known"`
	Satisfaction    float64   `cel:"satisfaction" about:"expected satisfaction, 1 to 5; 0 where unknown"`
	HasResolution   bool      `cel:"has_resolution" about:"resolution is known"`
	Resolution      float64   `cel:"resolution" about:"probability of being resolved; 0 where unknown"`
}

// Customer is whose journey it is.
type Customer struct {
	ID           string   `cel:"id" about:"hash of tenant and handle"`
	PastJourneys int64    `cel:"past_journeys" about:"earlier journeys that are remembered"`
	Allows       []string `cel:"allows" about:"purposes that the customer allowed"`
	Refuses      []string `cel:"refuses" about:"purposes that the customer refused"`
}

// Of is the moment of j's last change, and the interaction it was in.
func Of(j event.Journey) *Moment {
	m := &Moment{Tenant: j.Tenant, Version: j.Version, Cause: j.Cause.ID, Type: j.Cause.Type, Now: instant(j.Updated), Turn: Turn{At: epoch}}
	m.Journey, m.Customer = journeyOf(j), customerOf(j)
	var where event.InteractionState
	if n := len(j.Interactions); n > 0 {
		where = j.Interactions[n-1]
	}
	if in := j.Cause.Interaction; in != "" {
		where = named(j, in, where)
	}
	if f := j.Cause.Features; f != nil {
		m.Turn, m.Now, m.Historic, m.Model = turnOf(*f), instant(f.Turn.At), f.Turn.Historic, f.Model
		where = named(j, f.Turn.Interaction, where)
	}
	m.Interaction = interactionOf(where)
	m.Interaction.Change = string(j.Cause.Change)
	return m
}

func named(j event.Journey, id string, otherwise event.InteractionState) event.InteractionState {
	if k := slices.IndexFunc(j.Interactions, func(i event.InteractionState) bool { return i.ID == id }); k >= 0 {
		return j.Interactions[k]
	}
	return otherwise
}

func turnOf(f event.Features) Turn {
	t := Turn{ID: f.Turn.ID, Role: string(f.Turn.Role), Channel: string(f.Turn.Channel), Kind: string(f.Turn.Kind), Text: cut(f.Turn.Text),
		Language: f.Language, Agent: f.Turn.Agent, At: instant(f.Turn.At), OutOfScope: f.OutOfScope, Withheld: f.Turn.Withheld,
		Intents: names(f.Intents), Emotions: names(f.Emotions), Categories: names(f.Categories),
		Entities: list(f.Entities, func(e event.Entity) string { return e.Type }),
		Redacted: list(f.Turn.Redacted, func(r event.Redaction) string { return r.Type })}
	if f.Sentiment != nil {
		t.Scored, t.Sentiment, t.Magnitude = true, f.Sentiment.Score, f.Sentiment.Magnitude
	}
	return t
}

func interactionOf(i event.InteractionState) Interaction {
	out := Interaction{ID: i.ID, Channel: string(i.Channel), Direction: i.Direction, Started: instant(i.Started),
		Turns: int64(i.Turns), CustomerTurns: int64(i.Customer), Sentiment: i.Sentiment, LastScore: i.LastScore, Scored: int64(i.Scored),
		Agent: i.Agent, Queue: i.Queue, Case: i.Case, Held: i.Held, Ended: !i.Ended.IsZero(),
		Outcome: string(i.Outcome), Reason: i.Reason, Delivered: i.Delivered, Reasks: int64(i.Reasks)}
	if i.Pickup != nil {
		out.HasPickup, out.Pickup = true, int64(*i.Pickup)
	}
	return out
}

func journeyOf(j event.Journey) Journey {
	out := Journey{ID: j.ID, State: string(j.State), Opened: instant(j.Opened), Turns: int64(j.Turns), Interactions: int64(len(j.Interactions)),
		Sentiment: j.Sentiment.Overall, Last: j.Sentiment.Last, Trend: j.Sentiment.Trend, Shift: j.Sentiment.Shift,
		Volatility: j.Sentiment.Volatility, Scored: int64(j.Sentiment.Scored), Reasks: int64(j.Reasks),
		Tags: list(j.Tags, func(t string) string { return t })}
	for _, i := range j.Interactions {
		if !slices.Contains(out.Channels, string(i.Channel)) {
			out.Channels = append(out.Channels, string(i.Channel))
		}
	}
	for _, o := range j.Intents {
		if o.Closed.IsZero() && len(out.Intents) < MaxList {
			out.Intents = append(out.Intents, o.Name)
		}
	}
	for _, f := range j.Facts {
		switch {
		case f.Kind == "promised" && len(out.Promised) < MaxList:
			out.Promised = append(out.Promised, f.About)
		case f.Kind == "answered" && len(out.Answered) < MaxList:
			out.Answered = append(out.Answered, f.About)
		}
	}
	out.HasEffort, out.Effort = known(j.Scores.Effort)
	out.HasEscalation, out.Escalation = known(j.Scores.Escalation)
	out.HasChurn, out.Churn = known(j.Scores.Churn)
	out.HasSatisfaction, out.Satisfaction = known(j.Scores.Satisfaction)
	out.HasResolution, out.Resolution = known(j.Scores.Resolution)
	return out
}

func customerOf(j event.Journey) Customer {
	c := Customer{ID: j.Customer, PastJourneys: int64(len(j.Past))}
	for purpose, allowed := range j.Opted {
		if allowed {
			c.Allows = append(c.Allows, purpose)
		} else {
			c.Refuses = append(c.Refuses, purpose)
		}
	}
	slices.Sort(c.Allows)
	slices.Sort(c.Refuses)
	return c
}

func known(s *event.Score) (bool, float64) {
	if s == nil {
		return false, 0
	}
	return true, s.Value
}

func names(labels []event.Label) []string {
	return list(labels, func(l event.Label) string { return l.Name })
}

func list[T any](from []T, name func(T) string) []string {
	if len(from) == 0 {
		return nil
	}
	out := make([]string, min(len(from), MaxList))
	for i := range out {
		out[i] = name(from[i])
	}
	return out
}

// cut bounds text at a character's start.
func cut(text string) string {
	if len(text) <= MaxText {
		return text
	}
	end := MaxText
	for end > 0 && text[end]&0xC0 == 0x80 {
		end--
	}
	return text[:end]
}

var (
	epoch  = time.Unix(0, 0).UTC()
	future = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
)

// instant is t as the store can hold it: UTC, whole milliseconds, from 1970 on.
func instant(t time.Time) time.Time {
	switch {
	case t.Before(epoch):
		return epoch
	case t.After(future):
		return future
	}
	return t.UTC().Truncate(time.Millisecond)
}
