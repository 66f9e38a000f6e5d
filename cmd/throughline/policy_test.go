package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"throughline/assist"
	"throughline/assist/scenario"
	"throughline/problem"
)

// TestShippedPolicyDecidesAlikeOnEveryChannel plays the shipped scenarios by the
// product's own gate, models and journeys.
func TestShippedPolicyDecidesAlikeOnEveryChannel(t *testing.T) {
	p, err := assist.LoadFile("")
	if err != nil {
		t.Fatal(err)
	}
	all, err := scenario.Default()
	if err != nil {
		t.Fatal(err)
	}
	parts, err := productParts("")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, s := range all {
		res, err := scenario.Run(context.Background(), s, p, parts)
		if err != nil {
			t.Fatal(err)
		}
		for _, problem := range res.Problems {
			t.Errorf("%s: %s", s.Name, problem)
		}
		for _, row := range res.Rows {
			seen[row.Rule] = true
			if row.Purpose && row.Rule != "recording_disclosed" {
				t.Errorf("%s: %s decides by channel", s.Name, row.Rule)
			}
		}
	}
	if len(seen) < 9 {
		t.Errorf("only %d of %d rules are played", len(seen), len(p.Rules()))
	}
}

func TestPolicyVerbs(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string { return written(t, dir, name, text) }
	uneven := file("uneven.yaml", "rules:\n  - {name: r, when: 'turn.kind == \"utterance\"', alert: {title: x}}\n")
	broken := file("broken.yaml", "rules:\n  - {name: r, when: turn.mood, alert: {title: x}}\n")
	told := file("told.yaml", "rules:\n  - {name: r, when: turn.scored, webhook: {target: crm}}\n")
	settings := file("settings.yaml", "outgoing: {targets: [{name: desk, url: 'https://desk.example/in', format: generic}]}\n")
	tryVerbs(t, policy, map[string]tryVerb{
		"check":                {[]string{"check"}, ""},
		"check broken":         {[]string{"check", broken}, "broken.yaml:2:25: rule r: undefined field 'mood'"},
		"check target":         {[]string{"check", told}, ""},
		"check no such target": {[]string{"check", "--config", settings, told}, `told.yaml:2:5: rule r: webhook: target "crm" is not one of outgoing.targets (desk)`},
		"test uneven":          {[]string{"test", uneven}, "scenarios fail"},
		"activate broken":      {[]string{"activate", broken}, "broken.yaml:2:25"},
		"activate nowhere":     {[]string{"activate", "--url", "http://127.0.0.1:1", uneven}, "is throughline serve running there?"},
		"backtest bad since":   {[]string{"backtest", "--since", "soon"}, "--since"},
		"backtest long ago":    {[]string{"backtest", "--since", "99999999d"}, "--since"},
		"backtest examples":    {[]string{"backtest", "--examples", "-1"}, "--examples -1"},
		"list at no address":   {[]string{"list", "--url", "127.0.0.1:8080"}, `policy list: invalid value "127.0.0.1:8080" for flag -url: write it as http://127.0.0.1:8080`},
		"show words":           {[]string{"show", "--url", "http://127.0.0.1:1", "default", "3", "7fb2393d"}, "/v1/policy?version=default+3+7fb2393d"},
		"roll back words":      {[]string{"rollback", "--url", "http://127.0.0.1:1/", "default", "3", "7fb2393d"}, "http://127.0.0.1:1/v1/policy/rollbacks?version=default+3+7fb2393d"},
		"backtest broken":      {[]string{"backtest", "--policy", broken}, "broken.yaml:2:25"},
		"not a verb":           {[]string{"enforce"}, "not a verb"},
		"scenario not there":   {[]string{"test", "--scenario", filepath.Join(dir, "none.yaml")}, "read scenarios"},
		"policy is not there":  {[]string{"check", filepath.Join(dir, "none.yaml")}, "read policy"},
		"backtest needs store": {[]string{"backtest", "--config", file("c.yaml", "clickhouse: {url: 'http://127.0.0.1:1'}\n")}, "is throughline serve running"},
	})
}

// tryVerb is a command line, and what its error holds; empty: none.
type tryVerb struct {
	args []string
	want string
}

func tryVerbs(t *testing.T, run func(context.Context, []string) error, all map[string]tryVerb) {
	for name, c := range all {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
			defer cancel()
			err := run(ctx, c.args)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func written(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestRefusalsAreTold asks somebody who refuses, for whatever reason.
func TestRefusalsAreTold(t *testing.T) {
	for name, c := range map[string]struct {
		verb func(context.Context, []string) error
		says error
		want string
	}{
		"a place in a file": {listPolicies, &problem.Problem{Title: "Not sound", Status: 422, Detail: "See errors.", Errors: []problem.Field{{Line: 3, Column: 9, Detail: "no such field"}}}, "Not sound: See errors.\n3:9: no such field"},
		"a parameter":       {showPatterns, problem.Invalid(problem.Field{Pointer: "?since", Detail: "must be a time"}), "\n?since must be a time"},
		"no problem":        {listPolicies, nil, "GET /v1/policy/versions: 404 Not Found"},
	} {
		t.Run(name, func(t *testing.T) {
			web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if c.says == nil {
					http.NotFound(w, r)
					return
				}
				problem.Write(w, problem.Of(c.says))
			}))
			defer web.Close()
			if err := c.verb(t.Context(), []string{"--url", web.URL + "/"}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
