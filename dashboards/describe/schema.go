package main

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"
)

// schemas makes JSON Schema (2020-12, which OpenAPI 3.1 and AsyncAPI 3.0 share)
// of Go types as encoding/json writes them.
type schemas struct {
	words comments
	names []string // in order of first mention
	made  map[string]any
}

func newSchemas(words comments) *schemas { return &schemas{words: words, made: map[string]any{}} }

const refPrefix = "#/components/schemas/"

// of is the schema of t: a reference for a type with a name.
func (s *schemas) of(t reflect.Type) any {
	switch t {
	case reflect.TypeFor[time.Time]():
		return object{{"type", "string"}, {"format", "date-time"}}
	case reflect.TypeFor[json.RawMessage]():
		return object{}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.of(t.Elem())
	case reflect.Slice, reflect.Array:
		return s.list(t)
	case reflect.Map:
		return object{{"type", "object"}, {"additionalProperties", s.of(t.Elem())}}
	case reflect.Struct:
		return s.reference(t, func() any { return s.structure(t) })
	case reflect.String:
		if t.PkgPath() == "" {
			return object{{"type", "string"}}
		}
		return s.reference(t, func() any { return s.enumeration(t) })
	case reflect.Bool:
		return object{{"type", "boolean"}}
	case reflect.Float32, reflect.Float64:
		return object{{"type", "number"}}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return object{{"type", "integer"}, {"minimum", 0}}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return object{{"type", "integer"}}
	}
	return object{}
}

func (s *schemas) list(t reflect.Type) any {
	if t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 {
		return object{{"type", "string"}, {"contentEncoding", "base64"}}
	}
	items := s.of(t.Elem())
	if t.Kind() == reflect.Array {
		if t.Elem().Kind() == reflect.Pointer {
			items = object{{"anyOf", []any{items, object{{"type", "null"}}}}}
		}
		return object{{"type", "array"}, {"items", items}, {"minItems", t.Len()}, {"maxItems", t.Len()}}
	}
	return object{{"type", "array"}, {"items", items}}
}

// reference notes a named type once and points at it. Where two packages use
// one name, the second carries its package.
func (s *schemas) reference(t reflect.Type, build func() any) any {
	name := strings.ToUpper(t.Name()[:1]) + t.Name()[1:]
	if pkg := packageOf(t); pkg == "dashboards" && name != "Said" {
		if _, ok := s.words.types["event."+name]; ok {
			name = "Live" + name
		}
	}
	if _, ok := s.made[name]; !ok {
		s.made[name] = nil // a type may hold itself
		s.names = append(s.names, name)
		s.made[name] = build()
	}
	return object{{"$ref", refPrefix + name}}
}

func packageOf(t reflect.Type) string { return t.PkgPath()[strings.LastIndex(t.PkgPath(), "/")+1:] }

func (s *schemas) enumeration(t reflect.Type) any {
	name := packageOf(t) + "." + t.Name()
	o := object{{"type", "string"}, {"description", s.words.types[name]}}
	if values := s.words.values[name]; len(values) > 0 {
		o = append(o, pair{"enum", values})
	}
	return o
}

func (s *schemas) structure(t reflect.Type) any {
	var properties object
	var required []string
	s.fields(t, &properties, &required)
	o := object{{"type", "object"}}
	if about := s.words.types[packageOf(t)+"."+t.Name()]; about != "" {
		o = append(o, pair{"description", about})
	}
	o = append(o, pair{"properties", properties})
	if len(required) > 0 {
		o = append(o, pair{"required", required})
	}
	return o
}

func (s *schemas) fields(t reflect.Type, properties *object, required *[]string) {
	for f := range fieldsOf(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" {
			s.fields(f.Type, properties, required)
			continue
		}
		if name == "-" || !f.IsExported() {
			continue
		}
		schema := s.of(f.Type)
		if about := s.words.fields[packageOf(t)+"."+t.Name()+"."+f.Name]; about != "" {
			schema = described(schema, about)
		}
		optional := strings.Contains(options, "omit")
		if !optional {
			*required = append(*required, name)
			schema = nullable(schema, f.Type, packageOf(t))
		}
		*properties = append(*properties, pair{name, schema})
	}
}

func fieldsOf(t reflect.Type) func(func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range t.NumField() {
			if !yield(t.Field(i)) {
				return
			}
		}
	}
}

// described adds words to a schema; beside a reference they may stand in 2020-12.
func described(schema any, about string) any {
	o, _ := schema.(object)
	return append(append(object{}, o...), pair{"description", about})
}

// nullable says that a list of an event may be null: Go writes an empty one so
// where the maker left it out. Answers of the API never do.
func nullable(schema any, t reflect.Type, pkg string) any {
	o, _ := schema.(object)
	if pkg == "event" && t.Kind() == reflect.Slice && len(o) > 0 && o[0].key == "type" {
		o = append(object{}, o...)
		o[0].value = []string{o[0].value.(string), "null"}
		return o
	}
	return schema
}

// all are the schemas that were mentioned, by name.
func (s *schemas) all() object {
	var o object
	for _, name := range s.names {
		o = append(o, pair{name, s.made[name]})
	}
	return o
}
