package assist

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
	"gopkg.in/yaml.v3"

	"throughline/flaw"
	"throughline/moment"
)

// maxCost bounds one evaluation, in CEL's cost units (about one a step). A rule
// whose worst case lies above is refused when it is loaded; where no worst case
// can be told, the rule is stopped there when it runs, which is an error of the
// rule and not a stop of the stage.
const maxCost = 100_000

// endless is the price from which on it stands for one that nobody can tell.
const endless = 1 << 50

// expression is a CEL expression with its place in the file.
type expression struct {
	source  string
	at      func(line, column int) flaw.Place // line from 1, column from 0, as CEL counts
	program cel.Program
	checked *ast.AST
}

// UnmarshalYAML keeps the place for errors.
func (e *expression) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode {
		return flaw.At(flaw.Of(n), "a CEL expression is wanted here")
	}
	e.source = strings.TrimSpace(n.Value)
	e.at = func(line, column int) flaw.Place { return flaw.Within(n, line, column) }
	return nil
}

func (e *expression) compile(env terms, want *cel.Type) error {
	tree, iss := env.Compile(e.source)
	if iss.Err() != nil {
		first := iss.Errors()[0]
		return flaw.At(e.at(first.Location.Line(), first.Location.Column()), "%s (in %q)", first.Message, e.source)
	}
	if tree.OutputType() != want {
		return flaw.At(e.at(1, 0), "gives %s where %s is wanted (in %q)", plainType(tree.OutputType()), plainType(want), e.source)
	}
	e.checked = tree.NativeRep()
	if err := e.checkCalls(env.when); err != nil {
		return err
	}
	worst, err := env.EstimateCost(tree, sizes{})
	if err != nil {
		return flaw.At(e.at(1, 0), "%v", err)
	}
	options := []cel.ProgramOption{cel.EvalOptions(cel.OptOptimize)}
	switch bounded := worst.Max < endless; {
	case bounded && worst.Max > maxCost:
		return flaw.At(e.dearest(), "may cost %d steps, and a rule may cost %d: nest fewer exists, all, map and filter, and replace by less (in %q)", worst.Max, maxCost, e.source)
	case !bounded:
		options = append(options, cel.CostLimit(maxCost), cel.CostTracking(sizes{})) // counting costs as much as evaluating
	}
	if e.program, err = env.Program(tree, options...); err != nil {
		return flaw.At(e.at(1, 0), "%v", err)
	}
	return nil
}

// plainType is a type as docs/policy.md calls it.
func plainType(t *cel.Type) string {
	return strings.TrimPrefix(strings.ToLower(t.String()), "google.protobuf.")
}

// dearest is the place of the innermost of the nested loops.
func (e *expression) dearest() flaw.Place {
	place, deepest := e.at(1, 0), 0
	var visit func(x ast.NavigableExpr, depth int)
	visit = func(x ast.NavigableExpr, depth int) {
		if x.Kind() == ast.ComprehensionKind {
			if depth++; depth > deepest {
				deepest = depth
				at := e.checked.SourceInfo().GetStartLocation(x.ID())
				place = e.at(at.Line(), at.Column())
			}
		}
		for _, child := range x.Children() {
			visit(child, depth)
		}
	}
	visit(ast.NavigateAST(e.checked), 0)
	return place
}

