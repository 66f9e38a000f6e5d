package category

import (
	"context"
	"errors"
	"fmt"
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
	Line   int
	Reason string
}

func (e *LineError) Error() string {
	return fmt.Sprintf("categories file line %d: %s", e.Line, e.Reason)
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
		return &LineError{Line: lineOf(err), Reason: err.Error()}
	}
	var list struct {
		Categories []yaml.Node `yaml:"categories"`
	}
	if err := root.Decode(&list); err != nil {
		return &LineError{Line: lineOf(err), Reason: err.Error()}
	}
	if len(list.Categories) > maxRules {
		return &LineError{Line: list.Categories[maxRules].Line, Reason: fmt.Sprintf("more than %d categories", maxRules)}
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
			return &LineError{Line: list.Categories[i].Line, Reason: err.Error()}
		}
		if seen[one.name] {
			return &LineError{Line: list.Categories[i].Line, Reason: fmt.Sprintf("category %q stands twice", one.name)}
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

// compile reads one category: name, when (CEL), like (sentences).
func (r *Rules) compile(ctx context.Context, n *yaml.Node) (rule, error) {
	if n.Kind != yaml.MappingNode {
		return rule{}, errors.New("want a mapping with name, when and like")
	}
	var one rule
	when, whenLine := "", n.Line
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		var err error
		switch key.Value {
		case "name":
			err = value.Decode(&one.name)
		case "description":
		case "when":
			whenLine = value.Line
			err = value.Decode(&when)
		case "like":
			one.like, err = r.meanings(ctx, value)
		default:
			err = fmt.Errorf("unknown key %q; there are name, description, when and like", key.Value)
		}
		if err != nil {
			return rule{}, &LineError{Line: value.Line, Reason: err.Error()}
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
		return rule{}, &LineError{Line: whenLine, Reason: issues.Err().Error()}
	}
	if ast.OutputType() != cel.BoolType {
		return rule{}, &LineError{Line: whenLine, Reason: "when must be true or false, and is " + ast.OutputType().String()}
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
	rules := *r.current.Load()
	if len(rules) == 0 {
		return nil
	}
	seen := variables(f)
	var out []event.Label
	for _, one := range rules {
		probability, likeness := 1.0, 0.0
		for _, v := range one.like {
			likeness = max(likeness, v.Cosine(meaning))
		}
		if len(one.like) > 0 {
			probability = likeness
		}
		seen["likeness"] = likeness
		holds, _, err := one.program.Eval(seen)
		if err == nil && holds.Value() == true {
			out = append(out, event.Label{Name: one.name, Probability: probability})
		}
	}
	return out
}
