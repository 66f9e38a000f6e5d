package replay

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestMessage(t *testing.T) {
	for line, want := range map[string]string{
		`{"channel":"sms","customer":{"phone":"+4930123456"},"text":"hi"}`: `{"channel":"sms","customer":{"phone":"+4930123456"},"id":"f:3","text":"hi"}`,
		`{"id":"m1","interaction":"i_1","text":"hi"}`:                      `{"id":"m1","interaction":"i_1","text":"hi"}`,
		`{"tweet_id":"570306","airline_sentiment":"negative","airline":"United","text":"late again"}`: `{"account":"United","channel":"webchat","customer":{"name":"Post 0306","visitor":"post-570306"},` +
			`"id":"post-570306","role":"customer","text":"late again"}`,
	} {
		if got, err := message([]byte(line), "f:3", "webchat"); err != nil || string(got) != want {
			t.Errorf("%s\n is %s %v\nwant %s", line, got, err, want)
		}
	}
	for line, want := range map[string]string{
		`[1]`: "not a JSON object", `{"a":1}`: "no text", `{"tweet_id":7,"text":"x"}`: "no string", `{"tweet_id":"7"`: "not a JSON object", `{"tweet_id":"7"}`: "missing",
	} {
		if _, err := message([]byte(line), "f:3", "webchat"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", line, err, want)
		}
	}
}

func FuzzMessage(f *testing.F) {
	f.Add([]byte(`{"tweet_id":"570306","airline":"United","text":"late again"}`))
	f.Add([]byte(`{"text":"hi","id":null}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		m, err := message(line, "f:1", "sms")
		if err == nil && !json.Valid(m) {
			t.Fatalf("%s is made of %s", m, line)
		}
	})
}

// taker is a Throughline that is away at first, and knows what it took.
type taker struct {
	mu    sync.Mutex
	away  int
	known map[string]bool
}

func (s *taker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away--; s.away >= 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	var in []struct{ ID, Text string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || r.Header.Get("Authorization") != "Bearer secret" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	out := make([]receipt, len(in))
	for i, m := range in {
		out[i].Duplicate = s.known[m.ID]
		s.known[m.ID] = true
	}
	w.WriteHeader(http.StatusAccepted)
	_ = json.NewEncoder(w).Encode(map[string]any{"messages": out})
}

func odd(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "odd.jsonl")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPlay(t *testing.T) {
	dir := t.TempDir()
	for name, lines := range map[string]int{"a.jsonl": 30, "b.jsonl": 12, "notes.txt": 3} {
		var b strings.Builder
		for n := range lines {
			fmt.Fprintf(&b, `{"channel":"sms","customer":{"phone":"+49301%04d"},"text":"hi"}`+"\n", n)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := &taker{away: 1, known: map[string]bool{}}
	web := httptest.NewServer(s)
	defer web.Close()
	o := Options{URL: web.URL, Token: "secret", Rate: 2000, Channel: "sms"}
	for _, step := range []struct {
		name        string
		from, limit int
		want        Sent
	}{{"a part", 0, 10, Sent{20, 0}}, {"the rest", 10, 0, Sent{22, 0}}, {"all again", 0, 0, Sent{42, 42}}} {
		o.From, o.Limit = step.from, step.limit
		if sent, err := Play(t.Context(), dir, o); err != nil || sent != step.want {
			t.Errorf("%s: %+v %v, want %+v", step.name, sent, err, step.want)
		}
	}
	for why, c := range map[string]struct {
		change func(*Options)
		path   string
	}{
		"no such file":      {func(*Options) {}, "absent.jsonl"},
		"--rate must":       {func(o *Options) { o.Rate = math.NaN() }, dir},
		"--from and":        {func(o *Options) { o.From = -1 }, dir},
		"holds no .jsonl":   {func(*Options) {}, t.TempDir()},
		"line 2 is not a J": {func(*Options) {}, odd(t, "\ufeff{\"text\":\"hi\",\"id\":\"odd\"}\r\nno\n")},
	} {
		o := Options{URL: web.URL, Token: "secret", Rate: 2000, Channel: "sms"}
		c.change(&o)
		if _, err := Play(t.Context(), c.path, o); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%v, want %q", err, why)
		}
	}
	if sent, err := Play(t.Context(), odd(t, "\ufeff{\"text\":\"hi\",\"id\":\"odd\"}\r\n  \r\n"), Options{URL: web.URL, Token: "secret", Rate: 1}); err != nil || sent != (Sent{Messages: 1}) {
		t.Errorf("a file of Windows: %+v %v", sent, err)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := Play(stopped, filepath.Join(dir, "a.jsonl"), Options{URL: web.URL, Rate: 1}); err == nil || !strings.Contains(err.Error(), "--from 0") {
		t.Errorf("a replay that was stopped says %v", err)
	}
	if _, err := Play(t.Context(), dir, Options{URL: web.URL, Rate: 1000}); err == nil || !strings.Contains(err.Error(), "401") || !strings.Contains(err.Error(), "lines 1 to") {
		t.Errorf("a refusal says %v", err)
	}
}
