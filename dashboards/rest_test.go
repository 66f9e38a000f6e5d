package dashboards_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"throughline/bus"
	"throughline/dashboards"
	"throughline/event"
)

// TestInteractionList pages through live interactions under every filter.
func TestInteractionList(t *testing.T) {
	h := open(t)
	s := h.serve(t, "")
	for n := range 9 {
		h.publish(t, event.Interactions().Message(change(n, event.Started)))
	}
	for n := range 27 { // interaction i0 is the worst, i8 the best
		f := analysed(n, float64(n%9)/4-1)
		if n%9 == 4 {
			f.Intents[0].Name = "cancel"
			f.Turn.Channel = event.Voice
		}
		h.publish(t, event.AnalysedTurns().Message(f))
	}
	ended := change(2, event.Ended)
	ended.Reason = "solved"
	other := change(77, event.Started)
	other.Tenant = "elsewhere"
	h.publish(t, event.Interactions().Message(ended), event.Interactions().Message(other))
	var list dashboards.InteractionList
	eventually(t, "9 interactions of 27 turns, one ended", func() bool {
		s.get(t, "/v1/interactions?state=over", &list)
		over := len(list.Interactions)
		s.get(t, "/v1/interactions", &list)
		turns := 0
		for _, i := range list.Interactions {
			turns += i.Turns
		}
		return turns == 27 && over == 1
	})
	h.caughtUp(t, s)
	s.get(t, "/v1/interactions", &list)
	if len(list.Interactions) != 9 || list.Complete || !strings.Contains(list.Why, "no store") {
		t.Errorf("%d interactions, complete %v because %q", len(list.Interactions), list.Complete, list.Why)
	}
	now := url.QueryEscape(time.Now().Add(time.Minute).Format(time.RFC3339))
	for query, want := range map[string]int{
		"channel=whatsapp": 9, "channel=email": 0, "intent=cancel": 1, "min_sentiment=3": 2, "max_sentiment=-3.5": 2, "min_sentiment=-1&max_sentiment=1": 1,
		"state=open": 8, "state=over": 1, "since=" + now: 0, "until=" + now: 9, "live=true": 9,
	} {
		if status := s.get(t, "/v1/interactions?"+query, &list); status != http.StatusOK || len(list.Interactions) != want {
			t.Errorf("%s: status %d, %d interactions, want %d", query, status, len(list.Interactions), want)
		}
	}
	seen, cursor := map[string]bool{}, ""
	for range 9 {
		list = dashboards.InteractionList{}
		s.get(t, "/v1/interactions?limit=2&cursor="+cursor, &list)
		for _, i := range list.Interactions {
			if seen[i.ID] {
				t.Errorf("%s is on two pages", i.ID)
			}
			seen[i.ID] = true
		}
		if cursor = list.Next; cursor == "" {
			break
		}
	}
	if len(seen) != 9 || cursor != "" {
		t.Errorf("pages hold %d interactions, and end with %q", len(seen), cursor)
	}
}

func TestQueriesRefused(t *testing.T) {
	s := open(t).serve(t, "")
	for query, name := range map[string]string{
		"interactions?channel=fax": "?channel", "interactions?since=yesterday": "?since", "interactions?min_sentiment=9": "?min_sentiment", "interactions?max_sentiment=NaN": "?max_sentiment",
		"interactions?limit=0": "?limit", "interactions?limit=x": "?limit", "interactions?cursor=!": "?cursor", "interactions?sort=asc": "?sort", "interactions?state=odd": "?state",
		"interactions/i1/turns?from=0": "?from", "alerts?severity=loud": "?severity",
	} {
		var p struct {
			Status int
			Errors []struct{ Pointer, Detail string }
		}
		if status := s.get(t, "/v1/"+query, &p); status != http.StatusBadRequest || p.Status != status || len(p.Errors) != 1 || p.Errors[0].Pointer != name || p.Errors[0].Detail == "" {
			t.Errorf("%s: %d, %+v", query, status, p)
		}
	}
	for _, path := range []string{"/v1/interactions/none", "/v1/interactions/none/turns", "/v1/journeys/none", "/v1/customers/none/context"} {
		var p struct{ Detail string }
		if status := s.get(t, path, &p); status != http.StatusNotFound || !strings.Contains(p.Detail, "no store") {
			t.Errorf("%s: %d %s", path, status, p.Detail)
		}
	}
}

