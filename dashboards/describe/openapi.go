package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"

	"gopkg.in/yaml.v3"

	"throughline/assist"
	"throughline/assist/summary"
	"throughline/dashboards"
	"throughline/event"
	"throughline/outgoing"
	"throughline/patterns"
	"throughline/problem"
)

const generated = "# Written by go generate ./dashboards from dashboards/describe and the Go types. Do not edit.\n"

// answers are the types that paths.yaml refers to.
func answers() []reflect.Type {
	return []reflect.Type{
		reflect.TypeFor[dashboards.InteractionList](), reflect.TypeFor[dashboards.TurnList](), reflect.TypeFor[event.Features](),
		reflect.TypeFor[event.Journey](), reflect.TypeFor[dashboards.Context](), reflect.TypeFor[dashboards.AlertList](),
		reflect.TypeFor[dashboards.Overview](), reflect.TypeFor[dashboards.Said](), reflect.TypeFor[event.Feedback](), reflect.TypeFor[problem.Problem](),
		reflect.TypeFor[assist.InForce](), reflect.TypeFor[assist.Versions](), reflect.TypeFor[outgoing.Payload](), reflect.TypeFor[patterns.Report](),
		reflect.TypeFor[summary.Summary](),
	}
}

// openAPI joins what people wrote of the paths with the schemas of the types.
func openAPI(paths string, words comments) (inYAML, inJSON []byte, err error) {
	raw, err := os.ReadFile(paths)
	if err != nil {
		return nil, nil, err
	}
	s := newSchemas(words)
	for _, t := range answers() {
		s.of(t)
	}
	var schemas bytes.Buffer
	if err := encode(&schemas, s.all()); err != nil {
		return nil, nil, err
	}
	text := generated + strings.TrimRight(string(raw), "\n") + "\n" + indent(schemas.String(), 4)
	var document any
	if err := yaml.Unmarshal([]byte(text), &document); err != nil {
		return nil, nil, err
	}
	if inJSON, err = json.MarshalIndent(document, "", " "); err != nil {
		return nil, nil, err
	}
	return []byte(text), append(inJSON, '\n'), checkReferences(document, document, "#")
}

func encode(b *bytes.Buffer, v any) error {
	enc := yaml.NewEncoder(b)
	enc.SetIndent(2)
	if err := enc.Encode(v); err != nil {
		return err
	}
	return enc.Close()
}

func indent(text string, by int) string {
	pad := strings.Repeat(" ", by)
	return pad + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n"+pad) + "\n"
}

// checkReferences fails on a reference that leads nowhere.
func checkReferences(root, node any, at string) error {
	switch n := node.(type) {
	case map[string]any:
		if ref, ok := n["$ref"].(string); ok && !leads(root, ref) {
			return fmt.Errorf("%s refers to %s, which is not there", at, ref)
		}
		for k, v := range n {
			if err := checkReferences(root, v, at+"/"+k); err != nil {
				return err
			}
		}
	case []any:
		for i, v := range n {
			if err := checkReferences(root, v, fmt.Sprint(at, "/", i)); err != nil {
				return err
			}
		}
	}
	return nil
}

func leads(root any, ref string) bool {
	for _, name := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
		m, ok := root.(map[string]any)
		if !ok {
			return false
		}
		if root, ok = m[strings.ReplaceAll(strings.ReplaceAll(name, "~1", "/"), "~0", "~")]; !ok {
			return false
		}
	}
	return true
}
