package calls_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"throughline/event"
	"throughline/ingest/calls"
	"throughline/problem"
)

func TestControlByREST(t *testing.T) {
	l := newLab(t, calls.Config{})
	answer := func(f func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if err := f(w, r); err != nil {
				problem.Write(w, problem.Of(err))
			}
		}
	}
	mux := http.NewServeMux()
	mux.Handle("POST /v1/calls/{interaction}/pause", answer(l.PauseCall))
	mux.Handle("POST /v1/calls/{interaction}/unpause", answer(l.UnpauseCall))
	mux.Handle("GET /v1/calls/{interaction}/legs", answer(l.CallLegs))
	mux.Handle("PATCH /v1/calls/{interaction}/legs/{leg}", answer(l.CorrectLeg))
	s := httptest.NewServer(mux)
	defer s.Close()

	c := l.begin(t, "rest")
	leg := stream(t, c, "1", event.UnknownRole)
	path := "/v1/calls/" + c.Interaction()
	do := func(method, path, body string, want int, says string) {
		t.Helper()
		req, err := http.NewRequest(method, s.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		raw, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != want || !strings.Contains(string(raw), says) {
			t.Errorf("%s %s: %d %s %v", method, path, resp.StatusCode, raw, err)
		}
	}
	do("POST", path+"/pause", `{"reason":"card"}`, 204, "")
	write(t, leg, 66, 500)
	do("POST", path+"/unpause", ``, 204, "")
	do("PATCH", path+"/legs/"+leg.ID(), `{"role":"agent","agent":"a9"}`, 204, "")
	do("GET", path+"/legs", ``, 200, `"role":"agent","agent":"a9"`)
	do("PATCH", path+"/legs/"+leg.ID(), `{"role":"boss"}`, 400, "#/role")
	do("PATCH", path+"/legs/l_unknown", `{}`, 404, "leg")
	do("POST", path+"/pause", `{"reason":7}`, 400, "#/reason")
	do("POST", path+"/pause", strings.Repeat(" ", 1<<20), 413, "bytes")
	do("POST", "/v1/calls/i_unknown/pause", ``, 404, "going on")
	write(t, leg, 1, 500)
	c.End("hung up")
	l.await(t, "the end", func(i event.Interaction) bool { return i.Change == event.Ended })
	all, _, octets := l.chunks(t, leg.ID())
	if len(octets) != 4000 || octets[0] != 1 || all[len(all)-1].Agent != "a9" {
		t.Errorf("%d octets, agent %q", len(octets), all[len(all)-1].Agent)
	}
}
