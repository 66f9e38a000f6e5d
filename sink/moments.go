package sink

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"throughline/moment"
)

// Moments reads columns of what policy saw, in no order, of the rows for which
// the condition where (SQL) holds. The Moment that visit gets is used again for
// the next row, its other columns are zero, and an error of visit ends the reading.
func (s *Store) Moments(ctx context.Context, columns []moment.Column, where string, visit func(*moment.Moment) error) error {
	var m moment.Moment
	names, cells := make([]string, len(columns)), make([]any, len(columns))
	for i, c := range columns {
		names[i], cells[i] = c.Name(), c.Into(&m)
	}
	rows, err := s.conn.Query(ctx, "SELECT "+strings.Join(names, ", ")+" FROM moments WHERE "+where)
	if err != nil {
		return fmt.Errorf("read moments: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(cells...); err != nil {
			return fmt.Errorf("read moments: %w", err)
		}
		if err := visit(&m); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read moments: %w", err)
	}
	return nil
}

// Judged reads what people thought of the alerts and suggestions of rules: good
// or not, by rule and interaction. What nobody judged is left out.
func (s *Store) Judged(ctx context.Context, tenant string, since, until time.Time, visit func(rule, interaction string, good bool) error) error {
	rows, err := s.Rows(ctx, "judged", map[string]any{"tenant": tenant, "since": since.UnixMilli(), "until": until.UnixMilli()})
	if err != nil {
		return err
	}
	for _, row := range rows {
		var r struct {
			Rule        string `json:"rule"`
			Interaction string `json:"interaction"`
			Good        bool   `json:"good"`
		}
		if err := json.Unmarshal(row, &r); err != nil {
			return fmt.Errorf("query judged: %w", err)
		}
		if err := visit(r.Rule, r.Interaction, r.Good); err != nil {
			return err
		}
	}
	return nil
}
