package category

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"strings"
	"sync/atomic"

	"github.com/google/cel-go/cel"
	"gopkg.in/yaml.v3"

	"throughline/event"
	"throughline/nlp/intent"
	"throughline/nlp/linear"
)

// Rules are the categories in force. They are safe for concurrent use.
type Rules struct {
	embedder intent.Embedder
	env      *cel.Env
	current  atomic.Pointer[[]rule]
}

// rule is one category: an expression, and sentences that mean it.
type rule struct {
	name    string
	program cel.Program
	like    []linear.Vector
}

// LineError is what is wrong with a categories file, and where.
type LineError struct {
	Line, Column int // both count from 1
	Reason       string
}

func (e *LineError) Error() string {
	return fmt.Sprintf("categories file line %d, column %d: %s", e.Line, e.Column, e.Reason)
}

// at is what is wrong with a node of the file.
func at(n *yaml.Node, reason string) *LineError {
	return &LineError{Line: n.Line, Column: max(n.Column, 1), Reason: reason}
}

// Limits of a file and of one evaluation.
const (
	maxRules = 500
	maxCost  = 200_000 // CEL's own units; a rule of a screen's length stays below a thousand
)

// New makes an empty set of rules. The embedder gives meaning to "like".
func New(e intent.Embedder) (*Rules, error) {
	env, err := vocabulary()
	if err != nil {
		return nil, fmt.Errorf("category vocabulary: %w", err)
	}
	r := &Rules{embedder: e, env: env}
	r.current.Store(new([]rule))
	return r, nil
}

// Reload puts a file of rules in force. Where it fails the old ones stay, and the
// error is a *LineError.
func (r *Rules) Reload(ctx context.Context, file []byte) error {
	var root yaml.Node
	if err := yaml.Unmarshal(file, &root); err != nil {
		return &LineError{Line: lineOf(err), Column: 1, Reason: err.Error()}
	}
	var list struct {
		Categories []yaml.Node `yaml:"categories"`
	}
	if err := root.Decode(&list); err != nil {
		return &LineError{Line: lineOf(err), Column: 1, Reason: err.Error()}
	}
	if len(list.Categories) > maxRules {
		return at(&list.Categories[maxRules], fmt.Sprintf("more than %d categories", maxRules))
	}
	rules := make([]rule, 0, len(list.Categories))
	seen := make(map[string]bool)
	for i := range list.Categories {
		one, err := r.compile(ctx, &list.Categories[i])
		if err != nil {
			var line *LineError
			if errors.As(err, &line) {
				return err
			}
			return at(&list.Categories[i], err.Error())
		}
		if seen[one.name] {
			return at(&list.Categories[i], fmt.Sprintf("category %q stands twice", one.name))
		}
		seen[one.name] = true
		rules = append(rules, one)
	}
	r.current.Store(&rules)
	return nil
}

// ReloadFile is Reload of the file at path.
func (r *Rules) ReloadFile(ctx context.Context, path string) error {
	file, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read categories: %w", err)
	}
	if err := r.Reload(ctx, file); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func lineOf(err error) int {
	line := 1
	if _, rest, ok := strings.Cut(err.Error(), "line "); ok {
		if _, scanErr := fmt.Sscan(strings.TrimRight(strings.Fields(rest)[0], ":"), &line); scanErr != nil {
			return 1
		}
	}
	return max(line, 1)
}

// wrongIn is the first thing that is wrong with an expression. On one line of the
// file it is told by the file's column.
func wrongIn(n *yaml.Node, issues *cel.Issues) *LineError {
	e := at(n, issues.Err().Error())
	if all := issues.Errors(); len(all) > 0 {
		e.Reason = all[0].Message
		if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0 {
			e.Column += all[0].Location.Column()
			if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
				e.Column++
			}
		} else {
			e.Line += all[0].Location.Line()
			e.Column = all[0].Location.Column() + 1
		}
	}
	return e
}

// compile reads one category: name, when (CEL), like (sentences).
func (r *Rules) compile(ctx context.Context, n *yaml.Node) (rule, error) {
	if n.Kind != yaml.MappingNode {
		return rule{}, errors.New("want a mapping with name, when and like")
	}
	var one rule
	when, whenAt := "", n
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		var err error
		switch key.Value {
		case "name":
			err = value.Decode(&one.name)
		case "description":
		case "when":
			whenAt = value
			err = value.Decode(&when)
		case "like":
			one.like, err = r.meanings(ctx, value)
		default:
			return rule{}, at(key, fmt.Sprintf("unknown key %q; there are name, description, when and like", key.Value))
		}
		if err != nil {
			return rule{}, at(value, err.Error())
		}
	}
	if one.name == "" {
		return rule{}, errors.New("a category without a name")
	}
	if when == "" {
		if len(one.like) == 0 {
			return rule{}, fmt.Errorf("category %q has neither when nor like", one.name)
		}
		when = "likeness > 0.5"
	}
	ast, issues := r.env.Compile(when)
	if issues.Err() != nil {
		return rule{}, wrongIn(whenAt, issues)
	}
	if ast.OutputType() != cel.BoolType {
		return rule{}, at(whenAt, "when must be true or false, and is "+ast.OutputType().String())
	}
	var err error
	one.program, err = r.env.Program(ast, cel.EvalOptions(cel.OptOptimize), cel.CostLimit(maxCost))
	return one, err
}

func (r *Rules) meanings(ctx context.Context, n *yaml.Node) ([]linear.Vector, error) {
	var sentences []string
	if err := n.Decode(&sentences); err != nil {
		return nil, errors.New("like must be a list of sentences")
	}
	var out []linear.Vector
	for _, s := range sentences {
		v, err := r.embedder.Embed(ctx, s)
		if err != nil {
			return nil, fmt.Errorf("embed sentence: %w", err)
		}
		if len(v.Value) == 0 {
			return nil, errors.New("a sentence in like has no words")
		}
		out = append(out, v)
	}
	return out, nil
}

// Match gives the categories of a turn: those whose rule holds, in the order of
// the file. A rule that fails (it divides by zero, or grows too dear) does not
// hold. The probability is the likeness where the rule has "like", else 1.
func (r *Rules) Match(f event.Features, meaning linear.Vector) []event.Label {
	var out []event.Label
	for d := range r.decide(f, meaning) {
		if d.err == nil && d.holds {
			out = append(out, event.Label{Name: d.name, Probability: d.probability})
		}
	}
	return out
}

// decision is what one rule makes of a turn.
type decision struct {
	name        string
	probability float64
	holds       bool
	err         error // it could not be evaluated
}

func (r *Rules) decide(f event.Features, meaning linear.Vector) iter.Seq[decision] {
	return func(yield func(decision) bool) {
		rules := *r.current.Load()
		if len(rules) == 0 {
			return
		}
		seen := variables(f)
		for _, one := range rules {
			d := decision{name: one.name, probability: 1}
			likeness := 0.0
			for _, v := range one.like {
				likeness = max(likeness, v.Cosine(meaning))
			}
			if len(one.like) > 0 {
				d.probability = likeness
			}
			seen["likeness"] = likeness
			holds, _, err := one.program.Eval(seen)
			d.err, d.holds = err, err == nil && holds.Value() == true
			if !yield(d) {
				return
			}
		}
	}
}
