package rtp

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"throughline/event"
	"throughline/ingest/calls"
	"throughline/media/codec"
	"throughline/problem"
)

// maxBody bounds the body of a request.
const maxBody = 64 << 10

// legRequest is the body of POST /v1/rtp/legs.
type legRequest struct {
	Interaction  string            `json:"interaction"`   // of a call going on; empty: a new one
	Call         string            `json:"call"`          // the client's own id of the call: legs that give the same are one call
	Tenant       string            `json:"tenant"`        //
	Customer     *event.Handle     `json:"customer"`      //
	Direction    string            `json:"direction"`     // inbound or outbound
	Account      string            `json:"account"`       //
	Queue        string            `json:"queue"`         //
	Case         string            `json:"case"`          //
	Role         event.Role        `json:"role"`          // customer, agent, or empty where both speak
	Agent        string            `json:"agent"`         //
	PayloadTypes map[string]string `json:"payload_types"` // "111": "opus/48000/2"; the static types need not be given
	Port         int               `json:"port"`          // even; 0: any
	Attrs        map[string]string `json:"attrs"`
}

// legResponse is its answer.
type legResponse struct {
	Leg         string `json:"leg"`
	Interaction string `json:"interaction"`
	Customer    string `json:"customer"`
	Address     string `json:"address"` // where RTP is to be sent; RTCP to the same port or the next
}

// Create is POST /v1/rtp/legs: 201 with the address to send to.
func (l *Legs) Create(w http.ResponseWriter, r *http.Request) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return problem.New(http.StatusRequestEntityTooLarge, fmt.Sprintf("The body may have %d bytes.", maxBody))
	}
	var req legRequest
	if err := json.Unmarshal(body, &req); err != nil {
		return problem.JSON(body, "", err)
	}
	if l.cfg.Tenant != nil {
		req.Tenant = l.cfg.Tenant(r)
	}
	a, fields := req.check()
	if len(fields) > 0 {
		return problem.Invalid(fields...)
	}
	id, made, err := l.make(r.Context(), a)
	switch {
	case errors.Is(err, calls.ErrBusy), errors.Is(err, calls.ErrStopping):
		return problem.Unavailable(10*time.Second, "No more calls are taken now.", err)
	case errors.Is(err, ErrNoPorts) && req.Port != 0:
		return problem.New(http.StatusConflict, "The port is in use; leave it out to be given one.")
	case errors.Is(err, ErrNoPorts):
		return problem.Unavailable(10*time.Second, "Every RTP port is in use.", err)
	case errors.Is(err, errUnknownCall):
		return problem.New(http.StatusNotFound, "No call with this interaction is going on here.")
	case errors.Is(err, calls.ErrEnded):
		return problem.New(http.StatusConflict, "The call has ended; begin another.")
	case err != nil && req.Port != 0:
		return problem.Invalid(problem.Field{Pointer: "#/port", Detail: "is not an even port of the range that is configured"})
	case err != nil:
		return fmt.Errorf("make leg: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Location", "/v1/rtp/legs/"+id)
	w.WriteHeader(http.StatusCreated)
	return json.NewEncoder(w).Encode(legResponse{Leg: id, Interaction: made.call.Interaction(), Customer: made.call.Customer(),
		Address: l.address(made.socket, localAddr(r)).String()})
}

// Delete is DELETE /v1/rtp/legs/{id}: 204. The last leg ends its call.
func (l *Legs) Delete(w http.ResponseWriter, r *http.Request) error {
	if l.cfg.Tenant != nil && !l.belongs(r.PathValue("id"), l.cfg.Tenant(r)) {
		return noLeg()
	}
	if !l.end(r.PathValue("id"), func(c *calls.Call) { c.End("ended by request") }, "ended by request") {
		return noLeg()
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func noLeg() error { return problem.New(http.StatusNotFound, "No leg with this id is open here.") }

// belongs tells whether a leg is of a call of the tenant.
func (l *Legs) belongs(id, tenant string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.asked[id]
	return a != nil && a.call.Tenant() == tenant
}

// localAddr is the address that the request reached us on.
func localAddr(r *http.Request) netip.Addr {
	if a, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		if ap, err := netip.ParseAddrPort(a.String()); err == nil {
			return ap.Addr()
		}
	}
	return netip.Addr{}
}

func (q *legRequest) check() (ask, []problem.Field) {
	var fields []problem.Field
	wrong := func(pointer, detail string) { fields = append(fields, problem.Field{Pointer: pointer, Detail: detail}) }
	a := ask{interaction: q.Interaction, role: q.Role, agent: q.Agent, formats: codec.StaticPayloadTypes(), port: q.Port}
	switch q.Role {
	case event.Customer, event.Agent, event.UnknownRole:
	default:
		wrong("#/role", "must be customer or agent, or left out")
	}
	switch q.Direction {
	case "", "inbound", "outbound":
	default:
		wrong("#/direction", "must be inbound or outbound")
	}
	for pt, name := range q.PayloadTypes {
		n, err := strconv.ParseUint(pt, 10, 7)
		f, err2 := codec.ParseRTPMap(name)
		if err != nil || err2 != nil {
			wrong("#/payload_types", `must map numbers up to 127 to encodings: "111": "opus/48000/2"`)
			break
		}
		a.formats[n] = f
	}
	if q.Port < 0 || q.Port > 65534 || q.Port%2 != 0 {
		wrong("#/port", "must be even and up to 65534, or left out")
	}
	if q.Customer != nil {
		switch q.Customer.Kind {
		case event.Phone, event.WhatsAppID, event.Mail, event.CRM, event.Visitor:
		default:
			wrong("#/customer/kind", "must be phone, whatsapp_id, mail, crm or visitor")
		}
		if q.Customer.Canonical().Value == "" || q.Customer.Canonical().Value == "+" {
			wrong("#/customer/value", "is empty")
		}
		a.desc.Customer = *q.Customer
	}
	a.desc.Tenant, a.desc.Source, a.desc.ID = q.Tenant, "rtp", q.Call
	if a.desc.Tenant == "" {
		a.desc.Tenant = "default"
	}
	if a.desc.ID == "" {
		a.desc.ID = rand.Text()
	}
	a.desc.Direction, a.desc.Account, a.desc.Queue, a.desc.Case, a.desc.Attrs = q.Direction, q.Account, q.Queue, q.Case, q.Attrs
	if q.Role == event.Agent {
		a.desc.Agent = q.Agent
	}
	return a, fields
}
