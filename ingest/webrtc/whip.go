package webrtc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"throughline/ingest/calls"
	"throughline/problem"
)

// Path is where publishers send their offers; a session is a path below it.
const Path = "/v1/whip"

// Routes adds the endpoint and its sessions to mux. OPTIONS is answered without
// Access, since browsers ask without credentials.
func (s *Server) Routes(mux *http.ServeMux) {
	endpoint := map[string]func(http.ResponseWriter, *http.Request) error{http.MethodPost: s.publish}
	session := map[string]func(http.ResponseWriter, *http.Request) error{http.MethodPatch: s.patch, http.MethodDelete: s.delete}
	// Each method is named, so that patterns of others such as "POST /v1/" stand beside.
	for _, method := range [...]string{"GET", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"} {
		mux.Handle(method+" "+Path, s.serve(endpoint, "POST, OPTIONS"))
		mux.Handle(method+" "+Path+"/{session}", s.serve(session, "PATCH, DELETE, OPTIONS"))
	}
}

func (s *Server) serve(methods map[string]func(http.ResponseWriter, *http.Request) error, allow string) http.Handler {
	admitted := s.cfg.Access(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := methods[r.Method](w, r); err != nil {
			s.refuse(w, err)
		}
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.allowOrigin(w, r, allow)
		switch {
		case r.Method == http.MethodOptions:
			w.Header().Set("Accept-Post", offerType)
			w.Header().Set("Accept-Patch", fragmentType)
			w.Header().Set("Allow", allow)
			s.tellICEServers(w)
			w.WriteHeader(http.StatusOK)
		case methods[r.Method] == nil:
			w.Header().Set("Allow", allow)
			s.refuse(w, problem.New(http.StatusMethodNotAllowed, "Allowed here: "+allow+"."))
		default:
			admitted.ServeHTTP(w, r)
		}
	})
}

// allowOrigin lets pages of the configured origins publish (the Fetch standard's
// CORS protocol).
func (s *Server) allowOrigin(w http.ResponseWriter, r *http.Request, methods string) {
	h := w.Header()
	h.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if origin == "" || !slices.Contains(s.cfg.Origins, origin) && !slices.Contains(s.cfg.Origins, "*") {
		return
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Expose-Headers", "Location, ETag, Link, Accept-Patch, Retry-After")
	if r.Method == http.MethodOptions {
		h.Set("Access-Control-Allow-Methods", methods)
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match, "+headerPrefix+
			strings.Join([]string{"Customer", "Role", "Agent", "Call", "Interaction", "Direction", "Account", "Queue", "Case"}, ", "+headerPrefix))
		h.Set("Access-Control-Max-Age", "3600")
	}
}

// tellICEServers adds the STUN and TURN servers (RFC 9725 §4.6).
func (s *Server) tellICEServers(w http.ResponseWriter) {
	for _, i := range s.cfg.ICEServers {
		link := "<" + i.URL + `>; rel="ice-server"`
		if i.Username != "" {
			link += fmt.Sprintf(`; username="%s"; credential="%s"; credential-type="password"`, i.Username, i.Credential)
		}
		w.Header().Add("Link", link)
	}
}

// body reads a request's body of the given type.
func body(w http.ResponseWriter, r *http.Request, want string) (string, error) {
	if is, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || is != want {
		return "", problem.New(http.StatusUnsupportedMediaType, "Content-Type must be "+want+".")
	}
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return "", problem.New(http.StatusRequestEntityTooLarge, fmt.Sprintf("The body may have %d bytes.", maxBody))
	}
	if err != nil {
		return "", problem.New(http.StatusBadRequest, "The body broke off.")
	}
	return string(b), nil
}

// publish is POST /v1/whip: an offer, 201 with the answer.
func (s *Server) publish(w http.ResponseWriter, r *http.Request) error {
	text, err := body(w, r, offerType)
	if err != nil {
		return err
	}
	tenant := s.cfg.Tenant(r)
	a, err := readAsk(r, tenant)
	if err != nil {
		return err
	}
	o, err := readOffer(text)
	if err != nil {
		return err
	}
	if o.lite {
		return unacceptable("a=ice-lite is not taken: neither of us would send checks (RFC 8445 §6.1.1).")
	}
	c, answer, err := s.open(r.Context(), opening{tenant: tenant, api: s.lite, offer: o, text: withoutCandidates(o.text), legs: a.legs,
		call: func(ctx context.Context, id string) (*calls.Call, error) { return s.begin(ctx, a, id) }})
	if err != nil {
		return err
	}
	h := w.Header()
	s.tellICEServers(w)
	h.Set("Content-Type", offerType)
	h.Set("Accept-Patch", fragmentType)
	h.Set("Cache-Control", "no-store")
	h.Set("ETag", c.etag)
	h.Set("Location", Path+"/"+url.PathEscape(c.id))
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, answer) // a publisher that is gone never connects
	return nil
}

// delete is DELETE on a session: 200, and the session is over.
func (s *Server) delete(w http.ResponseWriter, r *http.Request) error {
	c, err := s.session(r)
	if err != nil {
		return err
	}
	c.End(ReasonRequest)
	w.WriteHeader(http.StatusOK)
	return nil
}

func (s *Server) session(r *http.Request) (*Session, error) {
	if c := s.find(s.cfg.Tenant(r), r.PathValue("session")); c != nil {
		return c, nil
	}
	return nil, problem.New(http.StatusNotFound, "No session with this URL is open here.")
}

// patch is PATCH on a session: more candidates (204), or with If-Match: * and
// other credentials an ICE restart (200 with ours).
func (s *Server) patch(w http.ResponseWriter, r *http.Request) error {
	c, err := s.session(r)
	if err != nil {
		return err
	}
	text, err := body(w, r, fragmentType)
	if err != nil {
		return err
	}
	f, err := readFragment(text)
	if err != nil {
		return err
	}
	match := r.Header.Get("If-Match")
	if match == "" {
		return problem.New(http.StatusPreconditionRequired, `Send If-Match with the session's ETag, or "*" to restart ICE.`)
	}
	ours, etag, err := c.trickle(r.Context(), match, f)
	if err != nil {
		return err
	}
	w.Header().Set("ETag", etag)
	if ours == "" {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	w.Header().Set("Content-Type", fragmentType)
	w.WriteHeader(http.StatusOK)
	_, _ = io.WriteString(w, ours) // a publisher that is gone does not come back
	return nil
}
