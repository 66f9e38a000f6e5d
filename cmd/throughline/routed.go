package main

import (
	"net/http"

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
		if allow := refusal.header.Get("Allow"); refusal.status == http.StatusMethodNotAllowed && allow != "" {
			w.Header().Set("Allow", allow)
			problem.Write(w, problem.New(http.StatusMethodNotAllowed, "Allowed here: "+allow+"."))
			return
		}
		problem.Write(w, problem.New(http.StatusNotFound, "Nothing is served at this path by the roles of this process; docs/openapi.yaml lists what is."))
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
