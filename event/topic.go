package event

import "time"

// Spec says how a topic is made. The zero Partitions and Retention mean the
// cluster's defaults.
type Spec struct {
	Name       string
	Partitions int
	Retention  time.Duration
	// Compact keeps the latest value of each key for ever; the topic is then
	// the store of the stage that writes it.
	Compact bool
	// Lossy lets a full producer drop (and count) instead of waiting. Only a
	// topic whose every event is replaced by the next one may say so.
	Lossy bool
	// About is one line for people: docs/topics.md and AsyncAPI are made of it.
	About string
}

// Dead is the topic that takes what a consumer of s could not handle: the
// original bytes and key, with the error, stage, partition and offset in headers.
func (s Spec) Dead() Spec {
	return Spec{Name: s.Name + ".dead", Partitions: s.Partitions, Retention: 28 * 24 * time.Hour,
		About: "what could not be handled of " + s.Name + ", with the error and the original"}
}

// Source is a topic as a reader sees it: values of T come out. A Source cannot
// be written to, and that is on purpose: turns are read as Turn, but only
// package governance holds the Topic that writes them (see governance.Cleared).
type Source[T any] struct{ Spec }

// Topic is a Source that may also be written.
type Topic[T any] struct {
	Source[T]
	// Key is what a later event replaces where the topic is compacted.
	Key func(T) string
	// By chooses the partition, so that events of one customer keep their order
	// and meet in one process; nil: Key does.
	By func(T) string
}

// Message pairs v with its topic and key, ready for a producer.
func (t Topic[T]) Message(v T) Message {
	m := Message{Topic: t.Spec, Key: t.Key(v), Value: v}
	if t.By != nil {
		m.By = t.By(v)
	}
	return m
}

// Tombstone removes the value of key, made by a By of by (empty: key), from a
// compacted topic.
func (t Topic[T]) Tombstone(key, by string) Message {
	return Message{Topic: t.Spec, Key: key, By: by}
}

// Message is one event on its way to a topic. Value is encoded as JSON; a nil
// Value is a tombstone.
type Message struct {
	Topic Spec
	Key   string
	By    string // chooses the partition; empty: Key does
	Value any
}

const day = 24 * time.Hour

// The topics. Everything keyed by customer has the same number of partitions,
// so one process holds the same customers of each of them.

// Interactions carries the life of calls and conversations.
func Interactions() Topic[Interaction] {
	return Topic[Interaction]{
		Source: Source[Interaction]{Spec{Name: "interactions", Retention: 7 * day,
			About: "calls and conversations as they start, are joined, held, transferred, delivered and end"}},
		Key: func(i Interaction) string { return i.Customer },
	}
}

// Audio carries the ordered speech audio of call legs.
func Audio() Topic[AudioChunk] {
	return Topic[AudioChunk]{
		Source: Source[AudioChunk]{Spec{Name: "audio", Retention: 6 * time.Hour,
			About: "ordered speech audio of one leg in chunks of 100 to 200 ms, gaps marked"}},
		Key: func(a AudioChunk) string { return a.Interaction },
	}
}

// Turns is what may be read of final utterances and messages. Writing goes
// through governance.Turns.
func Turns() Source[Turn] {
	return Source[Turn]{Spec{Name: "turns", Retention: 7 * day,
		About: "final utterances and messages, cleared by consent and redaction"}}
}

// PartialTurns is what may be read of growing transcripts. Writing goes through
// governance.PartialTurns.
func PartialTurns() Source[Turn] {
	return Source[Turn]{Spec{Name: "turns.partial", Retention: 10 * time.Minute, Lossy: true,
		About: "growing transcripts, cleared; each replaces the one before of the same id"}}
}

// AnalysedTurns carries each turn with what was understood of it.
func AnalysedTurns() Topic[Features] {
	return Topic[Features]{
		Source: Source[Features]{Spec{Name: "features", Retention: 7 * day,
			About: "a turn's sentiment, emotion, intents, entities, categories and acoustics"}},
		Key: func(f Features) string { return f.Turn.Customer },
	}
}

// Journeys carries the state of each journey after each change; it is also the
// journey stage's own store.
func Journeys() Topic[Journey] {
	return Topic[Journey]{
		Source: Source[Journey]{Spec{Name: "journeys", Compact: true,
			About: "the state of a customer's journey after each change, latest kept"}},
		Key: func(j Journey) string { return j.Customer },
	}
}

