package assist

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"

	"throughline/moment"
)

// narrow puts as much of a condition as can be into SQL over the table moments.
// The SQL holds for every moment for which the condition is true, and may hold
// for others: what it lets through is decided by the condition itself.
func narrow(e expression) string {
	n := narrowing{columns: map[string]moment.Column{}, held: map[string]string{}}
	for _, c := range moment.Columns() {
		n.columns[strings.TrimPrefix(c.Part+"."+c.Field, ".")] = c
	}
	return n.may(e.checked.Expr(), true)
}

// anything is the condition that loses nothing.
const anything = "1"

type narrowing struct {
	columns map[string]moment.Column // by the name in rules
	held    map[string]string        // variables of loops, by their names in rules
	loops   int
}

// may gives SQL that holds whenever e evaluates to want. An error is neither
// true nor false, so CEL's own rules for errors are kept.
func (n *narrowing) may(e ast.Expr, want bool) string {
	switch e.Kind() {
	case ast.LiteralKind:
		if v, ok := e.AsLiteral().Value().(bool); ok && v != want {
			return "0"
		}
	case ast.SelectKind:
		if c, ok := n.columns[path(e)]; ok && c.Type.Kind() == reflect.Bool {
			return not(c.Name(), !want)
		}
	case ast.CallKind:
		return n.mayCall(e.AsCall(), want)
	case ast.ComprehensionKind:
		return n.mayLoop(e.AsComprehension(), want)
	}
	return anything
}

func (n *narrowing) mayCall(call ast.CallExpr, want bool) string {
	args := call.Args()
	switch f := call.FunctionName(); f {
	case operators.LogicalAnd, operators.LogicalOr:
		a, b := n.may(args[0], want), n.may(args[1], want)
		if want == (f == operators.LogicalAnd) {
			return both(a, b)
		}
		return either(a, b)
	case operators.LogicalNot:
		return n.may(args[0], !want)
	case operators.Conditional:
		return either(both(n.may(args[0], true), n.may(args[1], want)), both(n.may(args[0], false), n.may(args[2], want)))
	case operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
		a, b := n.value(args[0]), n.value(args[1])
		if a == "" || b == "" {
			return anything
		}
		symbol := strings.Trim(strings.NewReplacer("_==_", "=", "_!=_", "!=").Replace(f), "_")
		return not("("+a+" "+symbol+" "+b+")", !want)
	case operators.In:
		item, list := n.value(args[0]), n.list(args[1])
		if item == "" || list == "" {
			return anything
		}
		return not("has("+list+", "+item+")", !want)
	case "startsWith", "endsWith", "contains":
		of, what := n.value(call.Target()), n.value(args[0])
		if of == "" || what == "" {
			return anything
		}
		if f == "contains" {
			return not("(position("+of+", "+what+") > 0)", !want)
		}
		return not(f+"("+of+", "+what+")", !want)
	case "says":
		return n.maySay(call, want)
	}
	return anything
}

// maySay asks for the phrase's longest word that is spelt in letters whose only
// upper case is the one of ASCII; words with i and k have others (İ, K).
func (n *narrowing) maySay(call ast.CallExpr, want bool) string {
	of := n.value(call.Target())
	if of == "" || !want || call.Args()[0].Kind() != ast.LiteralKind {
		return anything
	}
	longest := ""
	for _, word := range wordsOf(fmt.Sprint(call.Args()[0].AsLiteral().Value())) {
		plain := !strings.ContainsFunc(word, func(r rune) bool { return r > 'z' || r == 'i' || r == 'k' })
		if plain && len(word) > len(longest) {
			longest = word
		}
	}
	if longest == "" {
		return anything
	}
	return "(positionCaseInsensitive(" + of + ", " + quote(longest) + ") > 0)"
}

