package dashboards

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"throughline/event"
)

// The bounds of what is live, beside HubConfig.Interactions.
const (
	maxTurns       = 20_000 // over all interactions
	maxAlerts      = 1_000
	maxSuggestions = 5_000
	maxJourneys    = 5_000
	maxHops        = 8 // merges from one customer to the next
)

// live is the state that the screen shows, made of events alone, so that the
// same events make the same state in any process. The hub guards it.
type live struct {
	limit        int
	interactions map[string]*talk
	turns        []*heard // oldest first over all interactions
	alerts       bounded[Alert]
	suggestions  bounded[Suggestion]
	journeys     bounded[journeyNow]
	merged       map[string]string // customer → the one it became
	pulses       map[string]*pulse // by tenant
}

// talk is a live interaction with what is not shown in lists.
type talk struct {
	Interaction
	tenant string
	turns  []*heard // by time
	known  map[string]bool
}

// heard is an analysed turn that is held live.
type heard struct {
	interaction string
	id          string
	at          time.Time
	data        json.RawMessage
}

// Alert is an alarm and what became of it.
type Alert struct {
	event.Alert
	Acknowledged time.Time `json:"acknowledged,omitzero"`
	By           string    `json:"acknowledged_by,omitempty"`
	feedback     *event.Feedback
}

// Suggestion is advice and the last that was said of it.
type Suggestion struct {
	event.Suggestion
	Feedback *event.Feedback `json:"feedback,omitempty"`
}

// journeyNow is the latest state of a customer's journey, as it lies on the topic.
type journeyNow struct {
	journeyHead
	data json.RawMessage
}

func newLive(limit int) *live {
	return &live{
		limit: limit, interactions: map[string]*talk{}, merged: map[string]string{}, pulses: map[string]*pulse{},
		alerts: newBounded[Alert](maxAlerts), suggestions: newBounded[Suggestion](maxSuggestions), journeys: newBounded[journeyNow](maxJourneys),
	}
}

// talkOf finds or begins an interaction.
func (l *live) talkOf(tenant, id, customer string, channel event.Channel) *talk {
	t := l.interactions[id]
	if t == nil {
		t = &talk{tenant: tenant, known: map[string]bool{}, Interaction: Interaction{ID: id, Customer: customer, Channel: channel, State: StateOpen, Live: true}}
		l.interactions[id] = t
		l.alerts.each(func(_ string, a *Alert) {
			if a.Interaction == id {
				t.alarm(a, 1)
			}
		})
		if j := l.journeys.get(l.customer(customer)); j != nil && slices.ContainsFunc(j.Interactions, func(i journeyTalk) bool { return i.ID == id }) {
			t.Name = j.Name
		}
		l.shrink()
	}
	return t
}

// shrink lets go of the interactions that are longest silent, a quarter of the
// limit at a time; they are in the store.
func (l *live) shrink() {
	if len(l.interactions) <= l.limit+l.limit/4 {
		return
	}
	all := make([]*talk, 0, len(l.interactions))
	for _, t := range l.interactions {
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b *talk) int { return b.Last.Compare(a.Last) })
	for _, t := range all[l.limit:] {
		delete(l.interactions, t.ID)
	}
}

func (l *live) interaction(c event.Interaction, _ *Event) {
	l.talkOf(c.Tenant, c.Interaction, c.Customer, c.Channel).change(c)
}

func (l *live) features(f event.Features, e *Event) {
	t := l.talkOf(f.Turn.Tenant, f.Turn.Interaction, f.Turn.Customer, f.Turn.Channel)
	if t.known[f.Turn.ID] {
		return // a redelivery
	}
	t.known[f.Turn.ID] = true
	t.turn(f)
	h := &heard{interaction: t.ID, id: f.Turn.ID, at: f.Turn.At, data: e.Data}
	n := len(t.turns)
	for n > 0 && t.turns[n-1].at.After(h.at) {
		n--
	}
	t.turns = slices.Insert(t.turns, n, h)
	l.turns = append(l.turns, h)
	if len(l.turns) > maxTurns {
		l.dropTurns(maxTurns / 10)
	}
	if !f.Turn.Historic {
		l.pulse(f.Turn.Tenant).beat(f)
	}
}

// dropTurns lets go of the n turns that came first.
func (l *live) dropTurns(n int) {
	gone := map[string]bool{}
	for _, h := range l.turns[:n] {
		gone[h.interaction] = true
	}
	old := make(map[*heard]bool, n)
	for _, h := range l.turns[:n] {
		old[h] = true
	}
	l.turns = append([]*heard(nil), l.turns[n:]...)
	for id := range gone {
		if t := l.interactions[id]; t != nil {
			t.turns = slices.DeleteFunc(slices.Clone(t.turns), func(h *heard) bool { return old[h] })
		}
	}
}

