package journey

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"throughline/event"
)

// The bounds of what is noted of one interaction.
const (
	maxWants   = 24
	maxThanks  = 8
	maxFacts   = 32 // asked and given
	maxPromise = 12
	maxTook    = 24
	maxAnswers = 16
)

// talkOf finds or adds an interaction of p; they stand in the order in which
// they began, whatever the order in which they are heard of.
func talkOf(p *event.Part, id string, channel event.Channel, at time.Time) *event.InteractionState {
	k := indexOf(p.Interactions, id)
	if k < 0 {
		p.Interactions = append(p.Interactions, event.InteractionState{ID: id, Channel: channel, Started: at, Last: at})
		k = len(p.Interactions) - 1
	}
	i := &p.Interactions[k]
	i.Last = later(i.Last, at)
	if at.Before(i.Started) {
		i.Started = at
	}
	if slices.IsSortedFunc(p.Interactions, byStart) {
		return i
	}
	slices.SortFunc(p.Interactions, byStart)
	return &p.Interactions[indexOf(p.Interactions, id)]
}

func indexOf(talks []event.InteractionState, id string) int {
	return slices.IndexFunc(talks, func(i event.InteractionState) bool { return i.ID == id })
}

func byStart(a, b event.InteractionState) int {
	return cmp.Or(a.Started.Compare(b.Started), cmp.Compare(a.ID, b.ID))
}

// basisOf is a copy of an interaction's Basis: states that were handed out hold the
// one before a change.
func basisOf(i *event.InteractionState) event.Basis {
	if i.Basis == nil {
		return event.Basis{}
	}
	return *i.Basis
}

// note takes a turn into what is known of its interaction.
func note(i *event.InteractionState, f event.Features, social map[string]bool) {
	t := f.Turn
	b := basisOf(i)
	i.Turns++
	switch t.Role {
	case event.Customer:
		i.Customer++
		i.Words += len(strings.Fields(t.Text))
		if upset(f) {
			i.Upset++
		}
		if f.Sentiment != nil {
			b.Points = shorten(insert(b.Points, pointOf(middle(t), *f.Sentiment), earlier), maxTalkPoints)
			sum, n := 0.0, 0
			for _, p := range b.Points {
				sum, n = sum+p.Sum, n+p.N
			}
			last := b.Points[len(b.Points)-1]
			i.Sentiment, i.Scored, i.LastScore = 5*sum/float64(n), n, last.Sum/float64(last.N)
		}
		for _, label := range f.Intents {
			if !social[label.Name] {
				b.Wants = want(b.Wants, b.Thanks, label, t)
			}
		}
		if solved(f) {
			b.Thanks = first(insert(b.Thanks, t.At, time.Time.Compare), maxThanks)
		}
	case event.Agent, event.Bot:
		if t.Role == event.Agent {
			assign(i, &b, t.Agent, t.At)
		}
		b.Answers = first(insert(b.Answers, t.At, time.Time.Compare), maxAnswers)
		b.Took = took(b.Took, t)
	}
	for _, fact := range facts(f) {
		b.Facts = fewer(insert(b.Facts, fact, byTime))
	}
	if !t.Historic {
		if t.Role == event.Customer {
			b.Customer = later(b.Customer, t.At)
		} else if t.Role == event.Agent || t.Role == event.Bot {
			b.Centre = later(b.Centre, t.At)
		}
	}
	i.Basis = &b
}

// insert gives a copy of list with v in its place, after what is equal.
func insert[T any](list []T, v T, compare func(a, b T) int) []T {
	k := len(list)
	for k > 0 && compare(list[k-1], v) > 0 {
		k--
	}
	out := make([]T, 0, len(list)+1)
	return append(append(append(out, list[:k]...), v), list[k:]...)
}

func first[T any](list []T, n int) []T { return list[:min(n, len(list))] }

// assign gives i to an agent from a moment on. What an agent said before somebody
// else took over is often understood after that.
func assign(i *event.InteractionState, b *event.Basis, agent string, at time.Time) {
	if agent != "" && !at.Before(b.Assigned) {
		i.Agent, b.Assigned = agent, at
	}
}

