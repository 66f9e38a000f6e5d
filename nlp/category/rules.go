package category

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"reflect"
	"sync/atomic"

	"github.com/google/cel-go/cel"
	"gopkg.in/yaml.v3"

	"throughline/event"
	"throughline/flaw"
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

// file is what a file of categories holds.
type file struct {
	Categories []yaml.Node `yaml:"categories"`
}

// Reload puts a file of rules in force. Where it fails the old ones stay, and the
// error is a *flaw.Flaw.
func (r *Rules) Reload(ctx context.Context, text []byte) error {
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		return flaw.OfYAML(err, flaw.Start())[0]
	}
	if err := flaw.Second(text); err != nil {
		return err
	}
	var list file
	for _, n := range root.Content {
		if unknown := flaw.UnknownKeys(n, reflect.TypeFor[file]()); len(unknown) > 0 {
			return unknown[0]
		}
		if err := n.Decode(&list); err != nil {
			return flaw.OfYAML(err, flaw.Of(n))[0]
		}
	}
	if len(list.Categories) > maxRules {
		return flaw.At(flaw.Of(&list.Categories[maxRules]), "more than %d categories", maxRules)
	}
	rules := make([]rule, 0, len(list.Categories))
	seen := make(map[string]bool)
	for i := range list.Categories {
		n := &list.Categories[i]
		one, err := r.compile(ctx, n)
		if err == nil && seen[one.name] {
			err = flaw.At(flaw.Of(n), "name stands twice: it is what a turn is filed under")
		}
		if err != nil {
			return flaw.InPart("category "+cmp.Or(one.name, fmt.Sprint("number ", i+1)), flaw.OfYAML(err, flaw.Of(n))[0])
		}
		seen[one.name] = true
		rules = append(rules, one)
	}
	r.current.Store(&rules)
	return nil
}

// ReloadFile is Reload of the file at path.
func (r *Rules) ReloadFile(ctx context.Context, path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read categories: %w", err)
	}
	return flaw.In(path, r.Reload(ctx, text))
}

// wrongIn is the first thing that is wrong with an expression.
func wrongIn(n *yaml.Node, issues *cel.Issues) error {
	all := issues.Errors()
	if len(all) == 0 {
		return issues.Err()
	}
	return flaw.At(flaw.Within(n, all[0].Location.Line(), all[0].Location.Column()), "%s", all[0].Message)
}

// compile reads one category: name, when (CEL), like (sentences).
func (r *Rules) compile(ctx context.Context, n *yaml.Node) (rule, error) {
	if n.Kind != yaml.MappingNode {
		return rule{}, errors.New("is no category: give name, and when or like")
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
			return one, flaw.At(flaw.Of(key), "unknown key %q: there are name, description, when and like", key.Value)
		}
		if err != nil {
			return one, flaw.InField(key.Value, flaw.OfYAML(err, flaw.Of(value))[0])
		}
	}
	if one.name == "" {
		return one, errors.New("name is missing")
	}
	if when == "" {
		if len(one.like) == 0 {
			return one, errors.New("has neither when nor like: give a CEL expression, sentences, or both")
		}
		when = "likeness > 0.5"
	}
	ast, issues := r.env.Compile(when)
	if issues.Err() != nil {
		return one, flaw.InField("when", wrongIn(whenAt, issues))
	}
	if ast.OutputType() != cel.BoolType {
		return one, flaw.InField("when", flaw.At(flaw.Of(whenAt), "want true or false, and it is %s", ast.OutputType()))
	}
	if len(one.like) == 0 && speaksOf(ast, "likeness") {
		return one, flaw.InField("when", flaw.At(flaw.Of(whenAt), "asks for likeness, which is 0 without sentences to be like: give them in like"))
	}
	var err error
	one.program, err = r.env.Program(ast, cel.EvalOptions(cel.OptOptimize), cel.CostLimit(maxCost))
	return one, err
}

// speaksOf tells whether an expression uses a variable.
func speaksOf(ast *cel.Ast, variable string) bool {
	for _, of := range ast.NativeRep().ReferenceMap() {
		if of.Name == variable {
			return true
		}
	}
	return false
}

func (r *Rules) meanings(ctx context.Context, n *yaml.Node) ([]linear.Vector, error) {
	var sentences []string
	if err := n.Decode(&sentences); err != nil {
		return nil, errors.New("want a list of sentences")
	}
	var out []linear.Vector
	for i, s := range sentences {
		v, err := r.embedder.Embed(ctx, s)
		if err != nil {
			return nil, fmt.Errorf("embed sentence: %w", err)
		}
		if len(v.Value) == 0 {
			return nil, fmt.Errorf("sentence %d has no words", i+1)
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