func (l *live) alert(a event.Alert, _ *Event) {
	if l.alerts.get(a.ID) != nil {
		return
	}
	kept := l.alerts.put(a.ID, Alert{Alert: a})
	if t := l.interactions[a.Interaction]; t != nil && t.tenant == a.Tenant {
		t.alarm(kept, 1)
	}
}

// alarm counts an alert among the open ones of t (by 1) or out of them (by −1).
func (t *talk) alarm(a *Alert, by int) {
	if !a.Action.Alarms() || !a.Acknowledged.IsZero() && by > 0 {
		return
	}
	t.Alerts += by
	if by > 0 && severityRank(a.Severity) > severityRank(t.Severity) {
		t.Severity = a.Severity
	}
	if t.Alerts == 0 {
		t.Severity = ""
	}
}

func severityRank(s event.Severity) int {
	return slices.Index([]event.Severity{"", event.Info, event.Warning, event.Critical}, s)
}

func (l *live) suggestion(s event.Suggestion, _ *Event) {
	if l.suggestions.get(s.ID) == nil {
		l.suggestions.put(s.ID, Suggestion{Suggestion: s})
	}
}

// acknowledged is the outcome that closes an alert.
const acknowledged = "acknowledged"

func (l *live) feedback(f event.Feedback, _ *Event) {
	if s := l.suggestions.get(f.Suggestion); s != nil && s.Tenant == f.Tenant {
		s.Feedback = &f
	}
	a := l.alerts.get(f.Suggestion)
	if a == nil || a.Tenant != f.Tenant {
		return
	}
	a.feedback = &f
	if f.Outcome == acknowledged && a.Acknowledged.IsZero() {
		a.Acknowledged, a.By = f.At, f.Agent
		if t := l.interactions[a.Interaction]; t != nil {
			t.alarm(a, -1)
		}
	}
}

func (l *live) journey(j journeyHead, e *Event) {
	l.journeys.drop(j.Customer) // the newest stand last
	if j.Into != "" {
		l.merged[j.Customer] = j.Into
		return
	}
	delete(l.merged, j.Customer)
	if j.Within == "" {
		l.journeys.put(j.Customer, journeyNow{journeyHead: j, data: e.Data})
	}
	for _, i := range j.Interactions { // a telephone gives no name, the journey has it
		if t := l.interactions[i.ID]; t != nil && t.Name == "" {
			t.Name = j.Name
		}
	}
	for _, m := range j.Merged {
		l.merged[m] = j.Customer
	}
	if len(l.merged) > 2*maxJourneys {
		l.merged = map[string]string{}
		l.journeys.each(func(customer string, j *journeyNow) {
			for _, m := range j.Merged {
				l.merged[m] = customer
			}
		})
	}
}

// forget removes a customer's journey, whose key was deleted.
func (l *live) forget(customer string) { l.journeys.drop(customer) }

// customer is who c is now.
func (l *live) customer(c string) string {
	for range maxHops {
		now, ok := l.merged[c]
		if !ok || l.journeys.get(c) != nil {
			break
		}
		c = now
	}
	return c
}

// addAgents names the agents who have the interactions that e is about, and the
// queues they are in: they want the customer's turns too.
func (l *live) addAgents(e *Event) {
	for _, id := range e.interactions {
		t := l.interactions[id]
		if t == nil {
			continue
		}
		if t.Agent != "" && !slices.Contains(e.agents, t.Agent) {
			e.agents = append(e.agents, t.Agent)
		}
		if t.Queue != "" && !slices.Contains(e.queues, t.Queue) {
			e.queues = append(e.queues, t.Queue)
		}
	}
}

// list copies the interactions of tenant that match, newest activity first.
func (l *live) list(tenant string, match func(*Interaction) bool) []Interaction {
	var all []Interaction
	for _, t := range l.interactions {
		if t.tenant == tenant && match(&t.Interaction) {
			all = append(all, t.copy())
		}
	}
	slices.SortFunc(all, newestFirst)
	return all
}

func newestFirst(a, b Interaction) int {
	return cmp.Or(b.Last.Compare(a.Last), cmp.Compare(a.ID, b.ID))
}

// copy is t for a reader that holds no lock.
func (t *talk) copy() Interaction {
	i := t.Interaction
	i.Intents = slices.Clone(i.Intents)
	return i
}
