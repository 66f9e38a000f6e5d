package sink

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"throughline/bus"
	"throughline/event"
	"throughline/moment"
)

// table says how the events of a topic become rows. The three kafka_ columns
// are added by the writer.
type table[T any] struct {
	name    string
	source  event.Source[T]
	columns string // comma-separated, in the order of row
	id      func(T) string
	at      func(T) time.Time
	row     func(T) ([]any, error)
	// skip, if set, tells which events have no row.
	skip func(T) bool
	// latest tables keep one row a key by themselves; a repeated event does
	// no harm there.
	latest bool
	// unhurried tables are asked about the past. Their blocks wait longer, since
	// one costs the engine more than the rows in it.
	unhurried bool
	// document adds the event itself, as it lies on the topic, in the last column.
	document bool
}

// Stages returns one stage a table.
func (s *Store) Stages() []bus.Stage {
	return []bus.Stage{
		stage(s, interactionsTable()), stage(s, turnsTable()), stage(s, featuresTable()), stage(s, journeysTable()),
		stage(s, momentsTable()),
		stage(s, alertsTable()), stage(s, disclosuresTable()), stage(s, suggestionsTable()), stage(s, feedbackTable()), stage(s, patternsTable()), stage(s, consentsTable()), stage(s, auditTable()),
	}
}

func stage[T any](s *Store, t table[T]) bus.Stage {
	st := bus.Stage{
		Name:     "sink." + t.name,
		In:       []bus.Input{bus.Batch(t.source, (*writer[T]).write)},
		Open:     openWriter(s, t),
		Linger:   s.linger,
		MaxBatch: 10_000,
	}
	if t.unhurried {
		st.Linger, st.MaxBatch = 5*s.linger, 2000 // of whole journeys, held while they wait
	}
	return st
}

func interactionsTable() table[event.Interaction] {
	return table[event.Interaction]{
		name: "interactions", source: event.Interactions().Source,
		id: func(i event.Interaction) string { return i.ID },
		at: func(i event.Interaction) time.Time { return i.At },
		columns: `id, tenant, customer, interaction, channel, change, at, received, reason, direction, handle, account, queue,
			role, agent, case_id, message, status, error, duration_ms, talk_ms, non_talk_ms, overtalk_ms, interruptions, mos, measures, attrs`,
		row: func(i event.Interaction) ([]any, error) {
			m := event.Measures{}
			duration, document := (*int64)(nil), ""
			if i.Measures != nil {
				m = *i.Measures
				duration = &m.DurationMS
				b, err := json.Marshal(m)
				if err != nil {
					return nil, fmt.Errorf("encode measures: %w", err)
				}
				document = string(b)
			}
			var interruptions *int32
			if m.Interruptions != nil {
				n := int32(*m.Interruptions)
				interruptions = &n
			}
			return []any{i.ID, i.Tenant, i.Customer, i.Interaction, string(i.Channel), string(i.Change), i.At, i.Received, i.Reason, i.Direction, i.Handle, i.Account, i.Queue,
				string(i.Role), i.Agent, i.Case, i.Message, i.Status, i.Error, duration, m.TalkMS, m.NonTalkMS, m.OvertalkMS, interruptions, m.MOS, document, attrs(i.Attrs)}, nil
		},
	}
}

func turnsTable() table[event.Turn] {
	return table[event.Turn]{
		name: "turns", source: event.Turns(),
		id: func(t event.Turn) string { return t.ID },
		at: func(t event.Turn) time.Time { return t.At },
		columns: `id, tenant, customer, interaction, channel, role, agent, kind, at, received, text, language, start_ms, end_ms, confidence,
			reply_to, target, media_type, media_id, provider, attrs, raw, historic, withheld, redacted, clearance`,
		row: func(t event.Turn) ([]any, error) {
			m := event.Media{}
			if t.Media != nil {
				m = *t.Media
			}
			redacted := make([]string, len(t.Redacted))
			for i, r := range t.Redacted {
				redacted[i] = r.Type
			}
			return []any{t.ID, t.Tenant, t.Customer, t.Interaction, string(t.Channel), string(t.Role), t.Agent, string(t.Kind), t.At, t.Received, t.Text, t.Language, t.StartMS, t.EndMS, float32(t.Confidence),
				t.ReplyTo, t.Target, m.MIME, m.ID, t.Provider, attrs(t.Attrs), string(t.Raw), t.Historic, t.Withheld, redacted, t.Clearance}, nil
		},
	}
}