func TestTurns(t *testing.T) {
	h := open(t)
	s := h.serve(t, "")
	var msgs []event.Message
	base := time.Now().UTC().Truncate(time.Millisecond)
	for n := range 30 { // the later they were said, the earlier they come
		f := analysed(n*9, 0)
		f.Turn.At = base.Add(-time.Duration(n) * time.Second)
		msgs = append(msgs, event.AnalysedTurns().Message(f))
	}
	h.publish(t, append(msgs, msgs[3])...)
	var list dashboards.TurnList
	eventually(t, "30 turns", func() bool {
		s.get(t, "/v1/interactions/i0/turns", &list)
		return len(list.Turns) == 30
	})
	var seen []string
	cursor := ""
	for range 30 {
		list = dashboards.TurnList{}
		s.get(t, "/v1/interactions/i0/turns?limit=7&cursor="+cursor, &list)
		for _, raw := range list.Turns {
			var f event.Features
			if err := json.Unmarshal(raw, &f); err != nil {
				t.Fatal(err)
			}
			seen = append(seen, f.ID)
		}
		if cursor = list.Next; cursor == "" {
			break
		}
	}
	for n, id := range seen {
		if id != fmt.Sprint("f", (29-n)*9) {
			t.Fatalf("turn %d is %s", n, id)
		}
	}
	if len(seen) != 30 {
		t.Errorf("pages hold %d turns", len(seen))
	}
}

func TestContext(t *testing.T) {
	h := open(t)
	s := h.serve(t, "")
	now := time.Now().UTC()
	j := thread(now)
	j.Merged = []string{"c_before"}
	suggestion := func(id string, rank float64, expires time.Time) event.Message {
		return event.Suggestions().Message(event.Suggestion{ID: id, Tenant: "default", Customer: j.Customer, Interaction: "i_scene_0", At: now, Rank: rank, Expires: expires, Title: id})
	}
	h.publish(t, event.Journeys().Message(j), suggestion("low", 0.1, time.Time{}), suggestion("high", 0.9, time.Time{}), suggestion("late", 5, now.Add(-time.Second)), fall(now))
	h.caughtUp(t, s)
	for _, id := range []string{j.Customer, "c_before"} {
		var c dashboards.Context
		eventually(t, "the context of "+id, func() bool {
			return s.get(t, "/v1/customers/"+id+"/context", &c) == http.StatusOK && len(c.Suggestions) == 2 && len(c.Alerts) == 1
		})
		if c.Next == nil || c.Next.ID != "high" || c.Journey != j.ID || len(c.Open) != 2 || len(c.Promises) != 1 || !c.Consent["analyse_text"] || len(c.Interactions) != 3 || c.Sentiment.Overall != -2.3 {
			t.Errorf("context of %s is %+v", id, c)
		}
	}
	var whole event.Journey
	if status := s.get(t, "/v1/journeys/j_0", &whole); status != http.StatusOK || whole.Version != j.Version || len(whole.Curve) != len(j.Curve) {
		t.Errorf("journey: %d, version %d", status, whole.Version)
	}
	h.publish(t, event.Journeys().Tombstone(j.Customer, ""))
	eventually(t, "the journey is forgotten", func() bool { return s.get(t, "/v1/journeys/j_0", nil) == http.StatusNotFound })
}

