package main

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// The arrows of docs/design.md: what a package may import of ours. A package
// stands under the longest matching prefix. Tests may import what they like.
func allowed() map[string][]string {
	stage := []string{"event", "bus"}
	with := func(more ...string) []string { return append(slices.Clone(stage), more...) }
	return map[string][]string{
		"event":      {},
		"problem":    {},
		"flaw":       {},
		"media":      {"media"},
		"native":     {"native"},
		"bus":        {"event", "bus"},
		"governance": {"event", "governance", "problem"},
		"ingest":     with("ingest", "governance", "media", "problem"),
		"transcribe": with("transcribe", "governance", "media", "native"),
		"nlp":        with("nlp", "flaw"),
		"journey":    with("journey"),
		// The command that fits scores to simulated customers has nlp read their words.
		"journey/score/train": with("journey", "nlp"),
		"moment":              {"event"},
		"outgoing":            with("outgoing"),
		"patterns":            {"event", "patterns", "problem"},
		"assist":              with("assist", "flaw", "moment", "problem"),
		"sink":                with("sink", "native", "moment"),
		"dashboards":          with("dashboards", "problem"),
		"eval":                {"event", "eval", "nlp", "governance/redact", "journey", "assist/summary", "transcribe", "media", "native"},
		"bench":               nil, // measures the whole house
		"cmd":                 nil, // the only place that knows everybody
		"dashboards/describe": nil, // writes the documents of the whole HTTP surface
	}
}

// foreign are modules that only one place may import.
func foreign() map[string][]string {
	return map[string][]string{
		"github.com/segmentio/kafka-go":       {"bus"},
		"github.com/twmb/franz-go":            {"bus/embedded"},
		"github.com/ClickHouse/clickhouse-go": {"sink"},
		"github.com/ClickHouse/ch-go":         {"sink"},
		"github.com/ebitengine/purego":        {"sink/embedded"},
		"github.com/sashabaranov/go-openai":   {"transcribe/openai", "assist/llm"},
		"github.com/pion/":                    {"media", "ingest/rtp", "ingest/siprec", "ingest/webrtc", "ingest/calls"},
		"github.com/emiago/sipgo":             {"ingest/siprec", "cmd/throughline/demo"},
		"github.com/yalue/onnxruntime_go":     {"transcribe", "nlp/encoder"},
		"github.com/google/cel-go":            {"assist", "nlp"},
	}
}

func TestArrows(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "throughline/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(strings.NewReader(string(out)))
	seen := 0
	for dec.More() {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		pkg := strings.TrimPrefix(p.ImportPath, "throughline/")
		if strings.HasSuffix(pkg, "test") {
			continue // support for tests
		}
		seen++
		top, _, _ := strings.Cut(pkg, "/")
		may, known := allowed()[pkg]
		if !known {
			may, known = allowed()[top]
		}
		if !known {
			t.Errorf("%s: no arrow is drawn for it in docs/design.md", pkg)
			continue
		}
		for _, imp := range p.Imports {
			ours, isOurs := strings.CutPrefix(imp, "throughline/")
			if isOurs && may != nil && !under(ours, may) {
				t.Errorf("%s imports %s", pkg, ours)
			}
			for module, only := range foreign() {
				if strings.HasPrefix(imp, module) && !under(pkg, only) {
					t.Errorf("%s imports %s; only %s may", pkg, imp, strings.Join(only, " and "))
				}
			}
			if top == "event" && strings.Contains(imp, ".") {
				t.Errorf("event imports %s; it may import the standard library only", imp)
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d packages were looked at", seen)
	}
}

func under(pkg string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return pkg == p || strings.HasPrefix(pkg, strings.TrimSuffix(p, "/")+"/") })
}
