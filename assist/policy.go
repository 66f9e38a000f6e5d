package assist

import (
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/google/cel-go/cel"
	"gopkg.in/yaml.v3"

	"throughline/flaw"
)

//go:embed policy.default.yaml
var defaultPolicy []byte

// DefaultPolicy is the text of the policy that applies when none is configured.
func DefaultPolicy() []byte { return slices.Clone(defaultPolicy) }

// The bounds of a policy: each rule is evaluated on each change.
const (
	maxRules  = 500
	maxPolicy = 1 << 20 // bytes
)

// Policy is a checked set of rules. It does not change after loading.
type Policy struct {
	Version string // as declared, and a hash of the text: "2026-11 3f2a91c0"
	file    string // as it was named when it was loaded
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

// CheckTargets finds webhook actions that nobody would be told of, because no
// outgoing target has the name. The error joins a *flaw.Flaw for each.
func (p *Policy) CheckTargets(known []string) error {
	var problems []error
	for _, r := range p.rules {
		if r.Webhook == nil || slices.Contains(known, r.Webhook.Target) {
			continue
		}
		problems = append(problems, flaw.InPart("rule "+r.Name,
			flaw.At(r.place, "webhook: target %q is not one of outgoing.targets (%s)", r.Webhook.Target, cmp.Or(strings.Join(known, ", "), "there is none"))))
	}
	return flaw.In(p.file, errors.Join(problems...))
}

// NamesChannel tells whether a rule asks for the channel, and so may decide
// otherwise on another one.
func (p *Policy) NamesChannel(name string) bool {
	k := slices.IndexFunc(p.rules, func(r rule) bool { return r.Name == name })
	return k >= 0 && p.rules[k].When.mentions("turn.channel", "interaction.channel", "journey.channels")
}

// rule is a rule of the file with its compiled expressions.
type rule struct {
	Name     string          `yaml:"name"`
	On       string          `yaml:"on"`   // turn, interaction or any
	When     expression      `yaml:"when"` // CEL, to a bool
	Once     string          `yaml:"once"` // turn, interaction or journey
	History  bool            `yaml:"history"`
	Alert    *alertAction    `yaml:"alert"`
	Suggest  *adviceAction   `yaml:"suggest"`
	Escalate *escalateAction `yaml:"escalate"`
	Route    *routeAction    `yaml:"route"`
	Disclose *discloseAction `yaml:"disclose"`
	Tag      tags            `yaml:"tag"`
	Webhook  *webhookAction  `yaml:"webhook"`

	place    flaw.Place
	meaning  string // hash of all that the rule says; another version with the same rule decides nothing again
	evidence []field
}

type file struct {
	Version string      `yaml:"version"`
	Rules   []yaml.Node `yaml:"rules"`
}

// LoadFile reads and checks a policy file; an empty path gives the default policy.
func LoadFile(path string) (*Policy, error) {
	text, err := textOf(path)
	if err != nil {
		return nil, err
	}
	return Load(cmp.Or(path, "policy.default.yaml"), text)
}

func textOf(path string) ([]byte, error) {
	if path == "" {
		return defaultPolicy, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read policy: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxPolicy+1))
	if err != nil {
		return nil, fmt.Errorf("read policy: %w", err)
	}
	if len(b) > maxPolicy {
		return nil, fmt.Errorf("read policy: %s has more than %d bytes, the most that can be put in force", path, maxPolicy)
	}
	return b, nil
}

