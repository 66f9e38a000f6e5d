package assist

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"throughline/event"
	"throughline/flaw"
	"throughline/problem"
)

// inForce is how long putting a policy in force may take.
const inForce = 5 * time.Second

// ServerConfig says how policies are put in force over HTTP.
type ServerConfig struct {
	Desk    *Desk
	Publish func(context.Context, ...event.Message) error // returns when the brokers have it
	Tenant  func(context.Context) string                  // whose policy a request is about
	Actor   func(context.Context) string                  // who asks, for the audit
}

// Server answers for the policies of the tenants.
type Server struct{ cfg ServerConfig }

// NewServer makes a Server.
func NewServer(cfg ServerConfig) *Server { return &Server{cfg} }

// InForce is a version of a policy, as it is told over HTTP.
type InForce struct {
	Version string    `json:"version"`
	Active  bool      `json:"active"`         // it is the one in force
	By      string    `json:"by,omitempty"`   // who put it in force last; empty: it is the configured file
	At      time.Time `json:"at,omitzero"`    // when
	Rules   []string  `json:"rules"`          // their names
	Text    string    `json:"text,omitempty"` // the file, YAML; in an answer about one version
}

// Versions is a list of versions, the last put in force first.
type Versions struct {
	Versions []InForce `json:"versions"`
}

// Routes lists what the server answers.
func (s *Server) Routes() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"GET /v1/policy":            answering(s.show),
		"GET /v1/policy/versions":   answering(s.versions),
		"PUT /v1/policy":            answering(s.activate),
		"POST /v1/policy/rollbacks": answering(s.rollback),
	}
}

// answering refuses what a page of another site has a browser send: on a machine
// without tokens nothing else would.
func answering(f func(*http.Request) (any, error)) http.HandlerFunc {
	foreign := http.NewCrossOriginProtection()
	return func(w http.ResponseWriter, r *http.Request) {
		if foreign.Check(r) != nil {
			problem.Write(w, problem.New(http.StatusForbidden, "Pages of other sites may not change the policy."))
			return
		}
		v, err := f(r)
		var body []byte
		if err == nil {
			body, err = json.Marshal(v)
		}
		if err != nil {
			problem.Write(w, problem.Of(err))
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write(append(body, '\n')) // the caller may be gone; there is nobody left to tell
	}
}

func (s *Server) show(r *http.Request) (any, error) {
	list := s.list(r.Context())
	k := 0 // the one in force
	if version := r.URL.Query().Get("version"); version != "" {
		if k = slices.IndexFunc(list, func(v InForce) bool { return v.Version == version }); k < 0 {
			return nil, unknownVersion()
		}
	}
	return list[k], nil
}

func (s *Server) versions(r *http.Request) (any, error) {
	list := s.list(r.Context())
	for k := range list {
		list[k].Text = ""
	}
	return Versions{list}, nil
}

// list gives every version that a tenant can go back to, the one in force first.
func (s *Server) list(ctx context.Context) []InForce {
	d := s.cfg.Desk
	stored := d.versions(s.cfg.Tenant(ctx))
	configured := InForce{Version: d.configured.Version, Rules: d.configured.Rules(), Text: string(d.text)}
	var out []InForce
	for _, p := range slices.Backward(stored) {
		v := configured
		if p.Version != "" {
			v = InForce{Version: p.Version, Text: p.Text}
			if loaded, err := Load(p.Version, []byte(p.Text)); err == nil {
				v.Rules = loaded.Rules()
			}
		}
		v.By, v.At = p.By, p.At
		out = append(out, v)
	}
	if !slices.ContainsFunc(stored, func(p event.Policy) bool { return p.Version == "" }) {
		out = append(out, configured)
	}
	out[0].Active = true
	return out
}

func (s *Server) activate(r *http.Request) (any, error) {
	text, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxPolicy))
	if err != nil {
		return nil, problem.New(http.StatusRequestEntityTooLarge, fmt.Sprintf("The policy has more than %d bytes, or was not sent whole.", maxPolicy))
	}
	p, err := Load("policy", text)
	if err == nil && s.cfg.Desk.targets != nil {
		err = p.CheckTargets(s.cfg.Desk.targets)
	}
	if err != nil {
		return nil, refusal(err)
	}
	return s.put(r.Context(), "policy.activate", event.Policy{Version: p.Version, Text: string(text)})
}

// rollback puts a version in force again: the one that is asked for, or the one
// that was in force before.
func (s *Server) rollback(r *http.Request) (any, error) {
	version := r.URL.Query().Get("version")
	list := s.list(r.Context())
	if version == "" {
		if len(list) < 2 {
			return nil, problem.New(http.StatusConflict, "No other policy was in force before this one.")
		}
		version = list[1].Version
	}
	k := slices.IndexFunc(list, func(v InForce) bool { return v.Version == version })
	if k < 0 {
		return nil, unknownVersion()
	}
	p := event.Policy{Version: version, Text: list[k].Text}
	if version == s.cfg.Desk.configured.Version {
		p = event.Policy{} // the file itself, whatever it says after the next start
	}
	return s.put(r.Context(), "policy.rollback", p)
}

// put publishes p with its audit, and answers when this process decides by it.
func (s *Server) put(ctx context.Context, action string, p event.Policy) (any, error) {
	d, tenant := s.cfg.Desk, s.cfg.Tenant(ctx)
	before := d.For(tenant).Version
	p.Tenant, p.By, p.At, p.Request = tenant, s.cfg.Actor(ctx), time.Now().UTC(), rand.Text()
	version := cmp.Or(p.Version, d.configured.Version)
	audit := event.Audit{ID: event.ID("au", tenant, action, p.Request), Tenant: tenant, At: p.At, Actor: p.By, Action: action, Object: "policy",
		Policy: version, Request: p.Request, Detail: map[string]string{"before": before}}
	if err := s.cfg.Publish(ctx, event.Audits().Message(audit), event.Policies().Message(p)); err != nil {
		return nil, problem.Unavailable(2*time.Second, "The policy could not be stored; it may be sent again.", err)
	}
	ctx, cancel := context.WithTimeout(ctx, inForce)
	defer cancel()
	if err := d.await(ctx, tenant, p.Request); err != nil {
		return nil, problem.Unavailable(2*time.Second, "The policy is stored, and not yet in force here; ask for GET /v1/policy.", err)
	}
	return s.list(ctx)[0], nil
}

func unknownVersion() error {
	return problem.New(http.StatusNotFound, "No policy of this version was in force; GET /v1/policy/versions lists them.")
}

// refusal tells everything that is wrong with a policy, with line and column.
func refusal(err error) error {
	flaws := flaw.All(err)
	if len(flaws) == 0 {
		return err
	}
	p := problem.New(http.StatusUnprocessableEntity, "The policy is not sound; nothing was changed. See errors.")
	p.Type, p.Title = "urn:throughline:problem:invalid-policy", "The policy is not sound"
	for _, f := range flaws {
		p.Errors = append(p.Errors, problem.Field{Line: f.Line, Column: f.Column, Detail: f.Said()})
	}
	return p
}
