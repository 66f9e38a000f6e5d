package main

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"throughline/dashboards"
	"throughline/event"
)

func documents(t *testing.T) (string, map[string][]byte) {
	t.Helper()
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	all, err := describe(root)
	if err != nil {
		t.Fatal(err)
	}
	return root, all
}

// TestDocumentsAreCurrent fails when a type, a comment or a path has changed and
// the documents have not.
func TestDocumentsAreCurrent(t *testing.T) {
	root, all := documents(t)
	for name, want := range all {
		got, err := os.ReadFile(filepath.Join(root, name))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what the types give: go generate ./dashboards (%v)", name, err)
		}
	}
}

// TestEveryTopicIsDescribed asks for each topic, and for each field of its
// events, as encoding/json names it.
func TestEveryTopicIsDescribed(t *testing.T) {
	_, all := documents(t)
	var doc struct {
		Channels   map[string]struct{ Description string }
		Components struct {
			Schemas map[string]struct {
				Properties map[string]any
			}
		}
	}
	if err := yaml.Unmarshal(all["docs/asyncapi.yaml"], &doc); err != nil {
		t.Fatal(err)
	}
	for _, spec := range event.All() {
		if doc.Channels[spec.Name].Description == "" {
			t.Errorf("topic %s is not described", spec.Name)
		}
	}
	seen := map[reflect.Type]bool{}
	var visit func(reflect.Type)
	visit = func(v reflect.Type) {
		switch v.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
			visit(v.Elem())
		case reflect.Struct:
			if seen[v] || v == reflect.TypeFor[time.Time]() {
				return
			}
			seen[v] = true
			for f := range fieldsOf(v) {
				name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
				if _, ok := doc.Components.Schemas[v.Name()].Properties[name]; !ok {
					t.Errorf("field %s of %s is not described", name, v.Name())
				}
				visit(f.Type)
			}
		}
	}
	for _, topic := range topics() {
		visit(topic.value)
	}
	if len(seen) < 15 {
		t.Errorf("only %d types were looked at", len(seen))
	}
}

// anyName is a part of a path that stands for a value: what it is called is
// nobody's business but the handler's.
var anyName = regexp.MustCompile(`\{\w+\}`)

// elsewhere are paths that nobody describes: for those who run the product, and
// the screen's own files and form.
var elsewhere = regexp.MustCompile(`^(GET (|/(healthz|readyz|metrics|debug/.*|assets/\{\}))|POST (|/v1/))$`)

// TestEveryRouteIsDescribed compares the document with the routes of the
// dashboards and with every route that stands in the sources of the product.
func TestEveryRouteIsDescribed(t *testing.T) {
	root, all := documents(t)
	var doc struct {
		Paths map[string]map[string]any
	}
	if err := yaml.Unmarshal(all["docs/openapi.yaml"], &doc); err != nil {
		t.Fatal(err)
	}
	var described []string
	for path, operations := range doc.Paths {
		for method := range operations {
			if method != "parameters" {
				described = append(described, strings.ToUpper(method)+" "+anyName.ReplaceAllString(path, "{}"))
			}
		}
	}
	routes := routesIn(t, root)
	for _, r := range routes {
		known := slices.Contains(described, r)
		if path, ok := strings.CutPrefix(r, "*"); ok {
			known = slices.ContainsFunc(described, func(d string) bool { return strings.HasSuffix(d, path) })
		}
		if !elsewhere.MatchString(r) && !known {
			t.Errorf("%s is served and not described", r)
		}
	}
	for _, d := range described {
		_, path, _ := strings.Cut(d, " ")
		if !slices.Contains(routes, d) && !slices.Contains(routes, "* "+path) {
			t.Errorf("%s is described and not served", d)
		}
	}
	server := dashboards.Server{}
	for _, r := range server.Routes() {
		if !slices.Contains(routes, anyName.ReplaceAllString(strings.TrimSuffix(r, "/{$}"), "{}")) {
			t.Errorf("%s was not found in the sources", r)
		}
	}
}

// routesIn finds every "METHOD /path" in the packages that the program is made
// of, and "METHOD "+Path where a package has a constant of that name.
func routesIn(t *testing.T, root string) []string {
	route := regexp.MustCompile(`^(GET|POST|PUT|DELETE|PATCH|\*) /[^\s:*]*$`)
	list := exec.CommandContext(t.Context(), "go", "list", "-e", "-deps", "-f", "{{.Dir}}", "./cmd/throughline")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Skipf("no go command to list the packages with: %v", err)
	}
	parts := strings.Fields(string(out))
	files := map[string][]*ast.File{} // by folder
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); name == "testdata" || name == "node_modules" || name == "sink" || (len(name) > 1 && name[0] == '.') {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || !slices.Contains(parts, filepath.Dir(path)) {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err == nil { // otherwise the compiler says it better
			files[filepath.Dir(path)] = append(files[filepath.Dir(path)], file)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, folder := range files {
		path := ""
		each(folder, func(n ast.Node) {
			if v, ok := n.(*ast.ValueSpec); ok && len(v.Names) == 1 && v.Names[0].Name == "Path" && len(v.Values) == 1 {
				path = text(v.Values[0])
			}
		})
		each(folder, func(n ast.Node) {
			if e, ok := n.(ast.Expr); ok {
				if r := written(e, path); route.MatchString(r) {
					found = append(found, r)
				}
			}
		})
	}
	for i, r := range found {
		found[i] = anyName.ReplaceAllString(strings.TrimSuffix(r, "/{$}"), "{}")
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func each(files []*ast.File, visit func(ast.Node)) {
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool { visit(n); return true })
	}
}

// written is what a sum of texts says, where Path is path; what only the running
// program knows, a method in a loop, is "*".
func written(e ast.Expr, path string) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		return text(e)
	case *ast.Ident:
		if e.Name == "Path" {
			return path
		}
		return "*"
	case *ast.BinaryExpr:
		if e.Op == token.ADD {
			return written(e.X, path) + written(e.Y, path)
		}
	}
	return ""
}

// text is the value of a string literal.
func text(e ast.Expr) string {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return ""
	}
	s, _ := strconv.Unquote(lit.Value)
	return s
}