func featuresTable() table[event.Features] {
	return table[event.Features]{
		name: "features", source: event.AnalysedTurns().Source,
		id: func(f event.Features) string { return f.ID },
		at: func(f event.Features) time.Time { return f.Turn.At },
		columns: `id, turn, tenant, customer, interaction, channel, role, at, sentiment, negative, neutral, positive, magnitude,
			intent, intents, intent_probabilities, out_of_scope, emotions, emotion_probabilities, entity_types, entity_values,
			categories, category_probabilities, language, acoustics, model`,
		row: func(f event.Features) ([]any, error) {
			var score, negative, neutral, positive, magnitude *float32
			if s := f.Sentiment; s != nil {
				score, negative, neutral, positive, magnitude = f32(s.Score), f32(s.Negative), f32(s.Neutral), f32(s.Positive), f32(s.Magnitude)
			}
			intents, intentP := labels(f.Intents)
			emotions, emotionP := labels(f.Emotions)
			categories, categoryP := labels(f.Categories)
			intent := ""
			if len(intents) > 0 {
				intent = intents[0]
			}
			types, values := make([]string, len(f.Entities)), make([]string, len(f.Entities))
			for i, e := range f.Entities {
				types[i], values[i] = e.Type, e.Value
			}
			acoustics := ""
			if f.Turn.Acoustics != nil {
				b, err := json.Marshal(f.Turn.Acoustics)
				if err != nil {
					return nil, fmt.Errorf("encode acoustics: %w", err)
				}
				acoustics = string(b)
			}
			t := f.Turn
			return []any{f.ID, t.ID, t.Tenant, t.Customer, t.Interaction, string(t.Channel), string(t.Role), t.At, score, negative, neutral, positive, magnitude,
				intent, intents, intentP, float32(f.OutOfScope), emotions, emotionP, types, values,
				categories, categoryP, f.Language, acoustics, f.Model}, nil
		},
	}
}

// journeyColumns is what of a journey has a column of its own. The rest, which
// is most of it, is stored as it came and not decoded.
type journeyColumns struct {
	ID           string             `json:"id"`
	Tenant       string             `json:"tenant"`
	Customer     string             `json:"customer"`
	Version      uint64             `json:"version"`
	State        event.JourneyState `json:"state"`
	Opened       time.Time          `json:"opened"`
	Updated      time.Time          `json:"updated"`
	Into         string             `json:"into"`
	Within       string             `json:"within"`
	Interactions []struct {
		ID       string        `json:"id"`
		Channel  event.Channel `json:"channel"`
		JoinedBy string        `json:"joined_by"`
	} `json:"interactions"`
	Intents []struct {
		Name   string    `json:"name"`
		Closed time.Time `json:"closed"`
	} `json:"intents"`
	Turns     int                    `json:"turns"`
	Sentiment event.JourneySentiment `json:"sentiment"`
	Scores    event.Scores           `json:"scores"`
	Tags      []string               `json:"tags"`

	Resolved     time.Time `json:"resolved"`
	ResolvedBy   string    `json:"resolved_by"`
	FirstContact *bool     `json:"first_contact"`
	Pickup       *float64  `json:"pickup"`
	Reasks       int       `json:"reasks"`
}

