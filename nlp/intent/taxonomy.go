package intent

import (
	"cmp"
	_ "embed"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"gopkg.in/yaml.v3"

	"throughline/flaw"
)

// Taxonomy is the user's intents.yaml.
type Taxonomy struct {
	Version string   `yaml:"version"`
	Intents []Intent `yaml:"intents"`
	// OutOfScope are examples of what is none of the intents: small talk, bare
	// answers, news. Fitting learns from them where to say nothing. A file without the
	// key has those of the shipped taxonomy: without any, a bare hello would be the
	// least unlikely of the intents. An empty list means none.
	OutOfScope []string `yaml:"out_of_scope"`
}

// Intent is something a customer may want.
type Intent struct {
	Name        string   `yaml:"name"`
	Description string   `yaml:"description"`
	Examples    []string `yaml:"examples"`
}

//go:embed intents.default.yaml
var defaultFile []byte

// Default is the shipped contact-centre taxonomy.
func Default() (Taxonomy, error) { return Parse(defaultFile) }

// DefaultFile is the shipped taxonomy as text, to start one's own from.
func DefaultFile() []byte { return append([]byte(nil), defaultFile...) }

// Limits of a taxonomy.
const (
	MinExamples = 3
	maxExample  = 1000 // bytes
	maxIntents  = 1000
)

// name is what an intent may be called: it becomes a column value and a CEL string.
const name = `^[a-z][a-z0-9_]{0,63}$`

// Parse reads a taxonomy. Every error is a *flaw.Flaw that says what to mend.
func Parse(file []byte) (Taxonomy, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(file, &root); err != nil {
		return Taxonomy{}, flaw.OfYAML(err, flaw.Start())[0]
	}
	if err := flaw.Second(file); err != nil {
		return Taxonomy{}, err
	}
	if len(root.Content) == 0 {
		return Taxonomy{}, flaw.At(flaw.Start(), "the file is empty: give version, intents and out_of_scope")
	}
	named, err := regexp.Compile(name)
	if err != nil {
		return Taxonomy{}, err
	}
	var t Taxonomy
	err = fields(root.Content[0], readers{
		"version": text(&t.Version),
		"out_of_scope": func(n *yaml.Node) (err error) {
			t.OutOfScope, err = examples(n, 0)
			return err
		},
		"intents": func(n *yaml.Node) (err error) {
			t.Intents, err = intents(n, named)
			return err
		},
	})
	if err == nil && len(t.Intents) < 2 {
		err = wrong(root.Content[0], "intents: there are %d, and telling apart needs two or more", len(t.Intents))
	}
	if err == nil && t.OutOfScope == nil {
		var shipped Taxonomy
		if shipped, err = Default(); err == nil {
			t.OutOfScope = shipped.OutOfScope
		}
	}
	if err != nil {
		return Taxonomy{}, err
	}
	return t, nil
}

func intents(n *yaml.Node, named *regexp.Regexp) ([]Intent, error) {
	if n.Kind != yaml.SequenceNode {
		return nil, wrong(n, "want a list, each item with name, description and examples")
	}
	if len(n.Content) > maxIntents {
		return nil, wrong(n, "there are %d, want at most %d", len(n.Content), maxIntents)
	}
	var out []Intent
	seen := make(map[string]int)
	for _, item := range n.Content {
		i, err := one(item, named)
		if line, twice := seen[i.Name]; err == nil && twice {
			err = wrong(item, "name is already on line %d", line)
		}
		if err != nil {
			return nil, flaw.InPart("intent "+cmp.Or(i.Name, fmt.Sprint("number ", len(out)+1)), err)
		}
		seen[i.Name] = item.Line
		out = append(out, i)
	}
	return out, nil
}

func one(n *yaml.Node, named *regexp.Regexp) (Intent, error) {
	var i Intent
	err := fields(n, readers{
		"name": func(n *yaml.Node) error {
			if err := text(&i.Name)(n); err != nil {
				return err
			}
			if !named.MatchString(i.Name) {
				return wrong(n, "want small letters, digits and _, beginning with a letter")
			}
			return nil
		},
		"description": text(&i.Description),
		"examples": func(n *yaml.Node) (err error) {
			i.Examples, err = examples(n, MinExamples)
			return err
		},
	})
	switch {
	case err != nil:
		return i, err
	case i.Name == "":
		return i, wrong(n, "name is missing")
	case i.Examples == nil:
		return i, wrong(n, "examples are missing: give %d or more", MinExamples)
	}
	return i, nil
}

// readers take in the value of each key that a mapping may have.
type readers map[string]func(*yaml.Node) error

// fields hands each value of a mapping to its reader and refuses unknown keys.
func fields(n *yaml.Node, known readers) error {
	if n.Kind != yaml.MappingNode {
		return wrong(n, "want a mapping of keys and values: %s", strings.Join(slices.Sorted(maps.Keys(known)), ", "))
	}
	seen := make(map[string]bool)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		read, ok := known[key.Value]
		if !ok {
			return flaw.Unknown(key, known)
		}
		if seen[key.Value] {
			return wrong(key, "key %q stands twice", key.Value)
		}
		seen[key.Value] = true
		if err := read(n.Content[i+1]); err != nil {
			return flaw.InField(key.Value, err)
		}
	}
	return nil
}

func text(into *string) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		if n.Kind != yaml.ScalarNode {
			return wrong(n, "want one text")
		}
		if n.Tag != "!!null" { // "~" and null are words of YAML's own: no text
			*into = strings.TrimSpace(n.Value)
		}
		return nil
	}
}

func examples(n *yaml.Node, atLeast int) ([]string, error) {
	if n.Kind != yaml.SequenceNode {
		return nil, wrong(n, "want a list of sentences")
	}
	out := make([]string, 0, len(n.Content))
	for _, item := range n.Content {
		var s string
		if err := text(&s)(item); err != nil {
			return nil, err
		}
		if s == "" || len(s) > maxExample {
			return nil, wrong(item, "an example of %d bytes, want 1 to %d", len(s), maxExample)
		}
		if !strings.ContainsFunc(s, telling) {
			return nil, wrong(item, "an example of punctuation alone: give words, as customers say them")
		}
		out = append(out, s)
	}
	if len(out) < atLeast {
		return nil, wrong(n, "there are %d, want %d or more", len(out), atLeast)
	}
	return out, nil
}

// telling tells what can have a meaning: letters, figures and emoji.
func telling(r rune) bool { return unicode.In(r, unicode.L, unicode.N, unicode.So) }

// wrong is what is wrong with a node, and what would be right.
func wrong(n *yaml.Node, format string, values ...any) error {
	return flaw.At(flaw.Of(n), format, values...)
}
