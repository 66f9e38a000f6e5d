package main

import (
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
)

// comments is what the sources say in words of their types.
type comments struct {
	types  map[string]string   // "event.Turn"
	fields map[string]string   // "event.Turn.Text"
	values map[string][]string // "event.Channel": its constants, in order
}

// readComments reads the Go files of folders, each a package of its folder's name.
func readComments(folders ...string) (comments, error) {
	c := comments{types: map[string]string{}, fields: map[string]string{}, values: map[string][]string{}}
	for _, dir := range folders {
		names, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			return c, err
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
			if err != nil {
				return c, err
			}
			for _, d := range file.Decls {
				if g, ok := d.(*ast.GenDecl); ok {
					c.declaration(file.Name.Name, g)
				}
			}
		}
	}
	return c, nil
}

func (c comments) declaration(pkg string, g *ast.GenDecl) {
	for _, spec := range g.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			name := pkg + "." + s.Name.Name
			c.types[name] = oneLine(g.Doc, s.Name.Name)
			if t, ok := s.Type.(*ast.StructType); ok {
				for _, f := range t.Fields.List {
					for _, n := range f.Names {
						c.fields[name+"."+n.Name] = strings.TrimSpace(oneLine(f.Doc, "") + " " + oneLine(f.Comment, ""))
					}
				}
			}
		case *ast.ValueSpec:
			t, ok := s.Type.(*ast.Ident)
			if !ok || g.Tok != token.CONST {
				continue
			}
			for _, v := range s.Values {
				if lit, ok := v.(*ast.BasicLit); ok && lit.Kind == token.STRING {
					name := pkg + "." + t.Name
					c.values[name] = append(c.values[name], constant.StringVal(constant.MakeFromLiteral(lit.Value, lit.Kind, 0)))
				}
			}
		}
	}
}

// oneLine is a comment as one line; of a type's comment the name is not repeated.
func oneLine(g *ast.CommentGroup, name string) string {
	text := strings.Join(strings.Fields(g.Text()), " ")
	if name == "" {
		return text
	}
	for _, begin := range []string{name + " is ", name + " are ", name + " says "} {
		if rest, ok := strings.CutPrefix(text, begin); ok {
			return strings.ToUpper(rest[:1]) + rest[1:]
		}
	}
	return text
}