// Load checks a policy. The error joins a *flaw.Flaw for everything that is wrong.
func Load(name string, b []byte) (*Policy, error) {
	var problems []error
	wrong := func(part string, found ...*flaw.Flaw) {
		for _, f := range found {
			problems = append(problems, flaw.InPart(part, f))
		}
	}
	var root yaml.Node
	if err := yaml.Unmarshal(b, &root); err != nil {
		wrong("", flaw.OfYAML(err, flaw.Start())...)
		return nil, flaw.In(name, errors.Join(problems...))
	}
	if err := flaw.Second(b); err != nil {
		wrong("", flaw.All(err)...)
	}
	var f file
	if len(root.Content) > 0 {
		wrong("", flaw.UnknownKeys(root.Content[0], reflect.TypeFor[file]())...)
		if err := root.Decode(&f); err != nil {
			wrong("", flaw.OfYAML(err, flaw.Start())...)
		}
	}
	if len(f.Rules) == 0 && len(problems) == 0 {
		wrong("", flaw.At(flaw.Start(), "rules is empty: give at least one rule"))
	}
	if len(f.Rules) > maxRules {
		n := f.Rules[maxRules]
		wrong("", flaw.At(flaw.Of(&n), "more than %d rules", maxRules))
		f.Rules = nil
	}
	env, err := vocabulary()
	if err != nil {
		return nil, fmt.Errorf("policy vocabulary: %w", err)
	}
	p := &Policy{file: name, rules: make([]rule, len(f.Rules))}
	names := map[string]bool{}
	for i := range f.Rules {
		r := &p.rules[i]
		found := r.read(terms{Env: env}, &f.Rules[i], names)
		wrong("rule "+cmp.Or(r.Name, fmt.Sprint("number ", i+1)), found...)
	}
	if len(problems) > 0 {
		return nil, flaw.In(name, errors.Join(problems...))
	}
	sum := sha256.Sum256(b)
	p.Version = hex.EncodeToString(sum[:4])
	if f.Version != "" {
		p.Version = f.Version + " " + p.Version
	}
	return p, nil
}

// read decodes and checks one rule.
func (r *rule) read(env terms, n *yaml.Node, names map[string]bool) []*flaw.Flaw {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	r.place = flaw.Of(n)
	if n.Kind != yaml.MappingNode {
		return []*flaw.Flaw{flaw.At(r.place, "is no rule: give name, when and an action")}
	}
	problems := flaw.UnknownKeys(n, reflect.TypeFor[rule]())
	if err := n.Decode(r); err != nil {
		return append(problems, flaw.OfYAML(err, r.place)...)
	}
	wrong := func(format string, args ...any) { problems = append(problems, flaw.At(r.place, format, args...)) }
	switch {
	case r.Name == "":
		wrong("name is missing")
	case names[r.Name]:
		wrong("name stands twice: names are how alerts point back to rules")
	}
	names[r.Name] = true
	r.On, r.Once = cmp.Or(r.On, "turn"), cmp.Or(r.Once, "interaction")
	if !slices.Contains([]string{"turn", "interaction", "any"}, r.On) {
		wrong("on is %q: use turn, interaction or any", r.On)
	}
	if !slices.Contains([]string{"turn", "interaction", "journey"}, r.Once) {
		wrong("once is %q: use turn, interaction or journey", r.Once)
	}
	if r.When.source == "" {
		wrong("when is missing: give a CEL expression, such as turn.sentiment < -0.5")
	} else if err := r.When.compile(env, cel.BoolType); err != nil {
		problems = append(problems, flaw.OfYAML(fmt.Errorf("when: %w", err), r.place)...)
	} else {
		r.evidence = fieldsOf(r.When)
		env.when = &r.When
	}
	actions := r.actions()
	if len(actions) == 0 {
		wrong("no action: give alert, suggest, escalate, route, disclose, tag or webhook")
	}
	for _, a := range actions {
		for _, err := range a.check(env) {
			problems = append(problems, flaw.OfYAML(fmt.Errorf("%s: %w", a.name(), err), r.place)...)
		}
	}
	if len(problems) > 0 {
		return problems
	}
	var err error
	if r.meaning, err = meaningOf(n, r); err != nil {
		wrong("%v", err)
	}
	return problems
}

// meaningOf hashes what a rule says, however it is laid out.
func meaningOf(n *yaml.Node, r *rule) (string, error) {
	said := map[string]any{}
	if err := n.Decode(&said); err != nil {
		return "", err
	}
	said["on"], said["once"] = r.On, r.Once
	b, err := json.Marshal(said)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:12]), nil
}
