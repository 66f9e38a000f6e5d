package flaw

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// OfYAML gives an error of package yaml, or of a value that reads itself, its
// place. Package yaml tells lines only.
func OfYAML(err error, otherwise Place) []*Flaw {
	if flaws := All(err); len(flaws) > 0 {
		return flaws
	}
	reasons := []string{strings.TrimPrefix(err.Error(), "yaml: ")}
	if e, ok := errors.AsType[*yaml.TypeError](err); ok {
		reasons = e.Errors
	}
	var out []*Flaw
	for _, reason := range reasons {
		at := otherwise
		if _, scanErr := fmt.Sscanf(reason, "line %d:", &at.Line); scanErr == nil {
			_, reason, _ = strings.Cut(reason, ": ")
			if at.Line != otherwise.Line {
				at.Column = 1
			}
		}
		out = append(out, At(at, "%s", plain(reason)))
	}
	return out
}

// Second is a flaw where a file holds a second document after a line of ---, which
// package yaml would pass over in silence; nil where there is none.
func Second(file []byte) error {
	dec := yaml.NewDecoder(bytes.NewReader(file))
	for n := 1; ; n++ {
		var document yaml.Node
		switch err := dec.Decode(&document); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return OfYAML(err, Start())[0]
		case n > 1 && len(document.Content) > 0 && document.Content[0].Tag != "!!null":
			return At(Of(document.Content[0]), "a second document begins here, and nothing of it would hold: take out the line of --- before it")
		}
	}
}

var (
	unknownKey = regexp.MustCompile(`^field (\S+) not found in type `)
	otherType  = regexp.MustCompile(`(?s)^cannot unmarshal !!(\w+).* into (\S+)$`)
)

// plain says what is wrong in the words of whoever wrote the file, not by the
// program's types. Values are not repeated: one of them may be a password.
func plain(reason string) string {
	if m := unknownKey.FindStringSubmatch(reason); m != nil {
		return fmt.Sprintf("unknown key %q", m[1])
	}
	if m := otherType.FindStringSubmatch(reason); m != nil {
		return found(m[1]) + " where " + wanted(m[2]) + " belongs"
	}
	return reason
}

// found names a kind of YAML node.
func found(tag string) string {
	switch tag {
	case "seq":
		return "a list"
	case "map":
		return "a section"
	case "int", "float":
		return "a number"
	case "bool":
		return "true or false"
	}
	return "a text"
}

// wanted names what a Go type takes.
func wanted(typ string) string {
	switch {
	case strings.HasPrefix(typ, "[]"):
		return "a list"
	case typ == "time.Duration":
		return "a duration such as 90s or 24h"
	case typ == "bool":
		return "true or false"
	case typ == "string":
		return "a text"
	case strings.HasPrefix(typ, "int"), strings.HasPrefix(typ, "uint"), strings.HasPrefix(typ, "float"):
		return "a number"
	}
	return "a section"
}

// UnknownKeys finds the keys of a mapping, and of what it holds, that t has no
// field for.
func UnknownKeys(n *yaml.Node, t reflect.Type) []*Flaw {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if n.Kind != yaml.MappingNode || t.Kind() != reflect.Struct {
		return nil
	}
	fields := map[string]reflect.Type{}
	for i := range t.NumField() {
		if name := t.Field(i).Tag.Get("yaml"); name != "" {
			fields[name] = t.Field(i).Type
		}
	}
	if len(fields) == 0 {
		return nil
	}
	var out []*Flaw
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if of, ok := fields[key.Value]; ok {
			out = append(out, UnknownKeys(value, of)...)
		} else {
			out = append(out, Unknown(key, fields))
		}
	}
	return out
}

// Unknown is a key that is none of those known.
func Unknown[T any](key *yaml.Node, known map[string]T) *Flaw {
	return At(Of(key), "unknown key %q: there are %s", key.Value, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
}