// mayLoop narrows exists and all, which are what && and || are over a list.
func (n *narrowing) mayLoop(loop ast.ComprehensionExpr, want bool) string {
	list := n.list(loop.IterRange())
	step := loop.LoopStep()
	if list == "" || loop.HasIterVar2() || step.Kind() != ast.CallKind || loop.Result().Kind() != ast.IdentKind {
		return anything
	}
	call := step.AsCall()
	exists := call.FunctionName() == operators.LogicalOr
	if !exists && call.FunctionName() != operators.LogicalAnd || call.Args()[0].Kind() != ast.IdentKind || call.Args()[0].AsIdent() != loop.AccuVar() {
		return anything
	}
	n.loops++
	outer, shadowed := n.held[loop.IterVar()]
	item := "x" + strconv.Itoa(n.loops)
	n.held[loop.IterVar()] = item
	of := n.may(call.Args()[1], want)
	if delete(n.held, loop.IterVar()); shadowed {
		n.held[loop.IterVar()] = outer
	}
	if exists == want {
		return "arrayExists(" + item + " -> " + of + ", " + list + ")"
	}
	return "arrayAll(" + item + " -> " + of + ", " + list + ")"
}

// value puts a number, a word or a time into SQL; empty: it cannot be.
func (n *narrowing) value(e ast.Expr) string {
	switch e.Kind() {
	case ast.LiteralKind:
		switch v := e.AsLiteral().Value().(type) {
		case string:
			return quote(v)
		case int64:
			return "toInt64(" + strconv.FormatInt(v, 10) + ")"
		case float64: // by its bits: reading digits may round
			return "reinterpretAsFloat64(toUInt64(" + strconv.FormatUint(math.Float64bits(v), 10) + "))"
		}
	case ast.IdentKind:
		if item, ok := n.held[e.AsIdent()]; ok {
			return item
		}
		if e.AsIdent() == "now" {
			return "now"
		}
	case ast.SelectKind:
		if c, ok := n.columns[path(e)]; ok && c.Type.Kind() != reflect.Slice && c.Type.Kind() != reflect.Bool {
			return c.Name()
		}
	case ast.CallKind:
		call := e.AsCall()
		var of ast.Expr
		switch {
		case call.FunctionName() == "size" && call.IsMemberFunction():
			of = call.Target()
		case call.FunctionName() == "size":
			of = call.Args()[0]
		default:
			return ""
		}
		if list := n.list(of); list != "" {
			return "toInt64(length(" + list + "))"
		}
	}
	return ""
}

// list puts a list of words into SQL; empty: it cannot be.
func (n *narrowing) list(e ast.Expr) string {
	switch e.Kind() {
	case ast.SelectKind:
		if c, ok := n.columns[path(e)]; ok && c.Type.Kind() == reflect.Slice {
			return c.Name()
		}
	case ast.ListKind:
		var items []string
		for _, x := range e.AsList().Elements() {
			if x.Kind() != ast.LiteralKind {
				return ""
			}
			v, ok := x.AsLiteral().Value().(string)
			if !ok {
				return ""
			}
			items = append(items, quote(v))
		}
		if len(items) == 0 {
			return "emptyArrayString()"
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
	return ""
}

func not(sql string, turned bool) string {
	if turned {
		return "(NOT " + sql + ")"
	}
	return sql
}

func both(a, b string) string {
	switch {
	case a == "0" || b == "0":
		return "0"
	case a == anything:
		return b
	case b == anything:
		return a
	}
	return "(" + a + " AND " + b + ")"
}

func either(a, b string) string {
	switch {
	case a == anything || b == anything:
		return anything
	case a == "0":
		return b
	case b == "0":
		return a
	}
	return "(" + a + " OR " + b + ")"
}

func quote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\x00", `\0`).Replace(s) + "'"
}

// columnsOf lists the columns that a condition asks for.
func columnsOf(e expression) []moment.Column {
	return slices.DeleteFunc(moment.Columns(), func(c moment.Column) bool {
		if c.Part == "" {
			return true
		}
		return !e.mentions(c.Part + "." + c.Field)
	})
}
