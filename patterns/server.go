package patterns

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"throughline/problem"
)

// Server answers what changed. Of the searches that are asked for one runs at a
// time: each takes seconds of a processor.
type Server struct {
	finder *Finder
	tenant func(*http.Request) string
	log    *slog.Logger
	turn   chan struct{}
}

// NewServer makes a Server; tenant says whose data a request may see.
func NewServer(f *Finder, tenant func(*http.Request) string, log *slog.Logger) *Server {
	return &Server{finder: f, tenant: tenant, log: log.With("component", "patterns"), turn: make(chan struct{}, 1)}
}

// Path is where patterns are asked for.
const Path = "/v1/patterns"

// Routes adds the one route, behind whoever admits.
func (s *Server) Routes(mux *http.ServeMux, admit func(http.Handler) http.Handler) {
	mux.Handle("GET "+Path, admit(s))
}

// longest is how far back one may ask.
const longest = 90 * 24 * time.Hour

// ServeHTTP answers GET /v1/patterns?since=7d.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	since := now.Add(-s.finder.Config.settled().Window)
	if asked := r.URL.Query().Get("since"); asked != "" {
		var err error
		if since, err = parseSince(asked, now); err != nil {
			problem.Write(w, problem.Invalid(problem.Field{Pointer: "?since", Detail: err.Error()}))
			return
		}
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	default:
		problem.Write(w, problem.Unavailable(10*time.Second, "another search is under way", nil))
		return
	}
	report, err := s.finder.Find(r.Context(), s.tenant(r), since, now)
	if err != nil {
		if r.Context().Err() == nil {
			s.log.Error("search failed", "error", err)
			problem.Write(w, problem.Unavailable(10*time.Second, "the store does not answer", err))
		}
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(report) // the caller may be gone; there is nobody left to tell
}

// parseSince reads a time of RFC 3339, or how long ago: 36h, 7d.
func parseSince(s string, now time.Time) (time.Time, error) {
	since, err := time.Parse(time.RFC3339, s)
	if err != nil {
		ago, err := time.ParseDuration(s)
		if days, ok := strings.CutSuffix(s, "d"); ok {
			var n int
			n, err = strconv.Atoi(days)
			ago = time.Duration(n) * 24 * time.Hour
		}
		if err != nil {
			return time.Time{}, errors.New("must be a time of RFC 3339, or how long ago, such as 36h or 7d")
		}
		since = now.Add(-ago)
	}
	if ago := now.Sub(since); ago < time.Hour || ago > longest {
		return time.Time{}, errors.New("must be from an hour to 90 days ago")
	}
	return since, nil
}
