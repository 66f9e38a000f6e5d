package assist

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/ext"
	"gopkg.in/yaml.v3"

	"throughline/event"
)

//go:embed policy.default.yaml
var defaultPolicy []byte

// DefaultPolicy is the text of the policy that applies when none is configured.
func DefaultPolicy() []byte { return slices.Clone(defaultPolicy) }

// maxCost bounds one evaluation, in CEL's cost units (about one a step); a rule
// that goes beyond is an error of the rule, not a stop of the stage.
const maxCost = 100_000

// Policy is a checked set of rules. It does not change after loading.
type Policy struct {
	Version string // as declared, and a hash of the text: "2026-11 3f2a91c0"
	rules   []rule
}

// Rules lists the names of the rules in their order.
func (p *Policy) Rules() []string {
	out := make([]string, len(p.rules))
	for i, r := range p.rules {
		out[i] = r.Name
	}
	return out
}

// rule is a rule of the file with its compiled expressions.
type rule struct {
	Name    string        `yaml:"name"`
	On      string        `yaml:"on"`   // turn, interaction or any
	When    expression    `yaml:"when"` // CEL, to a bool
	Once    string        `yaml:"once"` // turn, interaction or journey
	Alert   *alertAction  `yaml:"alert"`
	Suggest *adviceAction `yaml:"suggest"`
	History bool          `yaml:"history"` // also on backfilled turns
}

type alertAction struct {
	Severity event.Severity `yaml:"severity"`
	Title    text           `yaml:"title"`
}

type adviceAction struct {
	Kind    string        `yaml:"kind"`
	Title   text          `yaml:"title"`
	Body    text          `yaml:"body"`
	Rank    float64       `yaml:"rank"`
	Expires time.Duration `yaml:"expires"`
}

type file struct {
	Version string `yaml:"version"`
	Rules   []rule `yaml:"rules"`
}

// LoadFile reads and checks a policy file; an empty path gives the default policy.
func LoadFile(path string) (*Policy, error) {
	if path == "" {
		return Load("policy.default.yaml", defaultPolicy)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read policy: %w", err)
	}
	return Load(path, b)
}

// Load checks a policy. The error lists everything that is wrong, each with
// file, line and column.
func Load(name string, b []byte) (*Policy, error) {
	var f file
	dec := yaml.NewDecoder(strings.NewReader(string(b)))
	dec.KnownFields(true)
	if err := dec.Decode(&f); err != nil {
		return nil, fmt.Errorf("policy %s: %w", name, err)
	}
	env, err := environment()
	if err != nil {
		return nil, fmt.Errorf("policy environment: %w", err)
	}
	var problems []error
	if len(f.Rules) == 0 {
		problems = append(problems, fmt.Errorf("%s: rules is empty: give at least one rule", name))
	}
	names := map[string]bool{}
	for i := range f.Rules {
		r := &f.Rules[i]
		for _, err := range r.check(env, i, names) {
			problems = append(problems, fmt.Errorf("%s: %w", name, err))
		}
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	sum := sha256.Sum256(b)
	version := hex.EncodeToString(sum[:4])
	if f.Version != "" {
		version = f.Version + " " + version
	}
	return &Policy{Version: version, rules: f.Rules}, nil
}

func environment() (*cel.Env, error) {
	return cel.NewEnv(
		ext.NativeTypes(reflect.TypeFor[Turn](), reflect.TypeFor[Interaction](), reflect.TypeFor[Journey](), reflect.TypeFor[Customer](), ext.ParseStructTags(true)),
		ext.Strings(), ext.Math(), ext.Lists(),
		cel.Variable("turn", cel.ObjectType("assist.Turn")),
		cel.Variable("interaction", cel.ObjectType("assist.Interaction")),
		cel.Variable("journey", cel.ObjectType("assist.Journey")),
		cel.Variable("customer", cel.ObjectType("assist.Customer")),
		cel.Variable("now", cel.TimestampType),
	)
}

func (r *rule) check(env *cel.Env, i int, names map[string]bool) []error {
	var problems []error
	wrong := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("rule %d (%s): %s", i+1, r.Name, fmt.Sprintf(format, args...)))
	}
	if r.Name == "" {
		wrong("name is missing")
	}
	if names[r.Name] {
		wrong("name stands twice: names are how alerts point back to rules")
	}
	names[r.Name] = true
	r.On, r.Once = otherwise(r.On, "turn"), otherwise(r.Once, "interaction")
	if !slices.Contains([]string{"turn", "interaction", "any"}, r.On) {
		wrong("on is %q: use turn, interaction or any", r.On)
	}
	if !slices.Contains([]string{"turn", "interaction", "journey"}, r.Once) {
		wrong("once is %q: use turn, interaction or journey", r.Once)
	}
	if r.When.source == "" {
		wrong("when is missing: give a CEL expression, such as turn.sentiment < -0.5")
	} else if err := r.When.compile(env, cel.BoolType); err != nil {
		wrong("when: %v", err)
	}
	if r.Alert == nil && r.Suggest == nil {
		wrong("no action: give alert or suggest")
	}
	if a := r.Alert; a != nil {
		a.Severity = event.Severity(otherwise(string(a.Severity), string(event.Warning)))
		if !slices.Contains([]event.Severity{event.Info, event.Warning, event.Critical}, a.Severity) {
			wrong("alert.severity is %q: use info, warning or critical", a.Severity)
		}
		if err := a.Title.compile(env); err != nil {
			wrong("alert.title: %v", err)
		}
	}
	if s := r.Suggest; s != nil {
		s.Kind = otherwise(s.Kind, "next_best_action")
		if !slices.Contains([]string{"next_best_action", "reply", "knowledge", "context"}, s.Kind) {
			wrong("suggest.kind is %q: use next_best_action, reply, knowledge or context", s.Kind)
		}
		if err := errors.Join(s.Title.compile(env), s.Body.compile(env)); err != nil {
			wrong("suggest: %v", err)
		}
	}
	return problems
}

