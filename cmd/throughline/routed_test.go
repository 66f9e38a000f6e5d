package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"throughline/problem"
)

func TestWhatNoRouteTakes(t *testing.T) {
	mux := http.NewServeMux()
	for _, pattern := range []string{"GET /{$}", "POST /v1/messages", "GET /v1/interactions/{id}", "PATCH /v1/interactions/{id}"} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusAccepted) })
	}
	for request, want := range map[string]struct {
		status int
		allow  string
	}{
		"GET /":                    {202, ""},
		"GET //v1/interactions/i":  {307, ""},
		"POST /v1/messages":        {202, ""},
		"GET /v1/messages":         {405, "POST"},
		"DELETE /v1/messages":      {405, "POST"},
		"PUT /v1/interactions/i":   {405, "GET, HEAD, PATCH"},
		"POST /v1/nothing":         {404, ""},
		"GET /v1/nothing":          {404, ""},
		"GET /nothing":             {404, ""},
		"GET /v1/interactions/i/x": {404, ""},
	} {
		method, path, _ := strings.Cut(request, " ")
		w := httptest.NewRecorder()
		routed(mux).ServeHTTP(w, httptest.NewRequest(method, path, nil))
		if w.Code != want.status || w.Header().Get("Allow") != want.allow || w.Code >= 400 && w.Header().Get("Content-Type") != problem.ContentType {
			t.Errorf("%s: %d %v, want %+v", request, w.Code, w.Header(), want)
		}
	}
}
