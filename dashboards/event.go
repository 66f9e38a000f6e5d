package dashboards

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"

	"throughline/event"
)

// Event is one event of the stream.
type Event struct {
	Topic string
	ID    string          // position after it
	Data  json.RawMessage // as it lies on the topic, in one line

	at           place
	id           string // of what happened; "" where several events rightly share one
	frame        []byte // for SSE, ID included; nil where ID is the reader's own
	tenant       string
	customer     string
	merged       []string
	interactions []string
	channels     []event.Channel
	agents       []string
	queues       []string
	when         time.Time // when it happened; zero where nobody asks
	replaces     string    // of a partial: the turn that it shows growing
	about        string    // the interaction that starts, or is advised on: a reason to push the customer's context
	pushed       *Event    // that context
}

// silent tells that e is nothing to deliver: a tombstone or a repeat only moves
// the position.
func (e *Event) silent() bool { return e.Data == nil }

// oneLine makes raw fit one data line of SSE. JSON needs no line breaks, and
// ours has none; other producers may write them.
func oneLine(raw []byte) []byte {
	if bytes.ContainsAny(raw, "\r\n") {
		var b bytes.Buffer
		if json.Compact(&b, raw) == nil {
			return b.Bytes()
		}
	}
	return raw
}

// seal gives e its id and the frame that all who see it under that id share.
func (e *Event) seal(after Position) {
	e.ID = after.String()
	if e.silent() {
		return
	}
	e.frame = frame(e.Topic, e.ID, e.Data)
	end := len(e.frame) - len("\n\n")
	e.Data = e.frame[end-len(e.Data) : end : end] // once in memory is enough
}

// sealed is e under an id of the reader's own.
func (e *Event) sealed(after Position) *Event {
	own := *e
	own.ID, own.frame = after.String(), nil
	return &own
}

// frame is an event in the form of the HTML standard, §9.2.
func frame(name, id string, data []byte) []byte {
	b := make([]byte, 0, len(name)+len(id)+len(data)+24)
	b = append(append(b, "event: "...), name...)
	b = append(append(b, "\nid: "...), id...)
	b = append(append(b, "\ndata: "...), data...)
	return append(b, "\n\n"...)
}

func eventOfInteraction(i event.Interaction) Event {
	return Event{id: i.ID, tenant: i.Tenant, customer: i.Customer, interactions: []string{i.Interaction}, channels: []event.Channel{i.Channel}, agents: some(i.Agent), queues: some(i.Queue), when: i.At}
}

func eventOfTurn(t event.Turn) Event {
	return Event{tenant: t.Tenant, customer: t.Customer, interactions: []string{t.Interaction}, channels: []event.Channel{t.Channel}, agents: some(t.Agent), when: t.At}
}

func eventOfPartial(t event.Turn) Event {
	e := eventOfTurn(t)
	e.replaces = t.ID
	return e
}

func eventOfFeatures(f event.Features) Event {
	e := eventOfTurn(f.Turn)
	e.id = f.ID
	return e
}

func eventOfJourney(j journeyHead) Event {
	e := Event{tenant: j.Tenant, customer: j.Customer, merged: j.Merged, when: j.Updated}
	if c := j.Cause; j.Into == "" && j.Within == "" && c.Type == "interaction" && slices.Contains([]event.Change{event.Started, event.Joined, event.Transferred}, c.Change) {
		e.about = c.Interaction
	}
	for _, i := range j.Interactions {
		e.interactions = append(e.interactions, i.ID)
		e.channels = append(e.channels, i.Channel)
		e.agents = append(e.agents, some(i.Agent)...)
		e.queues = append(e.queues, some(i.Queue)...)
	}
	return e
}

func eventOfAlert(a event.Alert) Event {
	return Event{id: a.ID, tenant: a.Tenant, customer: a.Customer, interactions: some(a.Interaction), channels: []event.Channel{a.Channel}, when: a.At}
}

func eventOfSuggestion(s event.Suggestion) Event {
	return Event{id: s.ID, tenant: s.Tenant, customer: s.Customer, interactions: some(s.Interaction), channels: []event.Channel{s.Channel}, agents: some(s.Agent), when: s.At, about: s.Interaction}
}

func eventOfFeedback(f event.Feedback) Event {
	return Event{id: f.ID, tenant: f.Tenant, customer: f.Customer, agents: some(f.Agent)}
}

func some(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}
