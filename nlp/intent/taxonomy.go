package intent

import (
	_ "embed"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

// Taxonomy is the user's intents.yaml.
type Taxonomy struct {
	Version string   `yaml:"version"`
	Intents []Intent `yaml:"intents"`
	// OutOfScope are examples of what is none of the intents: small talk, bare
	// answers, news. Fitting learns from them where to say nothing.
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

// LineError is what is wrong with an intents file, and where.
type LineError struct {
	Line   int
	Reason string
}

func (e *LineError) Error() string { return fmt.Sprintf("intents file line %d: %s", e.Line, e.Reason) }

func at(n *yaml.Node, format string, values ...any) error {
	return &LineError{Line: n.Line, Reason: fmt.Sprintf(format, values...)}
}

// name is what an intent may be called: it becomes a column value and a CEL string.
const name = `^[a-z][a-z0-9_]{0,63}$`

// Parse reads a taxonomy. Every error is a *LineError that says what to mend.
func Parse(file []byte) (Taxonomy, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(file, &root); err != nil {
		return Taxonomy{}, syntax(err)
	}
	if len(root.Content) == 0 {
		return Taxonomy{}, &LineError{Line: 1, Reason: "the file is empty; want version, intents and out_of_scope"}
	}
	named, err := regexp.Compile(name)
	if err != nil {
		return Taxonomy{}, err
	}
	var t Taxonomy
	err = fields(root.Content[0], map[string]func(*yaml.Node) error{
		"version": func(n *yaml.Node) error { return text(n, &t.Version) },
		"out_of_scope": func(n *yaml.Node) (err error) {
			t.OutOfScope, err = examples(n, 0)
			return err
		},
		"intents": func(n *yaml.Node) error {
			if n.Kind != yaml.SequenceNode {
				return at(n, "intents must be a list")
			}
			if len(n.Content) > maxIntents {
				return at(n, "%d intents; at most %d", len(n.Content), maxIntents)
			}
			seen := make(map[string]int)
			for _, item := range n.Content {
				i, err := one(item, named)
				if err != nil {
					return err
				}
				if line, twice := seen[i.Name]; twice {
					return at(item, "intent %q is already on line %d", i.Name, line)
				}
				seen[i.Name] = item.Line
				t.Intents = append(t.Intents, i)
			}
			return nil
		},
	})
	if err != nil {
		return Taxonomy{}, err
	}
	if len(t.Intents) < 2 {
		return Taxonomy{}, at(root.Content[0], "%d intents; telling apart needs two or more", len(t.Intents))
	}
	return t, nil
}

func one(n *yaml.Node, named *regexp.Regexp) (Intent, error) {
	var i Intent
	err := fields(n, map[string]func(*yaml.Node) error{
		"name": func(n *yaml.Node) error {
			if err := text(n, &i.Name); err != nil {
				return err
			}
			if !named.MatchString(i.Name) {
				return at(n, "name %q: want small letters, digits and _, beginning with a letter", i.Name)
			}
			return nil
		},
		"description": func(n *yaml.Node) error { return text(n, &i.Description) },
		"examples": func(n *yaml.Node) (err error) {
			i.Examples, err = examples(n, MinExamples)
			return err
		},
	})
	switch {
	case err != nil:
		return i, err
	case i.Name == "":
		return i, at(n, "an intent without a name")
	case i.Examples == nil:
		return i, at(n, "intent %q has no examples; want %d or more", i.Name, MinExamples)
	}
	return i, nil
}

// fields hands each value of a mapping to its reader and refuses unknown keys.
func fields(n *yaml.Node, readers map[string]func(*yaml.Node) error) error {
	if n.Kind != yaml.MappingNode {
		return at(n, "want a mapping of keys and values")
	}
	seen := make(map[string]bool)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		read, ok := readers[key.Value]
		if !ok {
			return at(key, "unknown key %q", key.Value)
		}
		if seen[key.Value] {
			return at(key, "key %q stands twice", key.Value)
		}
		seen[key.Value] = true
		if err := read(n.Content[i+1]); err != nil {
			return err
		}
	}
	return nil
}

func text(n *yaml.Node, into *string) error {
	if n.Kind != yaml.ScalarNode {
		return at(n, "want one text")
	}
	*into = strings.TrimSpace(n.Value)
	return nil
}

func examples(n *yaml.Node, atLeast int) ([]string, error) {
	if n.Kind != yaml.SequenceNode {
		return nil, at(n, "want a list of sentences")
	}
	out := make([]string, 0, len(n.Content))
	for _, item := range n.Content {
		var s string
		if err := text(item, &s); err != nil {
			return nil, err
		}
		if s == "" || len(s) > maxExample {
			return nil, at(item, "an example of %d bytes; want 1 to %d", len(s), maxExample)
		}
		out = append(out, s)
	}
	if len(out) < atLeast {
		return nil, at(n, "%d examples; want %d or more", len(out), atLeast)
	}
	return out, nil
}

// syntax turns the YAML reader's own message ("yaml: line 4: …") into a LineError.
func syntax(err error) error {
	e := &LineError{Line: 1, Reason: strings.TrimPrefix(err.Error(), "yaml: ")}
	if rest, ok := strings.CutPrefix(e.Reason, "line "); ok {
		var line int
		if number, reason, ok := strings.Cut(rest, ": "); ok {
			if _, scanErr := fmt.Sscan(number, &line); scanErr == nil {
				e.Line, e.Reason = line, reason
			}
		}
	}
	var typed *yaml.TypeError
	if errors.As(err, &typed) && len(typed.Errors) > 0 {
		e.Reason = typed.Errors[0]
	}
	return e
}
