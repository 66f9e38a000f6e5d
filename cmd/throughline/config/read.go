package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"gopkg.in/yaml.v3"

	"throughline/flaw"
)

// read fills v, a struct, from a YAML file. Every flaw is told, with its place and
// in the words of whoever wrote the file: keys, not the program's types. Values
// are not repeated: one of them may be a password.
func read(file []byte, v reflect.Value) error {
	var root yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(file))
	switch err := dec.Decode(&root); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return joined(flaw.OfYAML(err, flaw.Start()))
	}
	flaws := reader{}.take(&root, v, "")
	return joined(append(flaws, flaw.All(flaw.Second(file))...))
}

func joined(flaws []*flaw.Flaw) error {
	errs := make([]error, len(flaws))
	for i, f := range flaws {
		errs[i] = f
	}
	return errors.Join(errs...)
}

// reader holds the aliases that are being read, since one may lead to itself.
type reader map[*yaml.Node]bool

// take puts what stands at key into v. An empty value leaves the default.
func (r reader) take(n *yaml.Node, v reflect.Value, key string) (flaws []*flaw.Flaw) {
	switch element := elementOf(v.Type()); {
	case n.Kind == yaml.DocumentNode:
		return r.take(n.Content[0], v, key)
	case n.Kind == yaml.AliasNode && r[n.Alias]:
		return append(flaws, flaw.At(flaw.Of(n), "%s*%s stands within what it names", said(key), n.Value))
	case n.Kind == yaml.AliasNode:
		r[n.Alias] = true
		defer delete(r, n.Alias)
		return r.take(n.Alias, v, key)
	case n.Tag == "!!null":
		return nil
	case v.Kind() == reflect.Struct && !isLeaf(v):
		return r.section(n, v, key)
	case v.Kind() == reflect.Slice && element == reflect.Struct && n.Kind == yaml.SequenceNode:
		list := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
		for i, item := range n.Content {
			flaws = append(flaws, r.take(item, list.Index(i), fmt.Sprintf("%s[%d]", key, i))...)
		}
		v.Set(list)
		return flaws
	case v.Kind() == reflect.Map && element == reflect.Struct && n.Kind == yaml.MappingNode:
		of := reflect.MakeMap(v.Type())
		for i := 0; i+1 < len(n.Content); i += 2 {
			value := reflect.New(v.Type().Elem()).Elem()
			flaws = append(flaws, r.take(n.Content[i+1], value, key+"."+n.Content[i].Value)...)
			of.SetMapIndex(reflect.ValueOf(n.Content[i].Value).Convert(v.Type().Key()), value)
		}
		v.Set(of)
		return flaws
	}
	if err := n.Decode(v.Addr().Interface()); err != nil {
		for _, f := range flaw.OfYAML(err, flaw.Of(n)) {
			flaws = append(flaws, flaw.At(f.Place, "%s: %s", key, f.Said()))
		}
	}
	return flaws
}

// elementOf is the kind of what a list or map holds.
func elementOf(t reflect.Type) reflect.Kind {
	if t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		return t.Elem().Kind()
	}
	return reflect.Invalid
}

// section takes the keys of a mapping. Merged keys (<<) give way to its own.
func (r reader) section(n *yaml.Node, v reflect.Value, key string) (flaws []*flaw.Flaw) {
	if n.Kind != yaml.MappingNode {
		what := "a list"
		if n.Kind == yaml.ScalarNode {
			what = "a value"
		}
		return append(flaws, flaw.At(flaw.Of(n), "%s%s where a section belongs, a line of its own for each key", said(key), what))
	}
	known, seen := members(v), map[string]bool{}
	for own := range 2 {
		for i := 0; i+1 < len(n.Content); i += 2 {
			k, value := n.Content[i], n.Content[i+1]
			if merged := k.Tag == "!!merge"; merged != (own == 0) {
				continue
			} else if merged {
				flaws = append(flaws, r.take(value, v, key)...)
				continue
			}
			at, full := flaw.Of(k), strings.TrimPrefix(key+"."+k.Value, ".")
			member, ok := known[k.Value]
			switch {
			case !ok:
				flaws = append(flaws, flaw.At(at, "%s is not a setting%s; throughline config default prints all of them", full, suggest(key, k.Value, known)))
			case seen[k.Value]:
				flaws = append(flaws, flaw.At(at, "%s is set a second time: keep one", full))
			default:
				flaws = append(flaws, r.take(value, member, full)...)
			}
			seen[k.Value] = true
		}
	}
	return flaws
}

// said begins a sentence about a key; the file as a whole has none.
func said(key string) string {
	if key == "" {
		return ""
	}
	return key + ": "
}

// members are the settings and sections right below v, by key.
func members(v reflect.Value) map[string]reflect.Value {
	out := map[string]reflect.Value{}
	for i := range v.NumField() {
		t := v.Type().Field(i)
		key, inline, ok := keyOf(t)
		switch {
		case !ok:
		case inline:
			for k, m := range members(v.Field(i)) {
				out[k] = m
			}
		default:
			out[key] = v.Field(i)
		}
	}
	return out
}

// keyOf is the key of a field in its section; ok is false where it has none.
func keyOf(t reflect.StructField) (key string, inline, ok bool) {
	key, options, _ := strings.Cut(t.Tag.Get("yaml"), ",")
	if !t.IsExported() || key == "-" {
		return "", false, false
	}
	if key == "" {
		key = strings.ToLower(t.Name)
	}
	return key, strings.Contains(options, "inline"), true
}
