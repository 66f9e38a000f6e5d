package governance_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestNobodyElseClears compiles programs that try to get round the gate. Each
// line that tries must be an error of the compiler.
func TestNobodyElseClears(t *testing.T) {
	gobin, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command to compile with")
	}
	build := func(dir string) (string, error) {
		out, err := exec.Command(gobin, "build", "-gcflags=-e", "./testdata/"+dir).CombinedOutput()
		return string(out), err
	}
	if out, err := build("allowed"); err != nil {
		t.Fatalf("the way that everybody must take does not compile:\n%s", out)
	}
	for dir, errors := range map[string][]string{
		"makes_cleared": {
			"x.go:9:", "x.go:11:", "x.go:13:",
			"cannot refer to unexported field turn", "implicit assignment to unexported field", "cannot convert",
		},
		"publishes_raw": {
			"x.go:9:", "x.go:11:", "x.go:13:", "x.go:15:",
			"event.Turns().Message undefined", "event.PartialTurns().Message undefined",
			"cannot use event.Turn{…} (value of struct type event.Turn) as governance.Cleared value",
		},
	} {
		out, err := build(dir)
		if err == nil {
			t.Errorf("%s compiles", dir)
		}
		for _, want := range errors {
			if !strings.Contains(out, want) {
				t.Errorf("%s: the compiler does not say %q:\n%s", dir, want, out)
			}
		}
	}
}

// TestNobodyBuildsTopics guards what the compiler cannot: event.Topic and
// event.Message have exported fields, so a literal of them could pair a raw turn
// with the name of its topic. Only event, governance and bus may write such
// literals.
func TestNobodyBuildsTopics(t *testing.T) {
	root := ".."
	fset := token.NewFileSet()
	seen := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			switch name := d.Name(); {
			case path == filepath.Join(root, "event"), path == filepath.Join(root, "governance"), path == filepath.Join(root, "bus"),
				name == "testdata", name == "node_modules", name == "vendor", len(name) > 2 && strings.HasPrefix(name, "."):
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil // somebody is writing it; their own build will say
		}
		seen++
		for _, bad := range topicLiterals(file) {
			t.Errorf("%s: %s is built by hand; use the topics of event and governance", fset.Position(bad.Pos()), "event."+bad.Sel.Name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen == 0 {
		t.Skip("no other package is here")
	}
}

func topicLiterals(file *ast.File) []*ast.SelectorExpr {
	name := ""
	for _, i := range file.Imports {
		if i.Path.Value == `"throughline/event"` {
			if name = "event"; i.Name != nil {
				name = i.Name.Name
			}
		}
	}
	var bad []*ast.SelectorExpr
	if name == "" {
		return nil
	}
	ast.Inspect(file, func(n ast.Node) bool {
		lit, ok := n.(*ast.CompositeLit)
		if !ok || len(lit.Elts) == 0 {
			return true
		}
		typ := lit.Type
		if index, ok := typ.(*ast.IndexExpr); ok {
			typ = index.X
		}
		if sel, ok := typ.(*ast.SelectorExpr); ok && (sel.Sel.Name == "Topic" || sel.Sel.Name == "Message") {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == name {
				bad = append(bad, sel)
			}
		}
		return true
	})
	return bad
}

func TestTopicLiteralsAreSeen(t *testing.T) {
	src := `package x
import "throughline/event"
var a = event.Topic[event.Turn]{Source: event.Turns()}
var b = event.Message{Topic: event.Turns().Spec, Value: 1}
var c = event.Message{}
`
	file, err := parser.ParseFile(token.NewFileSet(), "x.go", src, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := len(topicLiterals(file)); got != 2 {
		t.Errorf("%d literals seen, want 2", got)
	}
}
