package webrtc

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"throughline/event"
	"throughline/ingest/calls"
	"throughline/problem"
)

// headerPrefix makes a parameter a header: Throughline-Customer. Headers win, and
// keep what they say out of the logs of proxies, which hold URLs.
const headerPrefix = "Throughline-"

// maxParameter bounds what a parameter may hold, in bytes.
const maxParameter = 256

// ask is what a publisher wants its session to be part of.
type ask struct {
	interaction string // of a call that is going on; "": a new one
	desc        calls.Description
	legs        []calls.LegOptions
}

// readAsk reads the parameters of a POST: query or headers.
func readAsk(r *http.Request, tenant string) (ask, error) {
	var fields []problem.Field
	query := r.URL.Query()
	get := func(name string) string {
		v := r.Header.Get(headerPrefix + name)
		if v == "" {
			v = strings.Join(query[name], ",")
		}
		if len(v) > maxParameter {
			fields = append(fields, problem.Field{Pointer: "#/" + name, Detail: fmt.Sprintf("has more than %d bytes", maxParameter)})
			return ""
		}
		return strings.TrimSpace(v)
	}
	a := ask{interaction: get("interaction"), desc: calls.Description{Tenant: tenant, Source: "webrtc", ID: get("call"),
		Direction: get("direction"), Account: get("account"), Queue: get("queue"), Case: get("case")}}
	wrong := func(name, detail string) {
		fields = append(fields, problem.Field{Pointer: "#/" + name, Detail: detail})
	}
	if a.interaction != "" && a.desc.ID != "" {
		wrong("interaction", "may not stand beside call: both name the call")
	}
	switch a.desc.Direction {
	case "", "inbound", "outbound":
	default:
		wrong("direction", "must be inbound or outbound")
	}
	if c := get("customer"); c != "" {
		if a.desc.Customer = customer(c); a.desc.Customer.Value == "" {
			wrong("customer", "must be a phone number with its country code, or kind:value with the kind phone, whatsapp_id, mail, crm or visitor")
		}
	}
	agent := get("agent")
	if roles := get("role"); roles != "" {
		for name := range strings.SplitSeq(roles, ",") {
			leg := calls.LegOptions{Role: event.Role(strings.TrimSpace(name)), Attrs: map[string]string{"role_by": "publisher"}}
			switch leg.Role {
			case event.Agent:
				leg.Agent, a.desc.Agent = agent, agent
			case event.Customer, event.Bot, event.UnknownRole:
			default:
				wrong("role", "must be customer, agent or bot, one for each m=audio line, separated by commas")
			}
			a.legs = append(a.legs, leg)
		}
	}
	if len(a.legs) > maxAudio {
		wrong("role", fmt.Sprintf("has more than %d values", maxAudio))
	}
	if len(fields) > 0 {
		return ask{}, problem.Invalid(fields...)
	}
	return a, nil
}

// customer reads "kind:value", or an address as platforms write it.
func customer(s string) event.Handle {
	kind, value, ok := strings.Cut(s, ":")
	if ok {
		h := event.Handle{Kind: event.HandleKind(kind), Value: value}
		switch h.Kind {
		case event.WhatsAppID, event.Mail, event.CRM, event.Visitor:
			if h.Canonical().Value == "" {
				return event.Handle{}
			}
			return h
		case event.Phone:
			s = value
		}
	}
	return calls.Caller(s)
}

// begin begins the call, or joins the one that is going on.
func (s *Server) begin(ctx context.Context, a ask, session string) (*calls.Call, error) {
	if a.interaction == "" {
		if a.desc.ID == "" {
			a.desc.ID = session
		}
		return begun(s.door.Begin(ctx, a.desc))
	}
	unknown := problem.New(http.StatusNotFound, "No call with this interaction is going on here.")
	if c, ok := s.door.Find(a.interaction); !ok || c.Tenant() != a.desc.Tenant {
		return nil, unknown
	}
	c, ok := s.door.Join(a.interaction)
	if !ok {
		return nil, unknown
	}
	return c, nil
}
