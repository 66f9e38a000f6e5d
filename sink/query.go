package sink

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// queries are what the screens and the API ask. They are files so that QA can
// read them, and run them with the parameters filled in.
//
//go:embed queries/*.sql
var queries embed.FS

// ErrNoQuery says that no query has the name that was asked for.
var ErrNoQuery = errors.New("no such query")

// Rows runs a named query. Each row comes as one JSON object whose fields are
// the query's columns; args are its @parameters.
func (s *Store) Rows(ctx context.Context, query string, args map[string]any) ([]json.RawMessage, error) {
	sql, err := queries.ReadFile("queries/" + query + ".sql")
	if err != nil {
		return nil, fmt.Errorf("%w: %q", ErrNoQuery, query)
	}
	named := make([]any, 0, len(args))
	for name, v := range args {
		named = append(named, clickhouse.Named(name, v))
	}
	rows, err := s.conn.Query(ctx, string(sql), named...)
	if err != nil {
		return nil, fmt.Errorf("query %s: %w", query, err)
	}
	defer rows.Close()
	names, types := rows.Columns(), rows.ColumnTypes()
	var all []json.RawMessage
	for rows.Next() {
		cells := make([]any, len(types))
		for i, t := range types {
			cells[i] = reflect.New(t.ScanType()).Interface()
		}
		if err := rows.Scan(cells...); err != nil {
			return nil, fmt.Errorf("query %s: %w", query, err)
		}
		row := make(map[string]any, len(cells))
		for i, cell := range cells {
			row[names[i]] = cell
		}
		encoded, err := json.Marshal(row)
		if err != nil {
			return nil, fmt.Errorf("query %s: %w", query, err)
		}
		all = append(all, encoded)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("query %s: %w", query, err)
	}
	return all, nil
}
