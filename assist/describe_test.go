package assist

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"throughline/moment"
)

var update = flag.Bool("update", false, "write docs/policy.md anew")

// TestDocumentedFields keeps the list of fields in docs/policy.md equal to what
// rules can see.
func TestDocumentedFields(t *testing.T) {
	var b strings.Builder
	b.WriteString("## What a rule sees\n")
	about := map[string]string{
		"turn":        "the turn that caused the change; empty in rules on interactions",
		"interaction": "the call or conversation that changed",
		"journey":     "the whole of what the customer is about, over all channels",
		"customer":    "whose journey it is",
	}
	part := ""
	for _, c := range moment.Columns() {
		if c.Part == "" {
			continue
		}
		if c.Part != part {
			part = c.Part
			fmt.Fprintf(&b, "\n**%s**: %s.\n\n| field | type | |\n|---|---|---|\n", part, about[part])
		}
		fmt.Fprintf(&b, "| `%s.%s` | %s | %s |\n", c.Part, c.Field, typeName(c.Type), c.About)
	}
	b.WriteString("\n**now**: when the cause happened, a timestamp.\n")
	const path = "../docs/policy.md"
	doc, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, _, _ := strings.Cut(string(doc), "## What a rule sees\n")
	want := head + b.String()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if string(doc) != want {
		t.Errorf("%s has drifted: go test ./assist -run DocumentedFields -update", path)
	}
}

func typeName(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return "timestamp"
	case t.Kind() == reflect.Slice:
		return "list of string"
	case t.Kind() == reflect.Int64:
		return "int"
	case t.Kind() == reflect.Float64:
		return "double"
	}
	return t.Kind().String()
}
