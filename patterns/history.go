package patterns

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// History answers named queries over what is stored; each row comes as one JSON
// object whose fields are named as the query's columns. sink.Store does.
type History interface {
	Rows(ctx context.Context, query string, args map[string]any) ([]json.RawMessage, error)
}

// The queries that a History must know. Times are milliseconds since 1970.
const (
	QueryCounts    = "pattern_counts"    // tenant, since, until
	QuerySentiment = "pattern_sentiment" // tenant, since, until
	QueryTurns     = "pattern_turns"     // tenant, since, until, limit
	QueryExamples  = "pattern_examples"  // tenant, since, until, subject, dimension, value, sign, limit
	QueryTenants   = "pattern_tenants"   // since
)

// place is where something is counted: a queue, a product, a channel, or all.
type place struct{ Dimension, Value string }

// hourly is a row of QueryCounts or QuerySentiment.
type hourly struct {
	Hour           int64 // seconds since 1970
	Dimension      string
	Value          string
	Subject        string
	N              float64
	Total, Squares float64
}

func rows[T any](ctx context.Context, h History, query string, args map[string]any) ([]T, error) {
	raw, err := h.Rows(ctx, query, args)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", query, err)
	}
	out := make([]T, len(raw))
	for i, r := range raw {
		if err := json.Unmarshal(r, &out[i]); err != nil {
			return nil, fmt.Errorf("ask %s: row is not of its form: %w", query, err)
		}
	}
	return out, nil
}

// span is the hours that are looked at: history up to since, the window up to until.
type span struct{ start, since, until time.Time }

func (s span) hours() int             { return int((s.until.Sub(s.start) + time.Hour - 1) / time.Hour) }
func (s span) hour(seconds int64) int { return int(time.Unix(seconds, 0).Sub(s.start) / time.Hour) }

func (s span) args(tenant string) map[string]any {
	return map[string]any{"tenant": tenant, "since": s.start.UnixMilli(), "until": s.until.UnixMilli()}
}

func (s span) series(k kind) *series {
	return &series{kind: k, start: s.start, window: int(s.since.Sub(s.start) / time.Hour), of: make([]float64, s.hours()), sum: make([]float64, s.hours())}
}

// begun leaves out the hours before anything is known: an installation of two
// weeks has no four weeks of silence behind it.
func (s span) begun(all []hourly) span {
	first := s.since
	for _, r := range all {
		if at := time.Unix(r.Hour, 0).UTC(); at.Before(first) {
			first = at
		}
	}
	s.start = first
	return s
}