// fewer drops what is too much: the latest that was asked or given, and the
// earliest promise, since a call may be long and ends with what will be done.
func fewer(facts []event.Fact) []event.Fact {
	extra, others := -maxPromise, 0
	for _, f := range facts {
		if f.Kind == promised {
			extra++
		}
	}
	return slices.DeleteFunc(facts, func(f event.Fact) bool {
		if f.Kind == promised {
			extra--
			return extra >= 0
		}
		others++
		return others > maxFacts
	})
}

func byTime(a, b event.Fact) int {
	return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Turn, b.Turn), cmp.Compare(a.About, b.About))
}

// want counts an intent into the neighbouring mentions of its name. Mentions
// with thanks between them are not neighbours: what was solved and comes again
// is wanted anew.
func want(wants []event.Want, thanks []time.Time, label event.Label, t event.Turn) []event.Want {
	for k, w := range wants {
		if w.Name != label.Name || thankedBetween(thanks, w, t.At) {
			continue
		}
		wants = slices.Clone(wants)
		w.Mentions++
		w.Probability = max(w.Probability, label.Probability)
		w.Last = later(w.Last, t.At)
		if t.At.Before(w.First) {
			w.First, w.Turn = t.At, t.ID
		}
		wants[k] = w
		slices.SortFunc(wants, byFirst)
		return wants
	}
	return first(insert(wants, event.Want{Name: label.Name, First: t.At, Last: t.At, Turn: t.ID, Probability: label.Probability, Mentions: 1}, byFirst), maxWants)
}

func byFirst(a, b event.Want) int {
	return cmp.Or(a.First.Compare(b.First), cmp.Compare(a.Name, b.Name))
}

func thankedBetween(thanks []time.Time, w event.Want, at time.Time) bool {
	return slices.ContainsFunc(thanks, func(s time.Time) bool {
		return !s.Before(w.Last) && s.Before(at) || !s.Before(at) && s.Before(w.First)
	})
}

// solved tells whether the customer thanks, and means it.
func solved(f event.Features) bool {
	return len(f.Intents) > 0 && f.Intents[0].Name == "thanks" && f.Sentiment != nil && f.Sentiment.Score >= 0.3
}

// upset tells whether a turn reads as anger or disgust more than not.
func upset(f event.Features) bool {
	return slices.ContainsFunc(f.Emotions, func(l event.Label) bool {
		return (l.Name == "anger" || l.Name == "disgust") && l.Probability >= 0.5
	})
}

// apply takes a change in the life of an interaction. Of queues, agents and holds
// the last one by its own time counts, whatever came first.
func apply(i *event.InteractionState, c event.Interaction) {
	b := basisOf(i)
	if c.Direction != "" {
		i.Direction = c.Direction
	}
	if c.Queue != "" && !c.At.Before(b.Queued) {
		i.Queue, b.Queued = c.Queue, c.At
	}
	if c.Case != "" {
		i.Case = c.Case
	}
	if c.Role == event.Agent || c.Change == event.Transferred || c.Change == event.Started {
		assign(i, &b, c.Agent, c.At)
	}
	if c.Measures != nil {
		all := *c.Measures
		if i.Measures != nil {
			all = i.Measures.Merge(*c.Measures)
		}
		i.Measures = &all
	}
	if (c.Change == event.Held || c.Change == event.Resumed) && !c.At.Before(b.Paused) {
		i.Held, b.Paused = c.Change == event.Held && i.Ended.IsZero(), c.At
	}
	switch {
	case c.Change == event.Held:
		i.Holds++
	case c.Change == event.Transferred:
		i.Transfers++
	case c.Change == event.Delivery:
		i.Delivered = further(i.Delivered, c.Status)
	case c.Change.Terminal():
		i.Ended, i.Outcome, i.Reason, i.Held = c.At, c.Change, c.Reason, false
	}
	i.Basis = &b
}

// further keeps the more advanced status: notices come in any order, and
// "delivered" may be skipped.
func further(a, b string) string {
	rank := []string{"", "sent", "delivered", "read", "played", "failed"}
	if slices.Index(rank, b) > slices.Index(rank, a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
