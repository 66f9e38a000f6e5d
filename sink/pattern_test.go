package sink_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"throughline/event"
)

// TestPatternQueries stores two days of one queue and compares every row that
// the search for patterns asks for.
func TestPatternQueries(t *testing.T) {
	h := open(t)
	defer h.run(t)()
	day := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	for n := range 4 {
		i := fmt.Sprint("p", n)
		began := day.Add(time.Duration(n/2) * 24 * time.Hour)
		said := turn(300+n, began.Add(10*time.Second))
		said.Interaction, said.Customer, said.Text = i, "c"+i, fmt.Sprint("where is my order ", n)
		again := said
		again.ID, again.At, again.Text = said.ID+"b", began.Add(2*time.Hour), "hm"
		f := event.Features{ID: "pf" + i, Turn: said, Model: "m", Sentiment: &event.Sentiment{Score: 0.5}, Intents: []event.Label{{Name: "refund", Probability: 0.5 + float64(n)/10}, {Name: "order", Probability: 0.3}},
			Entities: []event.Entity{{Type: "PRODUCT", Text: "x2", Value: "Router X2"}, {Type: "ORDER", Text: "17", Value: "17"}}}
		g := event.Features{ID: "pg" + i, Turn: again, Model: "m", Sentiment: &event.Sentiment{Score: -0.5}, OutOfScope: 0.9, Intents: []event.Label{{Name: "refund", Probability: 0.4}}}
		if n == 3 {
			f.Intents, g.Intents = nil, nil
		}
		h.publish(t, event.Interactions().Message(event.Interaction{ID: "px" + i, Tenant: "default", Customer: "c" + i, Interaction: i, Channel: event.WhatsApp, Change: event.Started, At: began, Received: began, Queue: "billing"}),
			cleared(t, said), cleared(t, again), event.AnalysedTurns().Message(f), event.AnalysedTurns().Message(g))
	}
	h.publish(t, event.Patterns().Message(event.Pattern{ID: "p_1", Tenant: "default", Kind: event.PatternIntent, Subject: "refund", At: day, Interactions: [2]int{3, 4}, Examples: []string{"t1"}}))
	h.eventually(t, 8, "SELECT count() FROM features")
	h.eventually(t, 8, "SELECT count() FROM turns")
	h.eventually(t, 4, "SELECT count() FROM interactions")
	h.eventually(t, 4, "SELECT sum(interactions_after) FROM patterns WHERE has(examples, 't1')")

	span := func(more map[string]any) map[string]any {
		args := map[string]any{"tenant": "default", "since": day.UnixMilli(), "until": day.Add(72 * time.Hour).UnixMilli()}
		for k, v := range more {
			args[k] = v
		}
		return args
	}
	ask := func(query string, args map[string]any) []map[string]any {
		t.Helper()
		rows, err := h.store.Rows(context.Background(), query, args)
		if err != nil {
			t.Fatal(err)
		}
		out := make([]map[string]any, len(rows))
		for i, r := range rows {
			if err := json.Unmarshal(r, &out[i]); err != nil {
				t.Fatal(err)
			}
		}
		return out
	}
	counted := map[string]float64{}
	for _, r := range ask("pattern_counts", span(nil)) {
		counted[fmt.Sprintf("%v|%v|%v|%v", (int64(r["hour"].(float64))-day.Unix())/3600, r["dimension"], r["value"], r["subject"])] = r["n"].(float64)
	}
	for key, want := range map[string]float64{"0|||": 2, "24|||": 2, "0|||refund": 2, "24|||refund": 1, "0|queue|billing|order": 2, "24|queue|billing|": 2, "0|product|Router X2|refund": 2, "24|||out of scope": 2} {
		if counted[key] != want {
			t.Errorf("%s: %v, want %v of %v", key, counted[key], want, counted)
		}
	}
	if len(counted) != 3*(4+4) {
		t.Errorf("%d rows: %v", len(counted), counted)
	}
	scored := ask("pattern_sentiment", span(nil))
	if len(scored) != 2*4 || scored[0]["n"] != 2.0 || scored[0]["total"] != 0.0 {
		t.Errorf("sentiment: %v", scored)
	}
	turns := ask("pattern_turns", span(map[string]any{"limit": 1}))
	if len(turns) != 1 || turns[0]["of"] != 1.0 || turns[0]["text"] != "where is my order 3" {
		t.Errorf("turns that no intent explains: %v", turns)
	}
	for name, c := range map[string]struct {
		subject, dimension, value string
		sign, rows                int
		first                     string
	}{
		"an intent":          {"refund", "", "", 1, 3, "where is my order 2"},
		"in a queue":         {"refund", "queue", "billing", 1, 3, "where is my order 2"},
		"in another":         {"refund", "queue", "sales", 1, 0, ""},
		"of a product":       {"order", "product", "Router X2", 1, 3, "where is my order"},
		"good words":         {"", "channel", "whatsapp", 1, 4, "where is my order"},
		"bad words":          {"", "", "", -1, 4, "hm"},
		"nothing explains":   {"out of scope", "", "", 1, 4, "hm"},
		"another's channel":  {"", "channel", "voice", 1, 0, ""},
		"an injected intent": {"x' OR 1=1 --", "", "", 1, 0, ""},
	} {
		rows := ask("pattern_examples", span(map[string]any{"subject": c.subject, "dimension": c.dimension, "value": c.value, "sign": c.sign, "limit": 10}))
		if len(rows) != c.rows || len(rows) > 0 && rows[0]["text"].(string)[:len(c.first)] != c.first {
			t.Errorf("%s: %v, want %d, first %q", name, rows, c.rows, c.first)
		}
	}
	if tenants := ask("pattern_tenants", map[string]any{"since": day.UnixMilli()}); len(tenants) != 1 || tenants[0]["tenant"] != "default" {
		t.Errorf("tenants: %v", tenants)
	}
	if tenants := ask("pattern_tenants", map[string]any{"since": day.Add(96 * time.Hour).UnixMilli()}); len(tenants) != 0 {
		t.Errorf("tenants of tomorrow: %v", tenants)
	}
}
