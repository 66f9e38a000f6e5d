package journey

import (
	"context"
	"encoding/binary"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"throughline/event"
	"throughline/journey/score"
)

const (
	maxInteractions = 50  // of one journey; older ones are only in ClickHouse
	maxRecent       = 12  // turns that context shows
	maxIntents      = 20  // open and lately closed
	maxPast         = 10  // earlier journeys
	maxSeen         = 128 // ids remembered against redelivery
	maxExcerpt      = 160 // bytes of a turn that are kept for context
)

// Shard holds the journeys of one partition's customers. Its methods are called
// by one goroutine at a time.
type Shard struct {
	cfg      Config
	social   map[string]bool
	journeys map[string]*event.Journey // by customer
	due      dues
	scores   *score.Model // nil: journeys carry none
}

// NewShard makes an empty Shard.
func NewShard(cfg Config) *Shard {
	cfg = cfg.withDefaults()
	s := &Shard{cfg: cfg, social: map[string]bool{}, journeys: map[string]*event.Journey{}}
	for _, name := range cfg.Social {
		s.social[name] = true
	}
	return s
}

// Restore puts back a state read from the journeys topic; the last one wins.
func (s *Shard) Restore(customer string, j event.Journey, deleted bool) {
	if deleted {
		delete(s.journeys, customer)
		return
	}
	j.Cause = event.Cause{}
	s.journeys[customer] = &j
	s.watch(&j)
}

// Journey returns the state of a customer's journey, nil if there is none.
func (s *Shard) Journey(customer string) *event.Journey { return s.journeys[customer] }

// Turn applies a turn with its features.
func (s *Shard) Turn(_ context.Context, f event.Features) ([]event.Message, error) {
	t := f.Turn
	j := s.journeys[t.Customer]
	if j != nil && seen(j, f.ID) {
		return nil, nil
	}
	j = s.current(j, t.Tenant, t.Customer, t.At, t.Interaction)
	i := s.interaction(j, t.Interaction, t.Channel, t.At)
	i.Turns++
	i.Last = later(i.Last, t.At)
	if t.Role == event.Agent && t.Agent != "" {
		i.Agent = t.Agent
	}
	j.Turns++
	remember(j, f)
	if t.Role == event.Customer {
		i.Customer++
		i.Words += len(strings.Fields(f.Turn.Text))
		if upset(f) {
			i.Upset++
		}
		s.customerSaid(j, i, f)
	}
	if !t.Historic {
		j.State = stateAfter(j, t.Role)
	}
	return s.changed(j, t.At, event.Cause{Type: "turn", ID: t.ID, Features: &f}, f.ID), nil
}