func TestFeedback(t *testing.T) {
	h := open(t)
	s := h.serve(t, "")
	h.publish(t, event.Alerts().Message(alertOf(1)), event.Suggestions().Message(event.Suggestion{ID: "s1", Tenant: "default", Customer: "c1", At: time.Now(), Title: "Call back"}),
		event.Suggestions().Message(event.Suggestion{ID: "s2", Tenant: "elsewhere", Customer: "c1", At: time.Now()}))
	eventually(t, "the alert", func() bool {
		var list dashboards.AlertList
		s.get(t, "/v1/alerts?state=open&severity=critical&interaction=i1", &list)
		return len(list.Alerts) == 1 && list.Alerts[0].ID == "a1"
	})
	h.caughtUp(t, s)
	for _, path := range []string{"/v1/suggestions/none/feedback", "/v1/suggestions/s2/feedback", "/v1/alerts/none/acknowledge"} {
		if status := s.post(t, path, `{"displayed":true}`, nil); status != http.StatusNotFound {
			t.Errorf("%s: %d", path, status)
		}
	}
	for body, field := range map[string]string{
		`{"correctness":"MAYBE"}`: "#/correctness", `{"outcome":"lost"}`: "#/outcome", `{}`: "#", ``: "#", `{"agent":"a1"}`: "#", `{"displayed":"yes"}`: "#/displayed", `[]`: "#",
	} {
		var p struct{ Errors []struct{ Pointer string } }
		if status := s.post(t, "/v1/suggestions/s1/feedback", body, &p); status != http.StatusBadRequest || len(p.Errors) != 1 || p.Errors[0].Pointer != field {
			t.Errorf("%s: %d %+v", body, status, p)
		}
	}
	if status := s.post(t, "/v1/suggestions/s1/feedback", `{"agent":"`+strings.Repeat("x", 20<<10)+`"}`, nil); status != http.StatusRequestEntityTooLarge {
		t.Errorf("a long body: %d", status)
	}
	var first, again, other event.Feedback
	const useful = `{"agent":"a7","displayed":true,"clicked":true,"correctness":"FULLY","outcome":"accepted"}`
	if status := s.post(t, "/v1/suggestions/s1/feedback", useful, &first); status != http.StatusCreated || first.Customer != "c1" || first.Suggestion != "s1" || first.ID == "" {
		t.Fatalf("feedback: %d %+v", status, first)
	}
	eventually(t, "the same again is no event", func() bool { return s.post(t, "/v1/suggestions/s1/feedback", useful, &again) == http.StatusOK })
	if again.ID != first.ID {
		t.Errorf("the same again is %s, not %s", again.ID, first.ID)
	}
	if status := s.post(t, "/v1/suggestions/s1/feedback", `{"agent":"a7","displayed":true,"outcome":"dismissed"}`, &other); status != http.StatusCreated || other.ID == first.ID {
		t.Errorf("a change of mind: %d %s", status, other.ID)
	}
	if status := s.post(t, "/v1/alerts/a1/acknowledge", `{"agent":"lead-2"}`, nil); status != http.StatusCreated {
		t.Errorf("acknowledge: %d", status)
	}
	eventually(t, "the alert is closed", func() bool {
		var open, closed dashboards.AlertList
		s.get(t, "/v1/alerts?state=open", &open)
		s.get(t, "/v1/alerts?state=acknowledged", &closed)
		return len(open.Alerts) == 0 && len(closed.Alerts) == 1 && closed.Alerts[0].By == "lead-2"
	})
	// A repetition may overtake the hub; it then has the id of the first.
	kept := map[string]bool{}
	for p := range 4 {
		if _, err := bus.Replay(soon(t), h.bus, event.Feedbacks().Source, p, func(r bus.Record[event.Feedback]) error { kept[r.Value.ID] = true; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if len(kept) != 3 {
		t.Errorf("%d feedbacks on the topic, want 3", len(kept))
	}
}

func TestOverview(t *testing.T) {
	h := open(t)
	s := h.serve(t, "")
	past := analysed(1000, 0.8)
	past.Turn.Received = time.Now().Add(-68 * time.Minute)
	h.publish(t, features(0, 20)...)
	h.publish(t, event.AnalysedTurns().Message(past), event.Alerts().Message(alertOf(1)), event.Interactions().Message(change(2, event.Abandoned)))
	h.caughtUp(t, s)
	var o dashboards.Overview
	eventually(t, "the figures", func() bool {
		s.get(t, "/v1/overview", &o)
		return o.Alerts == 1 && o.OpenTotal == 8 && o.Sentiment != nil && o.HourAgo != nil
	})
	if o.Critical != 1 || o.Open[event.WhatsApp] != 8 || *o.Sentiment != -2.5 || *o.HourAgo != 4 {
		t.Errorf("overview is %+v, sentiment %v and %v", o, *o.Sentiment, *o.HourAgo)
	}
}

type tenantKey struct{}

// TestTenants gives each request the tenant that its header names.
func TestTenants(t *testing.T) {
	h := open(t)
	s := h.serve(t, "", func(_ *dashboards.HubConfig, c *dashboards.Config) {
		c.Tenant = func(ctx context.Context) string { name, _ := ctx.Value(tenantKey{}).(string); return name }
		c.Access = func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), tenantKey{}, r.Header.Get("X-Tenant"))))
			})
		}
	})
	h.publish(t, append(features(0, 9), event.Alerts().Message(alertOf(1)), event.Journeys().Message(thread(time.Now())))...)
	ask := func(tenant, path string) int {
		req, err := http.NewRequestWithContext(soon(t), http.MethodGet, s.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Tenant", tenant)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		return answer(t, resp, nil)
	}
	for _, path := range []string{"/v1/interactions/i1", "/v1/interactions/i1/turns", "/v1/journeys/j_0", "/v1/customers/c_scene_0/context"} {
		eventually(t, path, func() bool { return ask("default", path) == http.StatusOK })
		if status := ask("other", path); status != http.StatusNotFound {
			t.Errorf("%s shows another tenant's data: %d", path, status)
		}
	}
}

// memory is a store that can be taken away.
type memory struct {
	mu   sync.Mutex
	rows map[string][]string
	gone bool
}

