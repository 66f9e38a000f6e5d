package flaw_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"throughline/flaw"
)

// TestWithin looks for the letter X in the value of a key, as a compiler would,
// and expects it where it stands in the file, but for the indent of a block.
func TestWithin(t *testing.T) {
	for name, c := range map[string]struct {
		file         string
		line, column int
	}{
		"plain":         {"a: b X", 1, 6},
		"single quotes": {"a: 'b X'", 1, 7},
		"double quotes": {"a: \"b X\"", 1, 7},
		"block":         {"a: |\n  b &&\n  cX", 3, 2},
		"folded block":  {"a: >\n  b X", 2, 3},
		"over lines":    {"a: 'b\n\n  X'", 2, 1},
	} {
		var root yaml.Node
		if err := yaml.Unmarshal([]byte(c.file), &root); err != nil {
			t.Fatal(err)
		}
		value := root.Content[0].Content[1]
		before, _, _ := strings.Cut(value.Value, "X")
		line := strings.Count(before, "\n") + 1
		column := len(before) - strings.LastIndex(before, "\n") - 1
		if got, want := flaw.Within(value, line, column), (flaw.Place{Line: c.line, Column: c.column}); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

// TestOfYAML decodes files that do not fit.
func TestOfYAML(t *testing.T) {
	for name, c := range map[string]struct{ file, want string }{
		"syntax":   {"names: [\n", "f.yaml:1:7: did not find expected node content"},
		"no text":  {"\x01", "f.yaml:1:7: control characters are not allowed"},
		"a list":   {"name: [a, hunter2]\n", "f.yaml:1:7: a list where a text belongs"},
		"a number": {"names: 4\n", "f.yaml:1:7: a number where a list belongs"},
		"a truth":  {"name: a\non: hunter2\n", "f.yaml:2:1: a text where true or false belongs"},
		"a count":  {"count: [1]\n", "f.yaml:1:7: a list where a number belongs"},
		"two":      {"name: []\n\ncount: many\n", "f.yaml:1:7: a list where a text belongs\nf.yaml:3:1: a text where a number belongs"},
	} {
		var into struct {
			Name  string
			Names []string
			On    bool
			Count int
		}
		var problems []error
		for _, f := range flaw.OfYAML(yaml.Unmarshal([]byte(c.file), &into), flaw.Place{Line: 1, Column: 7}) {
			problems = append(problems, f)
		}
		if err := flaw.In("f.yaml", errors.Join(problems...)); err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

// TestSecond looks for documents that nobody would read.
func TestSecond(t *testing.T) {
	for name, c := range map[string]struct{ file, want string }{
		"nothing":         {"", "<nil>"},
		"one":             {"a: 1\n", "<nil>"},
		"one, begun":      {"---\na: 1\n", "<nil>"},
		"one, and a line": {"a: 1\n---\n# nothing more\n", "<nil>"},
		"one, ended":      {"a: 1\n...\n", "<nil>"},
		"two":             {"a: 1\n---\n\nb: 2\n", "f:4:1: a second document begins here, and nothing of it would hold: take out the line of --- before it"},
		"third":           {"a: 1\n---\n---\nb: 2\n", "f:4:1: a second document begins here, and nothing of it would hold: take out the line of --- before it"},
		"two, one broken": {"a: 1\n---\nb: [\n", "f:3:1: did not find expected node content"},
	} {
		if got := fmt.Sprint(flaw.In("f", flaw.Second([]byte(c.file)))); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestNames wraps flaws as their finders do.
func TestNames(t *testing.T) {
	at := func(reason string) error { return flaw.At(flaw.Place{Line: 2, Column: 3}, "%s", reason) }
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"bare":                {at("x"), "line 2, column 3: x"},
		"of a field":          {flaw.InField("when", at("x")), "line 2, column 3: when: x"},
		"of an inner field":   {flaw.InField("rules", flaw.InField("when", at("x"))), "line 2, column 3: when: x"},
		"of a part":           {flaw.InField("rules", flaw.InPart("rule a", at("x"))), "line 2, column 3: rule a: x"},
		"of a file":           {flaw.In("f", flaw.InPart("rule a", flaw.InField("when", at("x")))), "f:2:3: rule a: when: x"},
		"several":             {flaw.In("f", errors.Join(at("x"), at("z"))), "f:2:3: x\nf:2:3: z"},
		"no flaw, of a file":  {flaw.In("f", errors.New("x")), "f: x"},
		"no flaw, of a part":  {flaw.InPart("rule a", errors.New("x")), "x"},
		"nothing, of a file":  {flaw.In("f", nil), "<nil>"},
		"nothing, of a field": {flaw.InField("f", nil), "<nil>"},
	} {
		if got := fmt.Sprint(c.err); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