// customerSaid takes a customer's turn into sentiment and intents.
func (s *Shard) customerSaid(j *event.Journey, i *event.InteractionState, f event.Features) {
	if f.Sentiment != nil {
		i.Sentiment = (i.Sentiment*float64(i.Scored) + 5*f.Sentiment.Score) / float64(i.Scored+1)
		i.Scored++
		i.LastScore = f.Sentiment.Score
		addPoint(j, f.Turn.At, *f.Sentiment)
		j.Sentiment = summarise(j.Curve, j.Opened, j.Updated)
	}
	for _, label := range f.Intents {
		if s.social[label.Name] {
			continue
		}
		k := slices.IndexFunc(j.Intents, func(o event.OpenIntent) bool { return o.Name == label.Name && o.Closed.IsZero() })
		if k >= 0 {
			o := &j.Intents[k]
			o.Mentions++
			o.Last = later(o.Last, f.Turn.At)
			o.Probability = max(o.Probability, label.Probability)
			continue
		}
		j.Intents = append(j.Intents, event.OpenIntent{Name: label.Name, Since: f.Turn.At, Last: f.Turn.At,
			Interaction: f.Turn.Interaction, Turn: f.Turn.ID, Probability: label.Probability, Mentions: 1})
		if over := len(j.Intents) - maxIntents; over > 0 {
			j.Intents = slices.Delete(j.Intents, 0, over)
		}
	}
	if solved(f) {
		for k := range j.Intents {
			if j.Intents[k].Closed.IsZero() {
				j.Intents[k].Closed = f.Turn.At
			}
		}
	}
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

// stateAfter tells who has the next word.
func stateAfter(j *event.Journey, by event.Role) event.JourneyState {
	switch by {
	case event.Customer:
		if len(j.Intents) > 0 && !slices.ContainsFunc(j.Intents, func(o event.OpenIntent) bool { return o.Closed.IsZero() }) {
			return event.JourneyResolved
		}
		return event.JourneyOpen
	case event.Agent, event.Bot:
		if j.State == event.JourneyOpen {
			return event.JourneyWaiting
		}
	}
	return j.State
}

// Change applies a change of an interaction.
func (s *Shard) Change(_ context.Context, c event.Interaction) ([]event.Message, error) {
	j := s.journeys[c.Customer]
	if j != nil && seen(j, c.ID) {
		return nil, nil
	}
	if j == nil && c.Change != event.Started {
		// The end of something that began before this journey was known, a
		// delivery notice of an unknown message: nothing to follow.
		if c.Change == event.Delivery || c.Change.Terminal() {
			return nil, nil
		}
	}
	j = s.current(j, c.Tenant, c.Customer, c.At, c.Interaction)
	if c.Handle != "" {
		j.Handle = c.Handle
	}
	if c.Name != "" {
		j.Name = c.Name
	}
	i := s.interaction(j, c.Interaction, c.Channel, c.At)
	i.Last = later(i.Last, c.At)
	apply(i, c)
	return s.changed(j, c.At, event.Cause{Type: "interaction", ID: c.ID, Interaction: c.Interaction, Change: c.Change}, c.ID), nil
}

func apply(i *event.InteractionState, c event.Interaction) {
	if c.Direction != "" {
		i.Direction = c.Direction
	}
	if c.Queue != "" {
		i.Queue = c.Queue
	}
	if c.Case != "" {
		i.Case = c.Case
	}
	if c.Agent != "" && (c.Role == event.Agent || c.Change == event.Transferred) {
		i.Agent = c.Agent
	}
	if c.Measures != nil {
		all := *c.Measures
		if i.Measures != nil {
			all = i.Measures.Merge(*c.Measures)
		}
		i.Measures = &all
	}
	switch {
	case c.Change == event.Started:
		i.Started = c.At
	case c.Change == event.Held:
		i.Held = true
		i.Holds++
	case c.Change == event.Transferred:
		i.Transfers++
	case c.Change == event.Resumed:
		i.Held = false
	case c.Change == event.Delivery:
		i.Delivered = further(i.Delivered, c.Status)
	case c.Change.Terminal():
		i.Ended, i.Outcome, i.Reason, i.Held = c.At, c.Change, c.Reason, false
	}
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

// current returns the journey that something at a moment belongs to: the one
// there is, or a new one when it was resolved, or silent for longer than Gap.
func (s *Shard) current(j *event.Journey, tenant, customer string, at time.Time, interaction string) *event.Journey {
	if j != nil {
		known := slices.ContainsFunc(j.Interactions, func(i event.InteractionState) bool { return i.ID == interaction })
		old := at.Sub(j.Updated) > s.cfg.Gap
		over := j.State == event.JourneyResolved && allEnded(j) && !at.Before(j.Updated)
		if known || !old && !over {
			return j
		}
	}
	fresh := &event.Journey{ID: event.ID("j", tenant, customer, interaction), Tenant: tenant, Customer: customer,
		State: event.JourneyOpen, Opened: at, Updated: at}
	if j != nil {
		fresh.Handle, fresh.Name, fresh.Tags = j.Handle, j.Name, nil
		fresh.Seen, fresh.Version = j.Seen, j.Version
		fresh.Past = append(slices.Clone(j.Past), past(j))
		if over := len(fresh.Past) - maxPast; over > 0 {
			fresh.Past = slices.Delete(fresh.Past, 0, over)
		}
	}
	s.journeys[customer] = fresh
	return fresh
}

func past(j *event.Journey) event.PastJourney {
	p := event.PastJourney{ID: j.ID, Opened: j.Opened, Closed: j.Updated, Sentiment: j.Sentiment.Overall}
	for _, o := range j.Intents {
		p.Intents = append(p.Intents, o.Name)
	}
	return p
}

func allEnded(j *event.Journey) bool {
	return !slices.ContainsFunc(j.Interactions, func(i event.InteractionState) bool { return i.Ended.IsZero() })
}

// interaction returns the state of an interaction of j, added when new, with
// the reason why it belongs there.
func (s *Shard) interaction(j *event.Journey, id string, channel event.Channel, at time.Time) *event.InteractionState {
	if k := slices.IndexFunc(j.Interactions, func(i event.InteractionState) bool { return i.ID == id }); k >= 0 {
		return &j.Interactions[k]
	}
	why := "first interaction of the journey"
	if n := len(j.Interactions); n > 0 {
		before := j.Interactions[n-1]
		why = "same customer, " + at.Sub(before.Last).Round(time.Second).String() + " after " + string(before.Channel)
	}
	j.Interactions = append(j.Interactions, event.InteractionState{ID: id, Channel: channel, Started: at, Last: at, Joined: why})
	if over := len(j.Interactions) - maxInteractions; over > 0 {
		j.Interactions = slices.Delete(j.Interactions, 0, over)
	}
	return &j.Interactions[len(j.Interactions)-1]
}

// remember keeps the turn for context, in the order in which turns were said.
func remember(j *event.Journey, f event.Features) {
	t := f.Turn
	d := event.TurnDigest{ID: t.ID, Interaction: t.Interaction, Channel: t.Channel, Role: t.Role, At: t.At, Text: excerpt(t.Text)}
	if f.Sentiment != nil {
		score := f.Sentiment.Score
		d.Score = &score
	}
	if len(f.Intents) > 0 {
		d.Intent = f.Intents[0].Name
	}
	k, _ := slices.BinarySearchFunc(j.Recent, t.At, func(d event.TurnDigest, at time.Time) int {
		if d.At.After(at) {
			return 1
		}
		return -1 // equal times keep the order of arrival
	})
	j.Recent = slices.Insert(j.Recent, k, d)
	if over := len(j.Recent) - maxRecent; over > 0 {
		j.Recent = slices.Delete(j.Recent, 0, over)
	}
}

// excerpt cuts text at a character's start.
func excerpt(text string) string {
	if len(text) <= maxExcerpt {
		return text
	}
	cut := maxExcerpt
	for cut > 0 && text[cut]&0xC0 == 0x80 {
		cut--
	}
	return text[:cut] + "…"
}

// changed notes the change and gives the state to publish. The published value
// is a copy: the shard goes on changing its own.
func (s *Shard) changed(j *event.Journey, at time.Time, cause event.Cause, id string) []event.Message {
	j.Version++
	j.Updated = later(j.Updated, at)
	mark(j, id)
	s.watch(j)
	if s.scores != nil {
		j.Scores = s.scores.Score(j)
	}
	out := *j
	out.Cause = cause
	out.Interactions, out.Intents, out.Recent = slices.Clone(j.Interactions), slices.Clone(j.Intents), slices.Clone(j.Recent)
	out.Curve, out.Seen = slices.Clone(j.Curve), slices.Clone(j.Seen)
	return []event.Message{event.Journeys().Message(out)}
}

// Tick resolves journeys that have been silent for long enough.
func (s *Shard) Tick(_ context.Context, now time.Time) ([]event.Message, error) {
	var msgs []event.Message
	for _, customer := range s.due.take(now) {
		j := s.journeys[customer]
		if j == nil || j.State == event.JourneyResolved {
			continue
		}
		if when, ok := s.resolves(j); !ok || when.After(now) {
			s.watch(j)
			continue
		}
		j.State = event.JourneyResolved
		id := event.ID("r", j.ID, j.Updated.Format(time.RFC3339Nano))
		msgs = append(msgs, s.changed(j, j.Updated, event.Cause{Type: "time", ID: id}, id)...)
	}
	return msgs, nil
}

// resolves tells when j is over if nothing more happens.
func (s *Shard) resolves(j *event.Journey) (time.Time, bool) {
	if j.State == event.JourneyResolved || !allEnded(j) {
		return time.Time{}, false
	}
	return j.Updated.Add(s.cfg.ResolveAfter), true
}

func (s *Shard) watch(j *event.Journey) {
	if when, ok := s.resolves(j); ok {
		s.due.add(when, j.Customer)
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func hash(id string) [8]byte {
	h := fnv.New64a()
	h.Write([]byte(id))
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], h.Sum64())
	return b
}

func seen(j *event.Journey, id string) bool {
	h := hash(id)
	for k := 0; k+8 <= len(j.Seen); k += 8 {
		if [8]byte(j.Seen[k:k+8]) == h {
			return true
		}
	}
	return false
}

func mark(j *event.Journey, id string) {
	h := hash(id)
	j.Seen = append(j.Seen, h[:]...)
	if over := len(j.Seen) - 8*maxSeen; over > 0 {
		j.Seen = slices.Delete(j.Seen, 0, over)
	}
}
