package patterns

import (
	"context"
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"throughline/event"
)

// stored is a History in memory: rows by query.
type stored map[string][]any

func (s stored) Rows(_ context.Context, query string, _ map[string]any) ([]json.RawMessage, error) {
	var out []json.RawMessage
	for _, r := range s[query] {
		b, err := json.Marshal(r)
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

func (s stored) counted(all *series, dimension, value, subject string, n []float64) {
	for i, v := range n {
		if v > 0 {
			s[QueryCounts] = append(s[QueryCounts], map[string]any{"hour": all.at(i).Unix(), "dimension": dimension, "value": value, "subject": subject, "n": v})
		}
	}
}

// TestFind puts one intent that doubles in one queue among twenty that do not,
// and one channel whose sentiment sinks among three.
func TestFind(t *testing.T) {
	chance := rand.New(rand.NewPCG(21, 22))
	begin := month + 2*day
	h := stored{}
	total := world{kind: counts, volume: 20, from: whole}.series(chance)
	h.counted(total, "queue", "billing", "", total.of)
	h.counted(total, "", "", "", total.of)
	for n := range 21 {
		share, name := 0.04, "intent_"+string(rune('a'+n))
		sums := make([]float64, whole)
		for i := range whole {
			p := share
			if n == 7 && i >= begin {
				p *= 2.5
			}
			sums[i] = min(poisson(chance, total.of[i]*p), total.of[i])
		}
		h.counted(total, "queue", "billing", name, sums)
	}
	for _, channel := range []string{"voice", "email", "webchat"} {
		drop := 0.0
		if channel == "email" {
			drop = -0.25
		}
		s := world{kind: means, volume: 6, share: 0.1, from: begin, factor: drop}.series(chance)
		for i := range whole {
			if s.of[i] > 0 {
				h[QuerySentiment] = append(h[QuerySentiment], map[string]any{"hour": s.at(i).Unix(), "dimension": "channel", "value": channel, "n": s.of[i], "total": s.sum[i], "squares": s.squares * s.of[i] / sum(s.of)})
			}
		}
	}
	h[QueryExamples] = []any{said{ID: "t1", Interaction: "i1", At: monday, Text: "where is it"}}
	until := monday.Add(whole * time.Hour)
	f := &Finder{History: h}
	r, err := f.Find(t.Context(), "default", until.Add(-week*time.Hour), until)
	if err != nil {
		t.Fatal(err)
	}
	if r.Tests != 24 || !r.Seasonal || !r.History.Equal(monday) || len(r.Patterns) != 2 {
		t.Fatalf("%d tests, seasonal %v, from %v: %+v", r.Tests, r.Seasonal, r.History, r.Patterns)
	}
	for _, p := range r.Patterns {
		off := p.At.Sub(total.at(begin)).Abs()
		switch {
		case p.Kind == event.PatternIntent && p.Subject == "intent_h" && p.Dimension == "queue" && p.Value == "billing" && p.Direction == "rising" && p.Low > 1.5 && p.High < 4:
		case p.Kind == event.PatternSentiment && p.Dimension == "channel" && p.Value == "email" && p.Direction == "falling" && p.High < -0.1 && p.Low > -0.4:
		default:
			t.Errorf("found %+v", p)
		}
		if off > 8*time.Hour || p.Q > 0.05 || len(p.Shown) != 1 || p.Examples[0] != "t1" || p.Earliest.After(p.At) || p.Latest.Before(p.At) {
			t.Errorf("%v off, q %v, between %v and %v, shown %v", off, p.Q, p.Earliest, p.Latest, p.Shown)
		}
	}
	again, err := f.Find(t.Context(), "default", until.Add(-week*time.Hour), until)
	if err != nil || again.Patterns[0].ID != r.Patterns[0].ID || again.Patterns[0].P != r.Patterns[0].P {
		t.Errorf("asked again it is another: %v", err)
	}
}

// TestFindOfLittle asks where there is nothing, or one hour.
func TestFindOfLittle(t *testing.T) {
	one := stored{QueryCounts: {map[string]any{"hour": monday.Unix(), "subject": "", "n": 50}, map[string]any{"hour": monday.Unix(), "subject": "refund", "n": 40}}}
	for name, h := range map[string]stored{"nothing": {}, "an hour": one} {
		for _, since := range []time.Duration{time.Hour, week * time.Hour} {
			f := &Finder{History: h, Embed: func(context.Context, string) (Vector, error) { return Vector{}, nil }}
			r, err := f.Find(t.Context(), "default", monday.Add(time.Hour-since), monday.Add(time.Hour))
			if err != nil || len(r.Patterns) != 0 {
				t.Errorf("%s, %v: %+v, %v", name, since, r, err)
			}
		}
	}
}

func TestServer(t *testing.T) {
	s := NewServer(&Finder{History: stored{}}, func(*http.Request) string { return "acme" }, slog.New(slog.DiscardHandler))
	for query, want := range map[string]int{"": 200, "?since=36h": 200, "?since=7d": 200, "?since=yesterday": 400, "?since=0d": 400, "?since=91d": 400,
		"?since=" + time.Now().Add(-48*time.Hour).UTC().Format(time.RFC3339): 200} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest("GET", Path+query, nil))
		if w.Code != want || want == 200 && !strings.Contains(w.Body.String(), `"tenant":"acme"`) {
			t.Errorf("%q: %d, want %d: %s", query, w.Code, want, w.Body)
		}
	}
	s.turn <- struct{}{}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("GET", Path, nil))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("while another runs: %d", w.Code)
	}
}
