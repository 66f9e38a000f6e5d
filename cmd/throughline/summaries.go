package main

import (
	"context"
	"fmt"
	"net/http"

	"gonum.org/v1/gonum/mat"

	"throughline/assist/summary"
	"throughline/dashboards"
	"throughline/governance/access"
	"throughline/nlp"
	"throughline/nlp/floor"
)

// routeSummaries answers for summaries of what the dashboards hold, ranked by the
// model that reads turns here, or by the floor where nothing does.
func (h *house) routeSummaries(mux *http.ServeMux, told *dashboards.Server) error {
	reader, err := h.ranker()
	if err != nil {
		return fmt.Errorf("summaries: %w", err)
	}
	maker := summary.Writer{Extractor: summary.Extractor{Model: reader.Name(), Like: func(ctx context.Context, texts []string) (mat.Symmetric, error) {
		return nlp.Likeness(ctx, reader, texts)
	}}}
	if h.model != nil {
		maker.Model = h.model
	}
	server := summary.NewServer(summary.ServerConfig{Maker: maker, Logger: h.log,
		Interaction: conversation(told.Interaction), Journey: conversation(told.Journey),
		Tenant: func(ctx context.Context) string { return access.Of(ctx).Tenant },
	})
	for pattern, answer := range server.Routes() {
		mux.Handle(pattern, h.guard.Require(access.Supervisor, access.Agent)(answer))
	}
	return nil
}

// ranker reads what is not read turn by turn.
func (h *house) ranker() (nlp.Reader, error) {
	if h.read != nil {
		return h.read.reader, nil
	}
	return floor.Open()
}

// conversation is what was told, as summaries take it: with the promises and open
// wants of its own turns.
func conversation(find func(ctx context.Context, tenant, id string) (dashboards.Told, error)) func(context.Context, string, string) (summary.Conversation, error) {
	return func(ctx context.Context, tenant, id string) (summary.Conversation, error) {
		told, err := find(ctx, tenant, id)
		if err != nil {
			return summary.Conversation{}, err
		}
		c := summary.Conversation{ID: id, Turns: told.Turns, State: told.State, Why: told.Reason}
		if told.Journey == nil {
			return c, nil
		}
		for _, f := range told.Journey.Facts {
			if f.Kind == "promised" {
				c.Promises = append(c.Promises, f)
			}
		}
		c.Open = told.Journey.Intents
		if r := told.Journey.Scores.Resolution; r != nil {
			c.Resolved = &r.Value
		}
		return c, nil
	}
}
