package dashboards

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"throughline/event"
)

// journey answers with the latest state of one journey, as event.Journey.
func (s *Server) journey(w http.ResponseWriter, r *http.Request) error {
	if err := s.ready(r.Context()); err != nil {
		return err
	}
	data, err := s.journeyOf(r.Context(), s.tenant(r), r.PathValue("id"))
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, data)
}

// journeyOf is the latest state of a journey, from memory or from the store.
func (s *Server) journeyOf(ctx context.Context, tenant, id string) (json.RawMessage, error) {
	var data json.RawMessage
	s.hub.mu.RLock()
	s.hub.live.journeys.each(func(_ string, j *journeyNow) {
		if j.ID == id && j.Tenant == tenant {
			data = j.data
		}
	})
	s.hub.mu.RUnlock()
	if data == nil {
		var err error
		if data, err = s.storedJourney(ctx, QueryJourney, map[string]any{"tenant": tenant, "id": id}); err != nil {
			return nil, notFound("journey in memory", s.reached(err).Why)
		}
	}
	if data == nil {
		return nil, notFound("journey", "GET /v1/customers/{id}/context names the journey of a customer")
	}
	return data, nil
}

func (s *Server) storedJourney(ctx context.Context, query string, args map[string]any) (json.RawMessage, error) {
	rows, err := stored[struct {
		Document string `json:"document"`
	}](ctx, s, query, args)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return json.RawMessage(rows[0].Document), nil
}

// Context is what an agent must know of a customer at one look.
type Context struct {
	Customer string `json:"customer"`
	// Interaction is the one that a pushed context is for, and Channel its channel.
	Interaction string             `json:"interaction,omitempty"`
	Channel     event.Channel      `json:"channel,omitempty"`
	Handle      string             `json:"handle,omitempty"` // masked
	Name        string             `json:"name,omitempty"`
	Journey     string             `json:"journey"`
	State       event.JourneyState `json:"state"`
	Opened      time.Time          `json:"opened"`
	Updated     time.Time          `json:"updated"`

	Open         []event.OpenIntent       `json:"open"`         // what the customer wants and has not got
	Interactions []event.InteractionState `json:"interactions"` // of this journey, oldest first
	Sentiment    event.JourneySentiment   `json:"sentiment"`    // last, trend and the whole
	Scores       event.Scores             `json:"scores"`
	Recent       []event.TurnDigest       `json:"recent"`   // last turns, oldest first
	Promises     []event.Fact             `json:"promises"` // what the centre has promised
	Answered     []event.Fact             `json:"answered"` // what the customer need not be asked again
	Consent      map[string]bool          `json:"consent"`  // purpose → allowed
	Tags         []string                 `json:"tags"`
	Past         []event.PastJourney      `json:"past"` // earlier journeys

	Next        *Suggestion  `json:"next,omitempty"` // the best next step now
	Suggestions []Suggestion `json:"suggestions"`    // all that still hold, best first
	Alerts      []Alert      `json:"alerts"`         // open ones, newest first
}

func (s *Server) customerContext(w http.ResponseWriter, r *http.Request) error {
	if err := s.ready(r.Context()); err != nil {
		return err
	}
	tenant, id := s.tenant(r), r.PathValue("id")
	for range maxHops {
		c, now, err := s.contextNow(r.Context(), tenant, id)
		if err != nil {
			return err
		}
		if now == "" {
			return reply(w, http.StatusOK, c)
		}
		id = now
	}
	return notFound("customer", "it was merged in a ring: undo one of the merges with POST /v1/identities")
}

// contextNow gives the context of a customer, or who that customer is now.
func (s *Server) contextNow(ctx context.Context, tenant, id string) (c Context, now string, err error) {
	l := s.hub.live
	s.hub.mu.RLock()
	id = l.customer(id)
	var data json.RawMessage
	if j := l.journeys.get(id); j != nil && j.Tenant == tenant {
		data = j.data
	}
	alerts, suggestions := l.adviceFor(tenant, id, time.Now())
	s.hub.mu.RUnlock()
	if data == nil {
		if data, err = s.storedJourney(ctx, QueryCustomerJourney, map[string]any{"tenant": tenant, "customer": id}); err != nil {
			return c, "", notFound("customer in memory", s.reached(err).Why)
		}
		if data == nil {
			return c, "", notFound("customer", "a customer is known from the first turn on")
		}
	}
	var j event.Journey
	if err := json.Unmarshal(data, &j); err != nil {
		return c, "", err
	}
	return contextOf(j, since(j.Since, alerts), since(j.Since, suggestions)), j.Into, nil
}

func contextOf(j event.Journey, alerts []Alert, suggestions []Suggestion) Context {
	c := Context{
		Open: []event.OpenIntent{}, Promises: []event.Fact{}, Answered: []event.Fact{},
		Customer: j.Customer, Handle: j.Handle, Name: j.Name, Journey: j.ID, State: j.State, Opened: j.Opened, Updated: j.Updated,
		Interactions: orEmpty(j.Interactions), Sentiment: j.Sentiment, Scores: j.Scores, Recent: orEmpty(j.Recent), Consent: j.Opted, Tags: orEmpty(j.Tags), Past: orEmpty(j.Past),
		Suggestions: suggestions, Alerts: alerts,
	}
	for k := range c.Interactions {
		c.Interactions[k].Basis = nil // what figures are made of is for the journey stage
	}
	if c.Consent == nil {
		c.Consent = map[string]bool{}
	}
	for _, i := range j.Intents {
		if i.Closed.IsZero() {
			c.Open = append(c.Open, i)
		}
	}
	for _, f := range j.Facts {
		if f.Kind == "promised" {
			c.Promises = append(c.Promises, f)
		} else {
			c.Answered = append(c.Answered, f)
		}
	}
	if len(suggestions) > 0 {
		c.Next = &suggestions[0]
	}
	return c
}

// orEmpty lets a list be [] in JSON, never null.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// adviceFor is what holds for a customer now: open alerts, newest first, and
// suggestions that nobody has dismissed, best first.
func (l *live) adviceFor(tenant, customer string, now time.Time) (alerts []Alert, suggestions []Suggestion) {
	alerts, suggestions = []Alert{}, []Suggestion{}
	l.alerts.each(func(_ string, a *Alert) {
		if a.Tenant == tenant && l.customer(a.Customer) == customer && a.Action.Alarms() && a.Acknowledged.IsZero() {
			alerts = append(alerts, *a)
		}
	})
	l.suggestions.each(func(_ string, s *Suggestion) {
		dismissed := s.Feedback != nil && s.Feedback.Outcome == "dismissed"
		expired := !s.Expires.IsZero() && s.Expires.Before(now)
		if s.Tenant == tenant && l.customer(s.Customer) == customer && !dismissed && !expired {
			suggestions = append(suggestions, *s)
		}
	})
	slices.SortFunc(alerts, func(a, b Alert) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.ID, b.ID)) })
	slices.SortFunc(suggestions, func(a, b Suggestion) int {
		return cmp.Or(cmp.Compare(b.Rank, a.Rank), b.At.Compare(a.At), cmp.Compare(a.ID, b.ID))
	})
	if len(suggestions) > 20 {
		suggestions = suggestions[:20]
	}
	return alerts, suggestions
}
