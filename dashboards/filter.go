package dashboards

import (
	"net/url"
	"slices"
	"strings"

	"throughline/event"
	"throughline/problem"
)

// Filter says which events somebody wants. Empty fields want all.
type Filter struct {
	Topics      []string      `json:"topics,omitempty"`
	Interaction string        `json:"interaction,omitempty"`
	Customer    string        `json:"customer,omitempty"`
	Channel     event.Channel `json:"channel,omitempty"`
	Agent       string        `json:"agent,omitempty"` // events of the interactions that this agent has
	Queue       string        `json:"queue,omitempty"` // events of the interactions in this queue
}

// channels lists the channels there are.
func channels() []event.Channel {
	return []event.Channel{event.Voice, event.WhatsApp, event.WebChat, event.SMS, event.Email}
}

// filterOf reads a Filter from the query of a request. Topics may be repeated
// or separated by commas.
func filterOf(q url.Values) (Filter, error) {
	f := Filter{
		Interaction: q.Get("interaction"), Customer: q.Get("customer"),
		Channel: event.Channel(q.Get("channel")), Agent: q.Get("agent"), Queue: q.Get("queue"),
	}
	for _, list := range q["topics"] {
		for name := range strings.SplitSeq(list, ",") {
			if name = strings.TrimSpace(name); name != "" {
				f.Topics = append(f.Topics, name)
			}
		}
	}
	if wrong := f.check("?"); len(wrong) > 0 {
		return Filter{}, problem.Invalid(wrong...)
	}
	return f, nil
}

// check names what is wrong with f; prefix stands before each name.
func (f Filter) check(prefix string) []problem.Field {
	var wrong []problem.Field
	names := make([]string, 0, topicCount)
	for _, t := range Topics() {
		names = append(names, t.Name)
	}
	names = append(names, ContextEvent)
	for _, t := range f.Topics {
		if !slices.Contains(names, t) {
			wrong = append(wrong, problem.Field{Pointer: prefix + "topics", Detail: "may hold " + strings.Join(names, ", ")})
			break
		}
	}
	if f.Channel != "" && !slices.Contains(channels(), f.Channel) {
		wrong = append(wrong, problem.Field{Pointer: prefix + "channel", Detail: channelFix})
	}
	for name, value := range map[string]string{"interaction": f.Interaction, "customer": f.Customer, "agent": f.Agent, "queue": f.Queue} {
		if len(value) > 200 {
			wrong = append(wrong, problem.Field{Pointer: prefix + name, Detail: "must have at most 200 bytes"})
		}
	}
	return wrong
}

const channelFix = "must be voice, whatsapp, webchat, sms or email"

// wants tells whether f lets e through. Where e has no such property (feedback
// belongs to a suggestion, not to a channel), a filter on it keeps e out.
func (f Filter) wants(e *Event) bool {
	return (len(f.Topics) == 0 || slices.Contains(f.Topics, e.Topic)) &&
		(f.Customer == "" || f.Customer == e.customer || slices.Contains(e.merged, f.Customer)) &&
		(f.Interaction == "" || slices.Contains(e.interactions, f.Interaction)) &&
		(f.Channel == "" || slices.Contains(e.channels, f.Channel)) &&
		(f.Queue == "" || slices.Contains(e.queues, f.Queue)) &&
		(f.Agent == "" || slices.Contains(e.agents, f.Agent))
}