func journeysTable() table[journeyColumns] {
	return table[journeyColumns]{
		name: "journeys", source: event.Source[journeyColumns]{Spec: event.Journeys().Spec}, latest: true, document: true,
		id: func(j journeyColumns) string { return j.ID },
		at: func(j journeyColumns) time.Time { return j.Updated },
		columns: `id, tenant, customer, version, state, opened, updated, channels, interactions, intents, turns, sentiment, trend, volatility,
			effort, escalation, churn, satisfaction, resolution, tags,
			into_customer, within, joined_by, resolved, resolved_by, first_contact, pickup, reasks, document`,
		row: func(j journeyColumns) ([]any, error) {
			var channels, interactions, intents, joined []string
			seen := map[event.Channel]bool{}
			for _, i := range j.Interactions {
				interactions = append(interactions, i.ID)
				joined = append(joined, i.JoinedBy)
				if !seen[i.Channel] {
					seen[i.Channel] = true
					channels = append(channels, string(i.Channel))
				}
			}
			for _, i := range j.Intents {
				if i.Closed.IsZero() {
					intents = append(intents, i.Name)
				}
			}
			var resolved *time.Time
			if !j.Resolved.IsZero() {
				resolved = &j.Resolved
			}
			var pickup *float32
			if j.Pickup != nil {
				pickup = f32(*j.Pickup)
			}
			return []any{j.ID, j.Tenant, j.Customer, j.Version, string(j.State), j.Opened, j.Updated, channels, interactions, intents, uint32(j.Turns),
				float32(j.Sentiment.Overall), float32(j.Sentiment.Trend), float32(j.Sentiment.Volatility),
				score(j.Scores.Effort), score(j.Scores.Escalation), score(j.Scores.Churn), score(j.Scores.Satisfaction), score(j.Scores.Resolution),
				j.Tags, j.Into, j.Within, joined, resolved, j.ResolvedBy, j.FirstContact, pickup, uint16(min(j.Reasks, 1<<16-1))}, nil
		},
	}
}

func alertsTable() table[event.Alert] {
	return table[event.Alert]{
		name: "alerts", source: event.Alerts().Source,
		id: func(a event.Alert) string { return a.ID },
		at: func(a event.Alert) time.Time { return a.At },
		columns: `id, tenant, customer, journey, interaction, turn, channel, at, severity, title, action, queue, priority, skill, tags, target, due,
			rule, rule_version, evidence`,
		row: func(a event.Alert) ([]any, error) {
			return []any{a.ID, a.Tenant, a.Customer, a.Journey, a.Interaction, a.Turn, string(a.Channel), a.At, string(a.Severity), a.Title, string(a.Action),
				a.Queue, int32(a.Priority), a.Skill, list(a.Tags), a.Target, moreThanZero(a.Due), a.Rule.Name, a.Rule.Version, attrs(a.Rule.Evidence)}, nil
		},
	}
}

func disclosuresTable() table[event.Disclosure] {
	return table[event.Disclosure]{
		name: "disclosures", source: event.Disclosures().Source, latest: true,
		id:      func(d event.Disclosure) string { return d.ID },
		at:      func(d event.Disclosure) time.Time { return d.At },
		columns: `id, tenant, customer, journey, interaction, channel, agent, state, at, due, turn, said, severity, rule, rule_version, evidence`,
		row: func(d event.Disclosure) ([]any, error) {
			return []any{d.ID, d.Tenant, d.Customer, d.Journey, d.Interaction, string(d.Channel), d.Agent, string(d.State), d.At, d.Due, d.Turn, moreThanZero(d.Said),
				string(d.Severity), d.Rule.Name, d.Rule.Version, attrs(d.Rule.Evidence)}, nil
		},
	}
}

// momentsTable keeps what policy saw of each change, column by column as rules
// name it, so that a rule can be tried on what was.
func momentsTable() table[moment.Change] {
	columns := slices.Concat(moment.Facts(), moment.Columns())
	id := func(j moment.Change) string {
		return event.ID("m", j.ID, strconv.FormatUint(j.Version, 10), j.Cause.ID)
	}
	names := []string{"id"}
	for _, c := range columns {
		names = append(names, c.Name())
	}
	return table[moment.Change]{
		name: "moments", source: moment.Changes(), skip: moment.Change.Elsewhere, unhurried: true,
		id: id, at: func(j moment.Change) time.Time { return j.Updated },
		columns: strings.Join(names, ", "),
		row: func(j moment.Change) ([]any, error) {
			m := moment.Of(j.Journey)
			row := make([]any, 1, len(names)+3) // the writer adds three
			row[0] = id(j)
			for _, c := range columns {
				v := c.Of(m)
				if l, ok := v.([]string); ok {
					v = list(l)
				}
				row = append(row, v)
			}
			return row, nil
		},
	}
}

