package dashboards

import (
	"encoding/json"
	"slices"
	"time"

	"throughline/event"
)

// ContextEvent is what the stream calls the context of a customer that it sends
// the moment an interaction starts. It is made here, lies on no topic, and comes
// to those who ask for it by name.
const ContextEvent = "context"

// pushWithin is how old an event may be for somebody to be told of it at once: a
// hub that starts reads old ones.
const pushWithin = time.Minute

// push makes the context that e is a reason to send: an interaction of the
// customer starts, or gets an agent, or advice on it comes before the first word.
// It gives nil where e is none.
func (l *live) push(e *Event, now time.Time) *Event {
	if e.about == "" {
		return nil
	}
	customer := l.customer(e.customer)
	j := l.journeys.get(customer)
	if j == nil || j.Tenant != e.tenant {
		return nil
	}
	k := slices.IndexFunc(j.Interactions, func(i journeyTalk) bool { return i.ID == e.about })
	if k < 0 {
		return nil
	}
	if e.at.topic == suggestionsTopic {
		if t := l.interactions[e.about]; t != nil && t.Turns > 0 {
			return nil // they are talking already
		}
	}
	var whole event.Journey
	if json.Unmarshal(j.data, &whole) != nil {
		return nil // it was checked when it came
	}
	alerts, suggestions := l.adviceFor(e.tenant, customer, now)
	c := contextOf(whole, since(whole.Since, alerts), since(whole.Since, suggestions))
	c.Interaction, c.Channel = e.about, j.Interactions[k].Channel
	data, err := json.Marshal(c)
	if err != nil {
		return nil
	}
	p := &Event{Topic: ContextEvent, Data: data, tenant: e.tenant, customer: customer, merged: j.Merged, interactions: []string{e.about},
		channels: []event.Channel{c.Channel}, agents: some(j.Interactions[k].Agent), queues: some(j.Interactions[k].Queue)}
	l.addAgents(p)
	p.frame = frameOf(ContextEvent, data)
	return p
}

// frameOf is an event without an id, in the form of the HTML standard, §9.2: the
// reader goes on to resume from the one before.
func frameOf(name string, data []byte) []byte {
	b := make([]byte, 0, len(name)+len(data)+20)
	b = append(append(b, "event: "...), name...)
	b = append(append(b, "\ndata: "...), data...)
	return append(b, "\n\n"...)
}

// dated is advice with its time.
type dated interface{ when() time.Time }

func (a Alert) when() time.Time      { return a.At }
func (s Suggestion) when() time.Time { return s.At }

// since leaves out what was advised before a handle passed to somebody else: it
// is not about them.
func since[T dated](at time.Time, all []T) []T {
	return slices.DeleteFunc(all, func(v T) bool { return v.when().Before(at) })
}
