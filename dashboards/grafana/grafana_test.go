package grafana_test

import (
	"context"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"throughline/sink"
	"throughline/sink/embedded"
	"throughline/sink/sinktest"
)

func TestMain(m *testing.M) { os.Exit(sinktest.Main(m)) }

type dashboard struct {
	Panels []struct {
		Title   string
		Targets []struct {
			RawSQL string `json:"rawSql"`
		}
	}
	Templating struct {
		List []struct{ Type, Query string }
	}
}

// expand writes SQL as the plugin sends it: $__timeFilter(c) and $__dateFilter(c)
// bound a column, ${tenant} is the variable.
func expand(sql string) string {
	sql = regexp.MustCompile(`\$__timeFilter\(([^)]+)\)`).ReplaceAllString(sql, "$1 >= toDateTime(1790000000) AND $1 <= toDateTime(1800000000)")
	sql = regexp.MustCompile(`\$__dateFilter\(([^)]+)\)`).ReplaceAllString(sql, "$1 >= toDate('2026-01-01') AND $1 <= toDate('2027-12-31')")
	return strings.ReplaceAll(sql, "${tenant}", "default")
}

// TestQueriesRun runs every query of the dashboard as the reader that QA uses.
func TestQueriesRun(t *testing.T) {
	raw, err := os.ReadFile("throughline.json")
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}
	engine, _ := sinktest.Open(t)
	reader, err := clickhouse.Open(&clickhouse.Options{Protocol: clickhouse.HTTP, Addr: []string{engine.Addr()}, Auth: clickhouse.Auth{Username: embedded.DefaultReader, Database: sink.DefaultDatabase}})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	run := func(title, sql string) {
		limit, stop := context.WithTimeout(t.Context(), 90*time.Second)
		defer stop()
		rows, err := reader.Query(limit, expand(sql))
		if err == nil {
			for rows.Next() {
			}
			err = rows.Err()
			rows.Close()
		}
		if err != nil || strings.Contains(expand(sql), "$") {
			t.Errorf("%s: %v\n%s", title, err, expand(sql))
		}
	}
	queries := 0
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			run(p.Title, target.RawSQL)
			queries++
		}
	}
	for _, v := range d.Templating.List {
		if v.Type == "query" {
			run("variable", v.Query)
			queries++
		}
	}
	if queries < 10 {
		t.Errorf("only %d queries were run", queries)
	}
}
