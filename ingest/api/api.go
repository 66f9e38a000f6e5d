package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"

	"throughline/ingest"
	"throughline/problem"
)

// The limits of what is taken; docs/channels.md lists them.
const (
	DefaultMaxBody = 4 << 20
	MaxMessages    = 1000 // in one array
	MaxText        = 64 << 10
	MaxID          = 200
	MaxName        = 200
	MaxAttrs       = 32
	MaxAttrName    = 64
	MaxAttr        = 1024
)

// Config of the API. Tenant is required.
type Config struct {
	MaxBody int64 `yaml:"max_body" default:"4194304" doc:"largest body, bytes"`

	Tenant func(*http.Request) string `yaml:"-"` // whose request it is
}

// API is the HTTP side. It is safe for concurrent use.
type API struct {
	cfg    Config
	intake *ingest.Intake
	door   *ingest.Door
}

// New makes an API.
func New(cfg Config, intake *ingest.Intake, door *ingest.Door) (*API, error) {
	if intake == nil || door == nil || cfg.Tenant == nil {
		return nil, errors.New("ingest api: an intake, a door and Tenant are required")
	}
	if cfg.MaxBody <= 0 {
		cfg.MaxBody = DefaultMaxBody
	}
	return &API{cfg: cfg, intake: intake, door: door}, nil
}

// Routes adds the operations to mux, for those whom admit lets through.
func (a *API) Routes(mux *http.ServeMux, admit func(http.Handler) http.Handler) {
	for route, h := range map[string]ingest.Handler{
		"POST /v1/messages":                 a.messages,
		"POST /v1/interactions/{id}/events": a.lifeEvent,
		"POST /v1/interactions/{id}/end":    a.end,
		"POST /v1/consents":                 a.consents,
		"POST /v1/identities":               a.identities,
	} {
		mux.Handle(route, admit(a.door.Wrap(route, h)))
	}
}

// receipt is the answer for one thing that was stored.
type receipt struct {
	ID          string `json:"id"`
	Customer    string `json:"customer,omitempty"`
	Interaction string `json:"interaction,omitempty"`
	Duplicate   bool   `json:"duplicate"` // it was stored before
}

func receiptOf(r ingest.Receipt) receipt { return receipt(r) }

func (a *API) messages(w http.ResponseWriter, r *http.Request) error {
	body, err := a.read(w, r)
	if err != nil {
		return err
	}
	tenant := a.cfg.Tenant(r)
	arrivals, many, err := parseMessages(body, source{tenant: tenant, key: r.Header.Get("Idempotency-Key"), sessions: a.intake.Sessions()})
	if err != nil {
		return err
	}
	receipts, err := a.intake.Accept(r.Context(), arrivals...)
	if e, ok := errors.AsType[*ingest.ArrivalError](err); ok {
		return problem.Invalid(problem.Field{Pointer: "#" + place(many, e.Index) + "/interaction", Detail: notOpen})
	}
	if err != nil {
		return err
	}
	if !many {
		return answer(w, receiptOf(receipts[0]))
	}
	all := make([]receipt, len(receipts))
	for i, r := range receipts {
		all[i] = receiptOf(r)
	}
	return answer(w, map[string]any{"messages": all})
}

const notOpen = "is not an open interaction: leave it out to join or open the customer's current one"

// place is the pointer of message i.
func place(many bool, i int) string {
	if !many {
		return ""
	}
	return "/" + strconv.Itoa(i)
}

// single parses one JSON object and stores what it means.
func (a *API) single(w http.ResponseWriter, r *http.Request, parse func(*form) ingest.Arrival) error {
	body, err := a.read(w, r)
	if err != nil {
		return err
	}
	var wrong []problem.Field
	f, err := object(body, "", &wrong)
	if err != nil {
		return err
	}
	arrival := parse(f)
	f.refuseUnknown()
	if len(wrong) > 0 {
		return problem.Invalid(wrong...)
	}
	arrival.Tenant = a.cfg.Tenant(r)
	receipts, err := a.intake.Accept(r.Context(), arrival)
	if err != nil {
		return err
	}
	return answer(w, receiptOf(receipts[0]))
}

func (a *API) read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, a.cfg.MaxBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, problem.New(http.StatusRequestEntityTooLarge, "The body is larger than "+strconv.FormatInt(a.cfg.MaxBody, 10)+" bytes: send fewer messages at once.")
	}
	if err != nil {
		return nil, problem.New(http.StatusBadRequest, "The body did not arrive whole.")
	}
	if key := r.Header.Get("Idempotency-Key"); len(key) > MaxID {
		return nil, problem.New(http.StatusBadRequest, "The header Idempotency-Key is longer than "+strconv.Itoa(MaxID)+" bytes.")
	}
	return bytes.TrimSpace(body), nil
}

func answer(w http.ResponseWriter, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = w.Write(body) // it is stored; a caller who is gone will ask again
	return nil
}
