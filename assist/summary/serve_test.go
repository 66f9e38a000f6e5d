package summary_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"throughline/assist/summary"
	"throughline/problem"
)

func serve(t *testing.T, maker summary.Maker) *httptest.Server {
	t.Helper()
	find := func(what string) func(context.Context, string, string) (summary.Conversation, error) {
		return func(_ context.Context, tenant, id string) (summary.Conversation, error) {
			c := refund()
			switch {
			case id == "gone" || tenant != "shop":
				return c, problem.New(http.StatusNotFound, "There is no "+what+" of this id.")
			case id == "bad":
				return c, errors.New("the words of a person")
			}
			c.ID = what + " " + id
			return c, nil
		}
	}
	mux := http.NewServeMux()
	for pattern, answer := range summary.NewServer(summary.ServerConfig{Maker: maker, Interaction: find("interaction"), Journey: find("journey"),
		Tenant: func(context.Context) string { return "shop" }, Logger: slog.New(slog.DiscardHandler)}).Routes() {
		mux.HandleFunc(pattern, answer)
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

func post(t *testing.T, url string, header map[string]string) (int, string, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header.Get("Content-Type"), body
}

func TestSummariesOverHTTP(t *testing.T) {
	server := serve(t, extractor(t))
	for path, of := range map[string]string{"/v1/interactions/i1/summary": "interaction i1", "/v1/journeys/j1/summary": "journey j1"} {
		status, kind, body := post(t, server.URL+path, nil)
		var s summary.Summary
		if err := json.Unmarshal(body, &s); status != http.StatusOK || kind != "application/json" || err != nil || s.Of != of || len(s.Sentences) < 3 {
			t.Errorf("%s: %d %s %s (%v)", path, status, kind, body, err)
		}
	}
	for name, c := range map[string]struct {
		path   string
		header map[string]string
		status int
		want   string
	}{
		"unknown":    {"/v1/interactions/gone/summary", nil, http.StatusNotFound, "no interaction"},
		"fails":      {"/v1/interactions/bad/summary", nil, http.StatusInternalServerError, "500"},
		"other site": {"/v1/journeys/j1/summary", map[string]string{"Sec-Fetch-Site": "cross-site"}, http.StatusForbidden, "other sites"},
	} {
		status, kind, body := post(t, server.URL+c.path, c.header)
		if status != c.status || kind != problem.ContentType || !strings.Contains(string(body), c.want) || strings.Contains(string(body), "words of a person") {
			t.Errorf("%s: %d %s %s", name, status, kind, body)
		}
	}
}

// slow makes a summary once it is let.
type slow struct{ entered, let chan struct{} }

func (s slow) Summarise(context.Context, summary.Conversation) (summary.Summary, error) {
	s.entered <- struct{}{}
	<-s.let
	return summary.Summary{}, nil
}

func TestSummariesAtOnceAreBounded(t *testing.T) {
	maker := slow{make(chan struct{}), make(chan struct{})}
	server := serve(t, maker)
	answers := make(chan int, 8)
	for range 8 {
		go func() {
			resp, err := http.Post(server.URL+"/v1/interactions/i1/summary", "", nil)
			if err != nil {
				answers <- 0
				return
			}
			resp.Body.Close()
			answers <- resp.StatusCode
		}()
		<-maker.entered
	}
	if status, _, body := post(t, server.URL+"/v1/interactions/i1/summary", nil); status != http.StatusServiceUnavailable {
		t.Errorf("the ninth: %d %s", status, body)
	}
	close(maker.let)
	for range 8 {
		if status := <-answers; status != http.StatusOK {
			t.Errorf("status %d", status)
		}
	}
}