// JourneyParts carries what merged customers did to the journeys they belong to.
func JourneyParts() Topic[Part] {
	return Topic[Part]{
		Source: Source[Part]{Spec{Name: "journeys.parts", Compact: true,
			About: "what the events of a merged customer made, on its way to the customer it became, latest kept"}},
		Key: func(p Part) string { return p.Key() },
		By:  func(p Part) string { return p.Into },
	}
}

// Suggestions carries advice to agents.
func Suggestions() Topic[Suggestion] {
	return Topic[Suggestion]{
		Source: Source[Suggestion]{Spec{Name: "suggestions", Retention: 7 * day, About: "advice to agents: next best action, reply, knowledge"}},
		Key:    func(s Suggestion) string { return s.Customer },
	}
}

// Alerts carries alarms to supervisors.
func Alerts() Topic[Alert] {
	return Topic[Alert]{
		Source: Source[Alert]{Spec{Name: "alerts", Retention: 7 * day, About: "alarms to supervisors, with rule, version and evidence"}},
		Key:    func(a Alert) string { return a.Customer },
	}
}

// Disclosures carries what had to be said by a deadline, and whether it was.
func Disclosures() Topic[Disclosure] {
	return Topic[Disclosure]{
		Source: Source[Disclosure]{Spec{Name: "disclosures", Retention: 7 * day, About: "what an agent has to say by a deadline, and whether it was said"}},
		Key:    func(d Disclosure) string { return d.Customer },
	}
}

// Feedbacks carries what became of suggestions and alerts.
func Feedbacks() Topic[Feedback] {
	return Topic[Feedback]{
		Source: Source[Feedback]{Spec{Name: "feedback", Retention: 7 * day, About: "what became of suggestions and alerts: displayed, clicked, correctness"}},
		Key:    func(f Feedback) string { return f.Customer },
	}
}

// Patterns carries what has changed over many customers.
func Patterns() Topic[Pattern] {
	return Topic[Pattern]{
		Source: Source[Pattern]{Spec{Name: "patterns", Retention: 7 * day, About: "intents and themes that rise or fall, and sentiment that shifts, each with its test"}},
		Key:    func(p Pattern) string { return p.Tenant },
	}
}

// Consents carries what people allow and refuse.
func Consents() Topic[Consent] {
	return Topic[Consent]{
		Source: Source[Consent]{Spec{Name: "consents", Compact: true, About: "what a person allows or refuses, by purpose and channel, latest kept"}},
		Key:    func(c Consent) string { return c.Key() },
		By:     func(c Consent) string { return c.Customer },
	}
}

// Identities carries which handles belong to whom.
func Identities() Topic[Identity] {
	return Topic[Identity]{
		Source: Source[Identity]{Spec{Name: "identities", Compact: true, About: "handles of customers, merges and un-merges, latest kept"}},
		Key:    func(i Identity) string { return i.Key() },
		By:     func(i Identity) string { return i.Customer },
	}
}

// Policies carries the rules of each tenant as they were put in force, in one
// partition so that everybody agrees which came last.
func Policies() Topic[Policy] {
	return Topic[Policy]{
		Source: Source[Policy]{Spec{Name: "policies", Partitions: 1, Compact: true, About: "versions of a tenant's policy; the last one put in force holds"}},
		Key:    func(p Policy) string { return p.Key() },
	}
}

// Audits carries who did what and why, chained.
func Audits() Topic[Audit] {
	return Topic[Audit]{
		Source: Source[Audit]{Spec{Name: "audit", Retention: 10 * 365 * day, About: "who did what and why, by reference only, never a person's words"}},
		Key:    func(a Audit) string { return a.Tenant },
	}
}

// All lists every topic, for creation and for documents.
func All() []Spec {
	return []Spec{
		Interactions().Spec, Audio().Spec, Turns().Spec, PartialTurns().Spec, AnalysedTurns().Spec,
		Journeys().Spec, JourneyParts().Spec, Suggestions().Spec, Alerts().Spec, Disclosures().Spec, Feedbacks().Spec, Patterns().Spec,
		Consents().Spec, Identities().Spec, Policies().Spec, Audits().Spec,
	}
}
