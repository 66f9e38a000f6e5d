package dashboards

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"time"

	"throughline/event"
	"throughline/problem"
)

// Said is the body of a feedback.
type Said struct {
	Agent       string `json:"agent"`       // who says it
	Displayed   bool   `json:"displayed"`   // it was shown
	Clicked     bool   `json:"clicked"`     // it was used
	Correctness string `json:"correctness"` // NOT, PARTIALLY, FULLY or empty
	Outcome     string `json:"outcome"`     // accepted, edited, dismissed, acknowledged or empty
}

func (s *Server) feedback(w http.ResponseWriter, r *http.Request) error {
	var said Said
	if err := body(r, &said); err != nil {
		return err
	}
	return s.say(w, r, said)
}

func (s *Server) acknowledge(w http.ResponseWriter, r *http.Request) error {
	var who struct {
		Agent string `json:"agent"`
	}
	if err := body(r, &who); err != nil {
		return err
	}
	return s.say(w, r, Said{Agent: who.Agent, Displayed: true, Outcome: acknowledged})
}

func (f Said) check() error {
	var wrong []problem.Field
	if !slices.Contains([]string{"", "NOT", "PARTIALLY", "FULLY"}, f.Correctness) {
		wrong = append(wrong, problem.Field{Pointer: "#/correctness", Detail: "must be NOT, PARTIALLY or FULLY"})
	}
	if !slices.Contains([]string{"", "accepted", "edited", "dismissed", acknowledged}, f.Outcome) {
		wrong = append(wrong, problem.Field{Pointer: "#/outcome", Detail: "must be accepted, edited, dismissed or acknowledged"})
	}
	if len(f.Agent) > 200 {
		wrong = append(wrong, problem.Field{Pointer: "#/agent", Detail: "must have at most 200 bytes"})
	}
	if f == (Said{Agent: f.Agent}) {
		wrong = append(wrong, problem.Field{Pointer: "#", Detail: "must say displayed, clicked, correctness or outcome"})
	}
	if len(wrong) > 0 {
		return problem.Invalid(wrong...)
	}
	return nil
}

// say publishes what was said of a suggestion or alert. Saying the same again
// publishes nothing.
func (s *Server) say(w http.ResponseWriter, r *http.Request, said Said) error {
	if err := said.check(); err != nil {
		return err
	}
	if err := s.ready(r.Context()); err != nil {
		return err
	}
	if said.Agent == "" {
		said.Agent = s.cfg.Actor(r.Context())
	}
	id, tenant := r.PathValue("id"), s.tenant(r)
	customer, before, err := s.advised(r, tenant, id)
	if err != nil {
		return err
	}
	f := event.Feedback{
		Tenant: tenant, Customer: customer, Suggestion: id, Agent: said.Agent, At: time.Now().UTC(),
		Displayed: said.Displayed, Clicked: said.Clicked, Correctness: said.Correctness, Outcome: said.Outcome,
	}
	if before != nil && said == (Said{before.Agent, before.Displayed, before.Clicked, before.Correctness, before.Outcome}) {
		return reply(w, http.StatusOK, before)
	}
	// The id is made of what is said and of what was said before: a repeated
	// request is one event, a change of mind is another.
	last := ""
	if before != nil {
		last = before.ID
	}
	content, err := json.Marshal(said)
	if err != nil {
		return err
	}
	f.ID = event.ID("fb", tenant, id, string(content), last)
	if err := s.cfg.Publisher.Publish(r.Context(), event.Feedbacks().Message(f)); err != nil {
		return problem.Unavailable(2*time.Second, "It could not be stored now; send it again.", err)
	}
	return reply(w, http.StatusCreated, f)
}

// advised finds whose suggestion or alert id is, and what was last said of it.
func (s *Server) advised(r *http.Request, tenant, id string) (customer string, before *event.Feedback, err error) {
	s.hub.mu.RLock()
	if v := s.hub.live.suggestions.get(id); v != nil && v.Tenant == tenant {
		customer, before = v.Customer, v.Feedback
	} else if a := s.hub.live.alerts.get(id); a != nil && a.Tenant == tenant {
		customer, before = a.Customer, a.feedback
	}
	s.hub.mu.RUnlock()
	if customer != "" {
		return customer, before, nil
	}
	rows, err := stored[struct {
		Customer string `json:"customer"`
	}](r.Context(), s, QueryAdvice, map[string]any{"tenant": tenant, "id": id})
	if err != nil {
		return "", nil, notFound("live suggestion or alert", s.reached(err).Why)
	}
	if len(rows) == 0 {
		return "", nil, notFound("suggestion or alert", "the ids stand in the events of suggestions and alerts")
	}
	return rows[0].Customer, nil, nil
}

const maxBody = 16 << 10

// body decodes the JSON of a request. An empty body is an empty object.
func body(r *http.Request, into any) error {
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return problem.New(http.StatusBadRequest, "The body broke off; send it again.")
	}
	if len(raw) > maxBody {
		return problem.New(http.StatusRequestEntityTooLarge, "The body may have 16 KiB at most.")
	}
	if len(raw) == 0 {
		return nil
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return problem.JSON(raw, "", err)
	}
	return nil
}
