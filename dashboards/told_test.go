package dashboards_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"gonum.org/v1/gonum/mat"

	"throughline/assist/summary"
	"throughline/dashboards"
	"throughline/event"
	"throughline/nlp"
	"throughline/nlp/floor"
	"throughline/problem"
)

// summaries answers for summaries of what a server tells, as cmd/throughline wires it.
func summaries(tb testing.TB, api *dashboards.Server) *summary.Server {
	tb.Helper()
	reader, err := floor.Open()
	if err != nil {
		tb.Fatal(err)
	}
	of := func(find func(context.Context, string, string) (dashboards.Told, error)) func(context.Context, string, string) (summary.Conversation, error) {
		return func(ctx context.Context, tenant, id string) (summary.Conversation, error) {
			told, err := find(ctx, tenant, id)
			c := summary.Conversation{ID: id, Turns: told.Turns, State: told.State, Why: told.Reason}
			if told.Journey != nil {
				c.Open = told.Journey.Intents
			}
			return c, err
		}
	}
	return summary.NewServer(summary.ServerConfig{
		Maker: summary.Extractor{Model: reader.Name(), Like: func(ctx context.Context, texts []string) (mat.Symmetric, error) {
			return nlp.Likeness(ctx, reader, texts)
		}},
		Interaction: of(api.Interaction), Journey: of(api.Journey),
		Tenant: func(context.Context) string { return "default" }, Logger: slog.New(slog.DiscardHandler),
	})
}

// shelf is a store that holds turns, and a journey, that are no longer live.
type shelf struct {
	broken error
	asked  map[string]int
}

func (s shelf) Rows(_ context.Context, query string, args map[string]any) ([]json.RawMessage, error) {
	if s.broken != nil {
		return nil, s.broken
	}
	s.asked[query]++
	row := func(v any) []json.RawMessage {
		b, _ := json.Marshal(v)
		return []json.RawMessage{b}
	}
	switch {
	case query == dashboards.QueryInteraction && args["id"] == "old":
		return row(map[string]any{"id": "old", "customer": "c1", "state": "ended", "reason": "solved"}), nil
	case query == dashboards.QueryTurns && args["interaction"] == "old" && args["after_id"] == "":
		var all []json.RawMessage
		for n := range 2001 { // one more than a page
			all = append(all, row(map[string]any{"id": fmt.Sprintf("o%04d", n), "role": "customer", "text": "My parcel number is lost", "at": time.Unix(int64(n), 0).UTC()})...)
		}
		return all, nil
	case query == dashboards.QueryTurns && args["interaction"] == "old":
		return row(map[string]any{"id": "o2000", "role": "customer", "text": "My parcel number is lost", "at": time.Unix(2000, 0).UTC()}), nil
	case query == dashboards.QueryJourney && args["id"] == "j1", query == dashboards.QueryCustomerJourney && args["customer"] == "c1":
		j, _ := json.Marshal(event.Journey{ID: "j1", Tenant: "default", Customer: "c1", State: event.JourneyWaiting,
			Interactions: []event.InteractionState{{ID: "old"}, {ID: "i1"}}, Intents: []event.OpenIntent{{Name: "refund", Turn: "t1"}}})
		return row(map[string]string{"document": string(j)}), nil
	}
	return nil, nil
}

func TestToldIsLiveAndStored(t *testing.T) {
	h := open(t)
	store := shelf{asked: map[string]int{}}
	s := h.serve(t, "", func(_ *dashboards.HubConfig, c *dashboards.Config) { c.Store = store })
	h.publish(t, event.AnalysedTurns().Message(analysed(1, -0.5)), event.AnalysedTurns().Message(analysed(10, 0.5)))
	eventually(t, "both turns are live", func() bool { return s.seen(t) == 2 })

	live, err := s.api.Interaction(t.Context(), "default", "i1")
	if err != nil || len(live.Turns) != 2 || live.State != dashboards.StateOpen || live.Journey == nil || live.Journey.ID != "j1" {
		t.Errorf("live: %d turns, %+v (%v)", len(live.Turns), live, err)
	}
	old, err := s.api.Interaction(t.Context(), "default", "old")
	if err != nil || len(old.Turns) != 2001 || old.Turns[2000].Turn.ID != "o2000" || old.State != "ended" || old.Reason != "solved" {
		t.Errorf("stored: %d turns, state %s (%v)", len(old.Turns), old.State, err)
	}
	way, err := s.api.Journey(t.Context(), "default", "j1")
	if err != nil || len(way.Turns) != 2003 || way.State != "waiting" || !way.Turns[0].Turn.At.Before(way.Turns[2002].Turn.At) {
		t.Errorf("journey: %d turns (%v)", len(way.Turns), err)
	}
	for name, find := range map[string]func(context.Context, string, string) (dashboards.Told, error){"interaction": s.api.Interaction, "journey": s.api.Journey} {
		var p *problem.Problem
		if _, err := find(t.Context(), "default", "none"); !errors.As(err, &p) || p.Status != http.StatusNotFound {
			t.Errorf("unknown %s: %v", name, err)
		}
	}
	if _, err := s.api.Interaction(t.Context(), "elsewhere", "i1"); err == nil {
		t.Error("another tenant's interaction was told")
	}
	var made summary.Summary
	if status := s.post(t, "/v1/interactions/i1/summary", "", &made); status != http.StatusOK || len(made.Sentences) == 0 || !made.Sentences[0].Open {
		t.Errorf("summary: %d %+v", status, made)
	}
	broken := h.serve(t, "", func(_ *dashboards.HubConfig, c *dashboards.Config) { c.Store = shelf{broken: errors.New("away")} })
	eventually(t, "what is live is told without the store", func() bool {
		told, err := broken.api.Interaction(t.Context(), "default", "i1")
		return err == nil && len(told.Turns) == 2 && told.Journey == nil
	})
}
