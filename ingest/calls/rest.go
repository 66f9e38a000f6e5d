package calls

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"throughline/event"
	"throughline/problem"
)

// maxBody bounds the body of a request.
const maxBody = 16 << 10

// control is the body of the requests about a call going on.
type control struct {
	Reason string     `json:"reason"`
	Role   event.Role `json:"role"`
	Agent  string     `json:"agent"`
}

// call finds the call of a request and reads its body, if there is one.
func (d *Door) call(w http.ResponseWriter, r *http.Request) (*Call, control, error) {
	var c control
	call, ok := d.Find(r.PathValue("interaction"))
	if !ok || d.tenant != nil && d.tenant(r) != call.Tenant() {
		return nil, c, problem.New(http.StatusNotFound, "No call with this interaction is going on here.")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, c, problem.New(http.StatusRequestEntityTooLarge, fmt.Sprintf("The body may have %d bytes.", maxBody))
	}
	if len(body) > 0 {
		if err := json.Unmarshal(body, &c); err != nil {
			return nil, c, problem.JSON(body, "", err)
		}
	}
	return call, c, nil
}

// PauseCall is POST /v1/calls/{interaction}/pause: from the answer on, 204, nothing
// that is spoken is kept.
func (d *Door) PauseCall(w http.ResponseWriter, r *http.Request) error {
	call, c, err := d.call(w, r)
	if err != nil {
		return err
	}
	call.Pause(ByRequest, c.Reason)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// UnpauseCall is POST /v1/calls/{interaction}/unpause: 204.
func (d *Door) UnpauseCall(w http.ResponseWriter, r *http.Request) error {
	call, _, err := d.call(w, r)
	if err != nil {
		return err
	}
	call.Unpause(ByRequest)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// CallLegs is GET /v1/calls/{interaction}/legs: who speaks on which leg.
func (d *Door) CallLegs(w http.ResponseWriter, r *http.Request) error {
	call, _, err := d.call(w, r)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(call.Legs())
}

// CorrectLeg is PATCH /v1/calls/{interaction}/legs/{leg} with role and agent: 204.
// A desktop or CTI system knows better than signalling who speaks.
func (d *Door) CorrectLeg(w http.ResponseWriter, r *http.Request) error {
	call, c, err := d.call(w, r)
	if err != nil {
		return err
	}
	switch c.Role {
	case event.Customer, event.Agent, event.UnknownRole:
	default:
		return problem.Invalid(problem.Field{Pointer: "#/role", Detail: "must be customer or agent, or left out"})
	}
	if !call.Correct(r.PathValue("leg"), c.Role, c.Agent, "request") {
		return problem.New(http.StatusNotFound, "The call has no leg with this id.")
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