func otherwise(s, standard string) string {
	if s == "" {
		return standard
	}
	return s
}

// expression is a CEL expression with its place in the file.
type expression struct {
	source       string
	line, column int
	program      cel.Program
}

// UnmarshalYAML keeps the place for errors.
func (e *expression) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode {
		return fmt.Errorf("line %d: a CEL expression is wanted here", n.Line)
	}
	e.source, e.line, e.column = strings.TrimSpace(n.Value), n.Line, n.Column
	return nil
}

func (e *expression) compile(env *cel.Env, want *cel.Type) error {
	ast, iss := env.Compile(e.source)
	if err := iss.Err(); err != nil {
		first := iss.Errors()[0]
		return fmt.Errorf("line %d, column %d: %s (in %q)", e.line+first.Location.Line()-1, e.column+first.Location.Column(), first.Message, e.source)
	}
	if ast.OutputType() != want {
		return fmt.Errorf("line %d: gives %s where %s is wanted (in %q)", e.line, ast.OutputType(), want, e.source)
	}
	p, err := env.Program(ast, cel.EvalOptions(cel.OptOptimize), cel.CostLimit(maxCost))
	if err != nil {
		return fmt.Errorf("line %d: %w", e.line, err)
	}
	e.program = p
	return nil
}

func (e *expression) eval(s subject) (any, error) {
	out, _, err := e.program.Eval(map[string]any{"turn": s.turn, "interaction": s.interaction, "journey": s.journey, "customer": s.customer, "now": s.now})
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
	source       string
	line, column int
	parts        []part
}

type part struct {
	literal string
	expr    *expression
}

// UnmarshalYAML keeps the place for errors.
func (t *text) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode {
		return fmt.Errorf("line %d: text is wanted here", n.Line)
	}
	t.source, t.line, t.column = n.Value, n.Line, n.Column
	return nil
}

func (t *text) compile(env *cel.Env) error {
	rest := t.source
	for rest != "" {
		literal, tail, found := strings.Cut(rest, "${")
		t.parts = append(t.parts, part{literal: literal})
		if !found {
			return nil
		}
		source, after, closed := strings.Cut(tail, "}")
		if !closed {
			return fmt.Errorf("line %d: ${ without }", t.line)
		}
		e := &expression{source: source, line: t.line, column: t.column + len(t.source) - len(tail)}
		if err := e.compile(env, cel.StringType); err != nil {
			return err
		}
		t.parts = append(t.parts, part{expr: e})
		rest = after
	}
	return nil
}

func (t *text) render(s subject) (string, error) {
	var b strings.Builder
	for _, p := range t.parts {
		b.WriteString(p.literal)
		if p.expr != nil {
			v, err := p.expr.eval(s)
			if err != nil {
				return "", err
			}
			fmt.Fprint(&b, v)
		}
	}
	return b.String(), nil
}
