package nlp

import (
	"context"
	"fmt"
	"slices"

	"throughline/event"
	"throughline/nlp/intent"
	"throughline/nlp/linear"
)

// Parts of a Model. Reader is needed; what else is nil is left out of the features.
type Parts struct {
	Reader     Reader
	Intents    *intent.Owned
	Entities   func(t event.Turn) []event.Entity
	Categories func(f event.Features, meaning linear.Vector) []event.Label
	// AgentEmotions also reads the emotions of agents and of unknown speakers, out of
	// their words. The EU AI Act, Art. 5(1)(f), forbids it at work from voice or face;
	// from words, works councils and other law may.
	AgentEmotions bool
}

// Model fills the features of turns. It is safe for concurrent use.
type Model struct {
	parts  Parts
	recent *recent
}

// New makes a model of its parts.
func New(p Parts) *Model { return &Model{parts: p, recent: newRecent()} }

// Understand is the stage's handler: the features of t, as a message for their
// topic. It remembers what kind of thing the agent last did in each interaction,
// never the words; after a restart the first turn is read without it.
func (m *Model) Understand(ctx context.Context, t event.Turn) ([]event.Message, error) {
	f, err := m.Features(ctx, t, m.recent.before(t.Interaction))
	if err != nil {
		return nil, err
	}
	m.recent.see(t)
	return []event.Message{event.AnalysedTurns().Message(f)}, nil
}

// Features reads one turn, knowing what came before it. A turn with nothing to
// read has features too: its id, the turn, and the model's name.
func (m *Model) Features(ctx context.Context, t event.Turn, before Before) (event.Features, error) {
	f := event.Features{ID: event.ID("f", t.ID), Turn: t, Model: m.parts.Reader.Name(), Language: t.Language}
	if !Readable(t) {
		return f, nil
	}
	var clauses []string
	wishes := wants(t.Role) && m.parts.Intents != nil
	if wishes {
		clauses = intent.Clauses(t.Text)
	}
	r, err := m.parts.Reader.Read(ctx, t.Text, clauses...)
	if err != nil {
		return f, fmt.Errorf("read turn %s: %w", t.ID, err)
	}
	if r.Language != "" {
		f.Language = r.Language
	}
	if keyword(t.Text) {
		neutral := SentimentOf(0, 1, 0)
		r.Sentiment, r.Emotions = &neutral, nil
	}
	settled, ironic := before.settles(t), ironic(t.Text)
	if r.Sentiment != nil && t.Role != event.System && t.Role != event.Bot {
		s := *r.Sentiment
		if settled {
			s = settle(s)
		}
		if ironic {
			s = SentimentOf(max(s.Negative, s.Positive), s.Neutral, min(s.Negative, s.Positive))
		}
		f.Sentiment = &s
	}
	if t.Role == event.Customer || m.parts.AgentEmotions {
		f.Emotions = emotionLabels(r.Emotions, r.Thresholds)
		f.Emotions = slices.DeleteFunc(f.Emotions, func(l event.Label) bool {
			return settled && unkind(l) || ironic && EkmanGroup(l.Name) == "joy"
		})
	}
	if wishes && len(r.Vector.Value) > 0 {
		found, out := m.parts.Intents.Head().Find(append(r.Clauses, r.Vector)...)
		for _, i := range found {
			f.Intents = append(f.Intents, event.Label{Name: i.Name, Probability: i.Probability})
		}
		f.OutOfScope = out
	}
	if m.parts.Entities != nil {
		if t.Language == "" {
			t.Language = f.Language
		}
		f.Entities = m.parts.Entities(t)
	}
	if m.parts.Categories != nil {
		f.Categories = m.parts.Categories(f, r.Vector)
	}
	return f, nil
}

// wants tells whether a speaker's words may be wishes. Where nobody knows who
// speaks, they may.
func wants(r event.Role) bool { return r == event.Customer || r == event.UnknownRole }

// Readable tells whether a turn has words of a person: withheld turns, the
// platform's own notices and kinds nobody knows have none.
func Readable(t event.Turn) bool {
	if t.Text == "" || t.Withheld != "" {
		return false
	}
	switch t.Kind {
	case event.Unsupported, event.Notice, event.Location, event.Contacts, event.Revoke:
		return false
	}
	return true
}

// emotionsAtMost is how many emotions of one turn are reported.
const emotionsAtMost = 4

// matter tells the labels that are of business more than of feeling: whoever
// wants to cancel has a desire, and no joy. They stand alone, without a group.
func matter(emotion string) bool {
	switch emotion {
	case "desire", "approval", "curiosity", "realization":
		return true
	}
	return false
}

// emotionLabels are the Ekman groups and single emotions that pass their
// thresholds, groups first. A group is as probable as its likeliest member.
func emotionLabels(p, thresholds []float64) []event.Label {
	names := Emotions()
	if len(p) != len(names) || len(thresholds) != len(names) {
		return nil
	}
	var groups, single []event.Label
	for i, name := range names {
		group := EkmanGroup(name)
		if p[i] < thresholds[i] || group == "neutral" {
			continue
		}
		if matter(name) {
			single = append(single, event.Label{Name: name, Probability: p[i]})
			continue
		}
		at := slices.IndexFunc(groups, func(l event.Label) bool { return l.Name == group })
		if at < 0 {
			groups = append(groups, event.Label{Name: group, Probability: p[i]})
		} else {
			groups[at].Probability = max(groups[at].Probability, p[i])
		}
		if name != group {
			single = append(single, event.Label{Name: name, Probability: p[i]})
		}
	}
	likelier := func(a, b event.Label) int {
		switch {
		case a.Probability > b.Probability:
			return -1
		case a.Probability < b.Probability:
			return 1
		}
		return 0
	}
	slices.SortStableFunc(groups, likelier)
	slices.SortStableFunc(single, likelier)
	all := append(groups, single...)
	return all[:min(len(all), emotionsAtMost)]
}
