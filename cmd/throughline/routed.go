package main

import (
	"net/http"
	"strings"

	"throughline/problem"
)

// routed answers what no route takes as everything else is refused (RFC 9457),
// and names what would be taken.
func routed(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		refusal := unsaid{header: http.Header{}}
		mux.ServeHTTP(&refusal, r)
		allow := refusal.header.Get("Allow")
		switch {
		case refusal.status == http.StatusMethodNotAllowed && allow != "":
			w.Header().Set("Allow", allow)
			problem.Write(w, problem.New(http.StatusMethodNotAllowed, "Allowed here: "+allow+"."))
		case strings.HasPrefix(r.URL.Path, "/v1/"):
			problem.Write(w, problem.New(http.StatusNotFound, "Nothing is served at this path; GET /v1/openapi.json lists what is."))
		default:
			problem.Write(w, problem.New(http.StatusNotFound, "Nothing is served at this path; the live screen is at /, the API under /v1/."))
		}
	})
}

// unsaid takes in an answer that nobody gets.
type unsaid struct {
	header http.Header
	status int
}

func (u *unsaid) Header() http.Header         { return u.header }
func (u *unsaid) WriteHeader(status int)      { u.status = status }
func (u *unsaid) Write(b []byte) (int, error) { return len(b), nil }
