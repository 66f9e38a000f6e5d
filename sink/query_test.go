package sink_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"throughline/event"
	"throughline/sink"
)

// TestQueries stores a small day and asks everything that can be asked of it.
func TestQueries(t *testing.T) {
	h := open(t)
	defer h.run(t)()
	day := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	for n := range 6 {
		i := fmt.Sprint("i", n)
		began := day.Add(time.Duration(n) * time.Minute)
		started := event.Interaction{ID: "xs" + i, Tenant: "default", Customer: "c" + i, Interaction: i, Channel: event.Voice, Change: event.Started, At: began, Received: began, Handle: "+49…17", Queue: "billing"}
		over := started
		over.ID, over.Change, over.At, over.Reason = "xe"+i, event.Ended, began.Add(30*time.Second), "solved"
		said := turn(100+n, began.Add(10*time.Second))
		said.Interaction, said.Customer, said.Channel = i, "c"+i, event.Voice
		answered := said
		answered.ID, answered.Role, answered.At = said.ID+"a", event.Agent, began.Add(20*time.Second)
		h.publish(t, event.Interactions().Message(started), cleared(t, said), cleared(t, answered),
			event.AnalysedTurns().Message(event.Features{ID: "f" + i, Turn: said, Model: "m", Sentiment: &event.Sentiment{Score: float64(n)/5 - 0.5, Neutral: 1},
				Intents: []event.Label{{Name: []string{"refund", "order_status"}[n%2], Probability: 0.8}}, OutOfScope: 0.25,
				Categories: []event.Label{{Name: "leaves", Probability: 0.5}}}),
			event.AnalysedTurns().Message(event.Features{ID: "fa" + i, Turn: answered, Model: "m"}))
		if n < 4 {
			h.publish(t, event.Interactions().Message(over))
		}
	}
	j := event.Journey{ID: "j1", Tenant: "default", Customer: "ci1", Version: 1, State: event.JourneyOpen, Opened: day, Updated: day}
	newer := j
	newer.Version, newer.Turns = 2, 7
	h.publish(t, event.Journeys().Message(j), event.Journeys().Message(newer),
		event.Alerts().Message(event.Alert{ID: "a1", Tenant: "default", Customer: "ci1", Interaction: "i1", At: day, Severity: event.Critical}),
		event.Alerts().Message(event.Alert{ID: "a2", Tenant: "default", Customer: "ci1", Interaction: "i1", At: day}),
		event.Feedbacks().Message(event.Feedback{ID: "fb", Tenant: "default", Customer: "ci1", Suggestion: "a2", At: day, Outcome: "acknowledged"}),
		event.Suggestions().Message(event.Suggestion{ID: "s1", Tenant: "default", Customer: "ci2", At: day}))
	h.eventually(t, 10, "SELECT count() FROM interactions")
	h.eventually(t, 12, "SELECT count() FROM features")
	h.eventually(t, 12, "SELECT count() FROM turns")
	h.eventually(t, 2, "SELECT max(version) FROM journeys")
	h.eventually(t, 2, "SELECT count() FROM alerts")
	h.eventually(t, 2, "SELECT count() + (SELECT count() FROM suggestions) FROM feedback")

	all := func(change map[string]any) map[string]any {
		args := map[string]any{"tenant": "default", "channel": "", "intent": "", "state": "", "since": int64(0), "until": int64(1) << 42, "min": -6.0, "max": 6.0, "scored": 0, "before": int64(1) << 50, "before_id": "", "limit": 10}
		for k, v := range change {
			args[k] = v
		}
		return args
	}
	tests := []struct {
		query string
		args  map[string]any
		rows  int
	}{
		{"interactions", all(nil), 6},
		{"interactions", all(map[string]any{"limit": 2}), 2},
		{"interactions", all(map[string]any{"tenant": "other"}), 0},
		{"interactions", all(map[string]any{"channel": "voice"}), 6},
		{"interactions", all(map[string]any{"channel": "sms"}), 0},
		{"interactions", all(map[string]any{"intent": "refund"}), 3},
		{"interactions", all(map[string]any{"intent": "x' OR 1=1 --"}), 0},
		{"interactions", all(map[string]any{"state": "over"}), 4},
		{"interactions", all(map[string]any{"state": "open"}), 2},
		{"interactions", all(map[string]any{"scored": 1, "min": 0.0, "max": 5.0}), 3},
		{"interactions", all(map[string]any{"since": day.Add(4 * time.Minute).UnixMilli()}), 2},
		{"interactions", all(map[string]any{"until": day.Add(time.Minute).UnixMilli()}), 1},
		{"interactions", all(map[string]any{"before": day.Add(90 * time.Second).UnixMilli(), "before_id": "i1"}), 1},
		{"interactions", all(map[string]any{"before": day.Add(90 * time.Second).UnixMilli(), "before_id": "i0"}), 2},
		{"interaction", map[string]any{"tenant": "default", "id": "i1"}, 1},
		{"interaction", map[string]any{"tenant": "other", "id": "i1"}, 0},
		{"turns", map[string]any{"tenant": "default", "interaction": "i1", "after": int64(0), "after_id": "", "limit": 10}, 2},
		{"turns", map[string]any{"tenant": "default", "interaction": "i1", "after": day.Add(70 * time.Second).UnixMilli(), "after_id": "zz", "limit": 10}, 1},
		{"journey", map[string]any{"tenant": "default", "id": "j1"}, 1},
		{"customer_journey", map[string]any{"tenant": "default", "customer": "ci1"}, 1},
		{"customer_journey", map[string]any{"tenant": "default", "customer": "nobody"}, 0},
		{"advice", map[string]any{"tenant": "default", "id": "s1"}, 1},
		{"advice", map[string]any{"tenant": "default", "id": "a1"}, 1},
		{"advice", map[string]any{"tenant": "default", "id": "none"}, 0},
	}
	for _, tt := range tests {
		rows, err := h.store.Rows(context.Background(), tt.query, tt.args)
		if err != nil || len(rows) != tt.rows {
			t.Errorf("%s %v: %d rows, %v; want %d", tt.query, tt.args, len(rows), err, tt.rows)
		}
	}
	heard, err := h.store.Rows(context.Background(), "turns", map[string]any{"tenant": "default", "interaction": "i1", "after": int64(0), "after_id": "", "limit": 1})
	if err != nil || len(heard) != 1 || !strings.Contains(string(heard[0]), `"categories":["leaves"],"category_probabilities":[0.5]`) ||
		!strings.Contains(string(heard[0]), `"out_of_scope":0.25`) {
		t.Errorf("turns %s, %v: want what was understood", heard, err)
	}
	one(t, h, "interaction", map[string]any{"tenant": "default", "id": "i1"}, map[string]any{
		"id": "i1", "customer": "ci1", "channel": "voice", "state": "ended", "reason": "solved", "handle": "+49…17", "queue": "billing", "started": "2026-11-20T09:01:00Z",
		"last": "2026-11-20T09:01:30Z", "ended": "2026-11-20T09:01:30Z", "last_turn": "2026-11-20T09:01:20Z", "turns": 2.0, "scored": 1.0, "intent": "order_status", "alerts": 1.0,
	})
	one(t, h, "interaction", map[string]any{"tenant": "default", "id": "i5"}, map[string]any{"state": "open", "ended": nil, "alerts": 0.0})
	var document struct{ Document string }
	rows, err := h.store.Rows(context.Background(), "journey", map[string]any{"tenant": "default", "id": "j1"})
	if err != nil || json.Unmarshal(rows[0], &document) != nil {
		t.Fatal(err)
	}
	var latest event.Journey
	if err := json.Unmarshal([]byte(document.Document), &latest); err != nil || latest.Turns != 7 {
		t.Errorf("the journey is %s, %v", document.Document, err)
	}
	if _, err := h.store.Rows(context.Background(), "../migrations/0001_tables", nil); !errors.Is(err, sink.ErrNoQuery) {
		t.Errorf("an unknown query: %v", err)
	}
}

// one compares some columns of the only row of a query.
func one(t *testing.T, h house, query string, args, want map[string]any) {
	t.Helper()
	rows, err := h.store.Rows(context.Background(), query, args)
	if err != nil || len(rows) != 1 {
		t.Fatalf("%s: %d rows, %v", query, len(rows), err)
	}
	var got map[string]any
	if err := json.Unmarshal(rows[0], &got); err != nil {
		t.Fatal(err)
	}
	for name, v := range want {
		if got[name] != v {
			t.Errorf("%s: %s is %v, want %v", query, name, got[name], v)
		}
	}
}