func (m *memory) Rows(_ context.Context, query string, _ map[string]any) ([]json.RawMessage, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.gone {
		return nil, errors.New("connection refused")
	}
	var rows []json.RawMessage
	for _, r := range m.rows[query] {
		rows = append(rows, json.RawMessage(r))
	}
	return rows, nil
}

// TestStored merges what is live with what is stored, and lives without the store.
func TestStored(t *testing.T) {
	h := open(t)
	m := &memory{rows: map[string][]string{
		dashboards.QueryInteractions: {`{"id":"i1","channel":"sms","state":"ended","started":"2026-01-01T00:00:00Z","last":"2026-01-01T00:00:00Z","turns":1}`,
			`{"id":"old","channel":"sms","state":"ended","started":"2026-01-01T00:00:00Z","last":"2026-01-01T00:00:00Z","turns":4,"sentiment":-1.5}`},
		dashboards.QueryInteraction: {`{"id":"old","channel":"sms","state":"ended","turns":4}`},
		dashboards.QueryTurns: {`{"id":"t1","at":"2026-01-01T00:00:00Z"}`, `{"id":"told","at":"2026-01-01T00:00:00Z","text":"long ago","role":"customer","sentiment":0.5,"intents":["a"],"intent_probabilities":[0.7],` +
			`"out_of_scope":0.25,"categories":["leaves"],"category_probabilities":[0.8],"acoustics":"{\"pitch_hz\":180}"}`},
		dashboards.QueryCustomerJourney: {`{"document":"{\"id\":\"j9\",\"customer\":\"c9\",\"intents\":[{\"name\":\"x\"}]}"}`},
		dashboards.QueryAdvice:          {`{"customer":"c9"}`},
	}}
	s := h.serve(t, "", func(_ *dashboards.HubConfig, c *dashboards.Config) { c.Store = m })
	h.publish(t, event.AnalysedTurns().Message(analysed(1, 0)))
	var list dashboards.InteractionList
	eventually(t, "both", func() bool {
		s.get(t, "/v1/interactions", &list)
		return len(list.Interactions) == 2 && list.Interactions[0].Live
	})
	if !list.Complete || list.Interactions[0].ID != "i1" || !list.Interactions[0].Live || list.Interactions[1].Live || *list.Interactions[1].Sentiment != -1.5 {
		t.Errorf("merged list is %+v", list)
	}
	var turns dashboards.TurnList
	s.get(t, "/v1/interactions/i1/turns", &turns)
	var first event.Features
	if len(turns.Turns) != 2 || json.Unmarshal(turns.Turns[0], &first) != nil || first.Turn.Text != "long ago" || first.Sentiment.Score != 0.5 || first.Intents[0].Name != "a" ||
		len(first.Categories) != 1 || first.Categories[0] != (event.Label{Name: "leaves", Probability: 0.8}) || first.OutOfScope != 0.25 || first.Turn.Acoustics.PitchHz != 180 {
		t.Errorf("merged turns are %s", turns.Turns)
	}
	var c dashboards.Context
	if status := s.get(t, "/v1/customers/c9/context", &c); status != http.StatusOK || c.Journey != "j9" || len(c.Open) != 1 {
		t.Errorf("stored context: %d %+v", status, c)
	}
	if status := s.post(t, "/v1/suggestions/any/feedback", `{"clicked":true}`, nil); status != http.StatusCreated {
		t.Errorf("feedback on stored advice: %d", status)
	}
	m.mu.Lock()
	m.gone = true
	m.mu.Unlock()
	if status := s.get(t, "/v1/interactions", &list); status != http.StatusOK || list.Complete || len(list.Interactions) != 1 || !strings.Contains(list.Why, "does not answer") {
		t.Errorf("without the store: %d %+v", status, list)
	}
	if status := s.get(t, "/v1/interactions/old", nil); status != http.StatusNotFound {
		t.Errorf("without the store an old interaction is %d", status)
	}
}

// A telephone gives no name; the journey of who wrote before has one.
func TestWhoCallsIsNamed(t *testing.T) {
	h := open(t)
	s := h.serve(t, "")
	call := change(1, event.Started)
	call.Channel, call.Name = event.Voice, ""
	h.publish(t, event.Interactions().Message(call), event.Journeys().Message(event.Journey{ID: "j1", Tenant: "default", Customer: call.Customer, Version: 2, Name: "Ada",
		Cause: event.Cause{Type: "interaction", Change: event.Started, Interaction: call.Interaction}, Interactions: []event.InteractionState{{ID: call.Interaction, Channel: event.Voice}}}))
	var got dashboards.Interaction
	eventually(t, "the name of who calls", func() bool {
		return s.get(t, "/v1/interactions/"+call.Interaction, &got) == http.StatusOK && got.Name == "Ada"
	})
}
