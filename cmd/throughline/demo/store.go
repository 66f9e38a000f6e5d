package demo

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// findings are what an outside program finds of a round once it was played.
type findings struct {
	turns    []turnRow
	features map[string]int // rows, by turn
	statuses map[status]int // rows, by turn and status
	changes  map[[2]string]int
	advice   []adviceRow
	journeys []journeyRow
	optedOut map[string]bool // customers
	calls    []callRow
	uttered  map[[2]string]int // turns with words, by interaction and role
	// speechless is why calls do not become words here, "" where they do.
	speechless string
	leaks      []Leak
	searched   int64 // bytes on disk
}

type turnRow struct {
	Provider    string   `json:"provider"`
	ID          string   `json:"id"`
	Customer    string   `json:"customer"`
	Interaction string   `json:"interaction"`
	Kind        string   `json:"kind"`
	Redacted    []string `json:"redacted"`
}

type adviceRow struct {
	ID       string `json:"id"`
	Customer string `json:"customer"`
	Rule     string `json:"rule"`
	What     string `json:"what"` // alert or suggestion
}

type journeyRow struct {
	ID       string   `json:"id"`
	Customer string   `json:"customer"`
	Channels []string `json:"channels"`
}

// store asks ClickHouse over HTTP, as QA does.
type store struct {
	url    *url.URL
	client *http.Client
}

// database is what is asked where the address names none.
const database = "throughline"

func newStore(address string) (*store, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("clickhouse address: %w", err)
	}
	q := u.Query()
	if q.Get("database") == "" {
		q.Set("database", database)
	}
	u.RawQuery = q.Encode()
	if u.Path == "" {
		u.Path = "/"
	}
	return &store{url: u, client: &http.Client{Timeout: 30 * time.Second}}, nil
}

// ask runs one statement and reads its rows. Params are pairs.
func ask[T any](ctx context.Context, s *store, sql string, params ...string) ([]T, error) {
	u := *s.url
	q := u.Query()
	for i := 0; i+1 < len(params); i += 2 {
		q.Set("param_"+params[i], params[i+1])
	}
	u.RawQuery = q.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), strings.NewReader(sql+" FORMAT JSONEachRow"))
	if err != nil {
		return nil, fmt.Errorf("ask clickhouse: %w", err)
	}
	resp, err := s.client.Do(req)
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err // without the address, which holds the password
	}
	if err != nil {
		return nil, fmt.Errorf("ask clickhouse: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("ask clickhouse: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("ask clickhouse: %d %s", resp.StatusCode, firstLine(body))
	}
	var rows []T
	for dec := json.NewDecoder(bytes.NewReader(body)); ; {
		var row T
		if err := dec.Decode(&row); err == io.EOF {
			return rows, nil
		} else if err != nil {
			return nil, fmt.Errorf("read clickhouse rows: %w", err)
		}
		rows = append(rows, row)
	}
}

func firstLine(body []byte) string {
	line, _, _ := bytes.Cut(bytes.TrimSpace(body), []byte("\n"))
	return string(line[:min(len(line), 300)])
}

// ours are the rows of turns that a round made.
const ours = `at >= toDateTime64({since:String}, 3, 'UTC') AND position(provider, {run:String}) > 0`