func suggestionsTable() table[event.Suggestion] {
	return table[event.Suggestion]{
		name: "suggestions", source: event.Suggestions().Source,
		id:      func(s event.Suggestion) string { return s.ID },
		at:      func(s event.Suggestion) time.Time { return s.At },
		columns: `id, tenant, customer, journey, interaction, turn, channel, agent, at, kind, title, body, rank, rule, rule_version, evidence, source`,
		row: func(s event.Suggestion) ([]any, error) {
			return []any{s.ID, s.Tenant, s.Customer, s.Journey, s.Interaction, s.Turn, string(s.Channel), s.Agent, s.At, s.Kind, s.Title, s.Body,
				float32(s.Rank), s.Rule.Name, s.Rule.Version, attrs(s.Rule.Evidence), s.Source}, nil
		},
	}
}

func feedbackTable() table[event.Feedback] {
	return table[event.Feedback]{
		name: "feedback", source: event.Feedbacks().Source,
		id:      func(f event.Feedback) string { return f.ID },
		at:      func(f event.Feedback) time.Time { return f.At },
		columns: `id, tenant, customer, suggestion, agent, at, displayed, clicked, correctness, outcome`,
		row: func(f event.Feedback) ([]any, error) {
			return []any{f.ID, f.Tenant, f.Customer, f.Suggestion, f.Agent, f.At, f.Displayed, f.Clicked, f.Correctness, f.Outcome}, nil
		},
	}
}

func patternsTable() table[event.Pattern] {
	return table[event.Pattern]{
		name: "patterns", source: event.Patterns().Source,
		id: func(p event.Pattern) string { return p.ID },
		at: func(p event.Pattern) time.Time { return p.At },
		columns: `id, tenant, kind, subject, dimension, value, direction, at, earliest, latest, found, since, before, after, effect, low, high,
			interactions_before, interactions_after, p, q, tests, examples`,
		row: func(p event.Pattern) ([]any, error) {
			return []any{p.ID, p.Tenant, string(p.Kind), p.Subject, p.Dimension, p.Value, p.Direction, p.At, p.Earliest, p.Latest, p.Found, p.Since, p.Before, p.After, p.Effect, p.Low, p.High,
				uint64(p.Interactions[0]), uint64(p.Interactions[1]), p.P, p.Q, uint32(p.Tests), p.Examples}, nil
		},
	}
}

func consentsTable() table[event.Consent] {
	return table[event.Consent]{
		name: "consents", source: event.Consents().Source,
		id:      func(c event.Consent) string { return c.ID },
		at:      func(c event.Consent) time.Time { return c.At },
		columns: `id, tenant, customer, purpose, channel, allowed, basis, jurisdiction, evidence, notice, at`,
		row: func(c event.Consent) ([]any, error) {
			return []any{c.ID, c.Tenant, c.Customer, string(c.Purpose), string(c.Channel), c.Allowed, c.Basis, c.Jurisdiction, c.Evidence, c.Notice, c.At}, nil
		},
	}
}

func auditTable() table[event.Audit] {
	return table[event.Audit]{
		name: "audit", source: event.Audits().Source,
		id:      func(a event.Audit) string { return a.ID },
		at:      func(a event.Audit) time.Time { return a.At },
		columns: `id, tenant, at, actor, action, object, policy, request, detail`,
		row: func(a event.Audit) ([]any, error) {
			return []any{a.ID, a.Tenant, a.At, a.Actor, a.Action, a.Object, a.Policy, a.Request, attrs(a.Detail)}, nil
		},
	}
}

func f32(v float64) *float32 { f := float32(v); return &f }

func score(s *event.Score) *float32 {
	if s == nil {
		return nil
	}
	return f32(s.Value)
}

func labels(ls []event.Label) ([]string, []float32) {
	names, probabilities := make([]string, len(ls)), make([]float32, len(ls))
	for i, l := range ls {
		names[i], probabilities[i] = l.Name, float32(l.Probability)
	}
	return names, probabilities
}

func list(l []string) []string {
	if l == nil {
		return []string{}
	}
	return l
}

func moreThanZero(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func attrs(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}