// checkCalls refuses what CEL can only tell when it runs: hours that are none,
// and scores that are asked for without asking whether they are known, here or in
// the condition that has held before.
func (e *expression) checkCalls(when *expression) error {
	fields := map[string]bool{}
	var problem error
	for _, x := range ast.MatchDescendants(ast.NavigateAST(e.checked), ast.AllMatcher()) {
		at := e.checked.SourceInfo().GetStartLocation(x.ID())
		switch x.Kind() {
		case ast.SelectKind:
			fields[path(x)] = true
		case ast.CallKind:
			call := x.AsCall()
			if call.FunctionName() == "format" && problem == nil {
				if wrong := checkFormat(call); wrong != "" {
					problem = flaw.At(e.at(at.Line(), at.Column()), "%s (in %q)", wrong, e.source)
				}
			}
			if call.FunctionName() != "during" || call.Args()[0].Kind() != ast.LiteralKind {
				continue
			}
			if _, err := parseHours(fmt.Sprint(call.Args()[0].AsLiteral().Value())); err != nil && problem == nil {
				problem = flaw.At(e.at(at.Line(), at.Column()), "%v", err)
			}
		}
	}
	for _, score := range []string{"effort", "escalation", "churn", "satisfaction", "resolution"} {
		asked := fields["journey.has_"+score] || when != nil && when.mentions("journey.has_"+score)
		if fields["journey."+score] && !asked && problem == nil {
			problem = flaw.At(e.at(1, 0), "journey.%s is 0 until it is known: ask journey.has_%s too (in %q)", score, score, e.source)
		}
	}
	return problem
}

// manyDigits is a precision that writes a number of thousands of digits.
var manyDigits = regexp.MustCompile(`%\.[0-9]{4,}`)

// checkFormat tells what is wrong with a call of format: what a customer writes
// must not say how many digits are made.
func checkFormat(call ast.CallExpr) string {
	if !call.IsMemberFunction() || call.Target().Kind() != ast.LiteralKind {
		return "format wants a text that stands in the rule"
	}
	if manyDigits.MatchString(fmt.Sprint(call.Target().AsLiteral().Value())) {
		return "format writes a number of more than 999 digits"
	}
	return ""
}

// path is a.b of a selected field, empty for anything else.
func path(x ast.Expr) string {
	if x.Kind() != ast.SelectKind || x.AsSelect().IsTestOnly() || x.AsSelect().Operand().Kind() != ast.IdentKind {
		return ""
	}
	return x.AsSelect().Operand().AsIdent() + "." + x.AsSelect().FieldName()
}

// mentions tells whether the expression asks for one of the fields.
func (e *expression) mentions(fields ...string) bool {
	for _, x := range ast.MatchDescendants(ast.NavigateAST(e.checked), ast.KindMatcher(ast.SelectKind)) {
		for _, f := range fields {
			if path(x) == f {
				return true
			}
		}
	}
	return false
}

func (e *expression) eval(m *moment.Moment) (any, error) {
	out, _, err := e.program.Eval(activation{m})
	if err != nil {
		return nil, err
	}
	if types.IsUnknownOrError(out) {
		return nil, fmt.Errorf("%v", out)
	}
	return out.Value(), nil
}

// text is words for people with ${CEL} in between.
type text struct {
	source string
	at     func(line, column int) flaw.Place
	parts  []part
}

type part struct {
	literal string
	expr    *expression
}

// UnmarshalYAML keeps the place for errors.
func (t *text) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode {
		return flaw.At(flaw.Of(n), "text is wanted here")
	}
	t.source = n.Value
	t.at = func(line, column int) flaw.Place { return flaw.Within(n, line, column) }
	return nil
}

func (t *text) compile(env terms) error {
	rest := t.source
	for rest != "" {
		literal, tail, found := strings.Cut(rest, "${")
		t.parts = append(t.parts, part{literal: literal})
		if !found {
			return nil
		}
		begins := len(t.source) - len(tail)
		source, after, closed := strings.Cut(tail, "}")
		if !closed {
			return flaw.At(t.at(1, begins), "${ without }")
		}
		e := &expression{source: source, at: func(line, column int) flaw.Place { return t.at(line, begins+column) }}
		if err := e.compile(env, cel.StringType); err != nil {
			return err
		}
		t.parts = append(t.parts, part{expr: e})
		rest = after
	}
	return nil
}

func (t *text) render(m *moment.Moment) (string, error) {
	var b strings.Builder
	for _, p := range t.parts {
		b.WriteString(p.literal)
		if p.expr != nil {
			v, err := p.expr.eval(m)
			if err != nil {
				return "", err
			}
			fmt.Fprint(&b, v)
		}
	}
	return b.String(), nil
}