// find reads what is there of a round, all but the search for leaks.
func (s *store) find(ctx context.Context, run string, since time.Time) (findings, error) {
	f := findings{features: map[string]int{}, statuses: map[status]int{}, changes: map[[2]string]int{}, optedOut: map[string]bool{}, uttered: map[[2]string]int{}}
	params := []string{"run", run, "since", since.UTC().Add(-time.Minute).Format("2006-01-02 15:04:05")}
	var err error
	if f.turns, err = ask[turnRow](ctx, s, `SELECT provider, id, customer, interaction, kind, redacted FROM turns WHERE `+ours, params...); err != nil {
		return f, err
	}
	type counted struct {
		A string `json:"a"`
		B string `json:"b"`
		N int    `json:"n"`
	}
	rows, err := ask[counted](ctx, s, `SELECT turn AS a, toUInt32(count()) AS n FROM features WHERE turn IN (SELECT id FROM turns WHERE `+ours+`) GROUP BY a`, params...)
	if err != nil {
		return f, err
	}
	for _, r := range rows {
		f.features[r.A] = r.N
	}
	if rows, err = ask[counted](ctx, s, `SELECT message AS a, status AS b, toUInt32(count()) AS n FROM interactions
		WHERE change = 'delivery' AND message IN (SELECT id FROM turns WHERE `+ours+`) GROUP BY a, b`, params...); err != nil {
		return f, err
	}
	for _, r := range rows {
		f.statuses[status{r.A, r.B}] = r.N
	}
	if rows, err = ask[counted](ctx, s, `SELECT interaction AS a, change AS b, toUInt32(count()) AS n FROM interactions
		WHERE change != 'delivery' AND interaction IN (SELECT interaction FROM turns WHERE `+ours+`) GROUP BY a, b`, params...); err != nil {
		return f, err
	}
	for _, r := range rows {
		f.changes[[2]string{r.A, r.B}] = r.N
	}
	if f.advice, err = ask[adviceRow](ctx, s, `SELECT id, customer, rule, what FROM (SELECT id, customer, rule, 'alert' AS what FROM alerts
		UNION ALL SELECT id, customer, rule, 'suggestion' AS what FROM suggestions) WHERE customer IN (SELECT customer FROM turns WHERE `+ours+`)`, params...); err != nil {
		return f, err
	}
	if f.journeys, err = ask[journeyRow](ctx, s, `SELECT id, customer, channels FROM journeys_now WHERE customer IN (SELECT customer FROM turns WHERE `+ours+`)`, params...); err != nil {
		return f, err
	}
	refused, err := ask[counted](ctx, s, `SELECT customer AS a FROM consents WHERE purpose = 'market' AND NOT allowed
		AND customer IN (SELECT customer FROM turns WHERE `+ours+`) GROUP BY a`, params...)
	if err != nil {
		return f, err
	}
	for _, r := range refused {
		f.optedOut[r.A] = true
	}
	return f, s.findCalls(ctx, &f, params)
}

// leaks searches every column of every table that can hold text. The needles
// are written as hexadecimal: a server that logs its queries would otherwise
// hold, from then on, what it was asked for. Control is a text that must be
// there; where it is not found the search is worth nothing.
func (s *store) leaks(ctx context.Context, needles []string, control string) ([]Leak, error) {
	tables, err := ask[struct {
		Table   string   `json:"table"`
		Columns []string `json:"columns"`
	}](ctx, s, `SELECT table, groupArray(name) AS columns FROM system.columns WHERE database = currentDatabase() AND position(type, 'String') > 0
		AND table IN (SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree') GROUP BY table ORDER BY table`)
	if err != nil {
		return nil, err
	}
	var leaks []Leak
	controlled := false
	for _, t := range tables {
		for some := range slices.Chunk(needles, mostNeedles) {
			found, err := s.search(ctx, t.Table, t.Columns, some)
			if err != nil {
				return nil, err
			}
			for i, n := range found {
				if n > 0 {
					leaks = append(leaks, Leak{Where: "clickhouse " + t.Table + "." + t.Columns[i], Times: n})
				}
			}
		}
		found, err := s.search(ctx, t.Table, t.Columns, []string{control})
		if err != nil {
			return nil, err
		}
		controlled = controlled || slices.Max(found) > 0
	}
	if !controlled {
		return nil, errors.New("search clickhouse: not even the ids of what was sent are found: is it the right database?")
	}
	return leaks, nil
}

// mostNeedles is below what multiSearchAny takes, 255.
const mostNeedles = 200

// search counts the rows of each column that hold one of needles.
func (s *store) search(ctx context.Context, table string, columns, needles []string) ([]int, error) {
	hexed, counts := make([]string, len(needles)), make([]string, len(columns))
	for i, n := range needles {
		hexed[i] = "unhex('" + hex.EncodeToString([]byte(n)) + "')"
	}
	for i, c := range columns {
		counts[i] = "toUInt32(countIf(multiSearchAny(toString(" + quoted(c) + "), needles)))"
	}
	rows, err := ask[struct {
		N []int `json:"n"`
	}](ctx, s, "WITH ["+strings.Join(hexed, ", ")+"] AS needles SELECT ["+strings.Join(counts, ", ")+"] AS n FROM "+quoted(table))
	if err != nil {
		return nil, fmt.Errorf("search %s: %w", table, err)
	}
	if len(rows) != 1 || len(rows[0].N) != len(columns) {
		return nil, fmt.Errorf("search %s: the answer is of another shape", table)
	}
	return rows[0].N, nil
}

func quoted(name string) string { return "`" + strings.ReplaceAll(name, "`", "\\`") + "`" }
