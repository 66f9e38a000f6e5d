package assist

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Wrong is one thing that is wrong with a policy file, and where.
type Wrong struct {
	Place
	Rule   string // empty: not of one rule
	Reason string // what is wrong and what would be right
	file   string
}

// Error names the place as editors read it: file:line:column.
func (w *Wrong) Error() string {
	in := ""
	if w.Rule != "" {
		in = "rule " + w.Rule + ": "
	}
	if w.file == "" {
		return fmt.Sprintf("line %d, column %d: %s%s", w.Line, w.Column, in, w.Reason)
	}
	return fmt.Sprintf("%s:%d:%d: %s%s", w.file, w.Line, w.Column, in, w.Reason)
}

func wrongAt(at Place, format string, args ...any) *Wrong {
	return &Wrong{Place: at, Reason: fmt.Sprintf(format, args...)}
}

// WrongsOf lists what Load found.
func WrongsOf(err error) []*Wrong {
	var out []*Wrong
	if list, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range list.Unwrap() {
			out = append(out, WrongsOf(e)...)
		}
		return out
	}
	if w, ok := errors.AsType[*Wrong](err); ok {
		out = append(out, w)
	}
	return out
}

// ofYAML gives an error of package yaml its place. It tells lines only.
func ofYAML(err error, otherwise Place) []*Wrong {
	if w := WrongsOf(err); len(w) > 0 {
		return w
	}
	reasons := []string{strings.TrimPrefix(err.Error(), "yaml: ")}
	if e, ok := errors.AsType[*yaml.TypeError](err); ok {
		reasons = e.Errors
	}
	var out []*Wrong
	for _, reason := range reasons {
		at := otherwise
		if _, scanErr := fmt.Sscanf(reason, "line %d:", &at.Line); scanErr == nil {
			_, reason, _ = strings.Cut(reason, ": ")
			if at.Line != otherwise.Line {
				at.Column = 1
			}
		}
		out = append(out, wrongAt(at, "%s", reason))
	}
	return out
}

// unknownKeys finds the keys of a mapping, and of what it holds, that t has no
// field for.
func unknownKeys(n *yaml.Node, t reflect.Type) []*Wrong {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if n.Kind != yaml.MappingNode || t.Kind() != reflect.Struct {
		return nil
	}
	fields := map[string]reflect.Type{}
	var known []string
	for i := range t.NumField() {
		if name := t.Field(i).Tag.Get("yaml"); name != "" {
			fields[name] = t.Field(i).Type
			known = append(known, name)
		}
	}
	if len(known) == 0 {
		return nil
	}
	slices.Sort(known)
	var out []*Wrong
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if of, ok := fields[key.Value]; ok {
			out = append(out, unknownKeys(value, of)...)
		} else {
			out = append(out, wrongAt(Place{key.Line, key.Column}, "unknown key %q: there are %s", key.Value, strings.Join(known, ", ")))
		}
	}
	return out
}
