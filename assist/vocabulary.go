package assist

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/ext"

	"throughline/moment"
)

// vocabulary is the CEL that rules are written in. The parts of a moment are its
// variables; lists.range is left out, since a list can be made there of any size.
func vocabulary() (*cel.Env, error) {
	registry, err := types.NewRegistry()
	if err != nil {
		return nil, err
	}
	known := &calendar{seen: map[string]hours{}}
	return cel.NewEnv(
		cel.CustomTypeProvider(&parts{Provider: registry, fields: fieldsOfParts()}),
		ext.Strings(), ext.Math(), ext.Lists(ext.ListsVersion(1)),
		cel.EnableMacroCallTracking(), // to tell exists from all when a condition is put into SQL
		cel.Variable("turn", cel.ObjectType(partType("turn"))),
		cel.Variable("interaction", cel.ObjectType(partType("interaction"))),
		cel.Variable("journey", cel.ObjectType(partType("journey"))),
		cel.Variable("customer", cel.ObjectType(partType("customer"))),
		cel.Variable("now", cel.TimestampType),
		cel.Function("says", cel.MemberOverload("string_says_string", []*cel.Type{cel.StringType, cel.StringType}, cel.BoolType,
			cel.BinaryBinding(func(text, phrase ref.Val) ref.Val {
				return types.Bool(says(string(text.(types.String)), string(phrase.(types.String))))
			}))),
		cel.Function("during", cel.MemberOverload("timestamp_during_string", []*cel.Type{cel.TimestampType, cel.StringType}, cel.BoolType,
			cel.BinaryBinding(func(at, when ref.Val) ref.Val {
				open, err := known.hours(string(when.(types.String)))
				if err != nil {
					return types.WrapErr(err)
				}
				return types.Bool(open.holds(at.(types.Timestamp).Time))
			}))),
	)
}

// terms are what an expression of a rule may speak of.
type terms struct {
	*cel.Env
	when *expression // of the rule, for what else it says: what that asks for is asked; nil: for the condition itself
}

// partType is the name of a part's type, as CEL's errors show it.
func partType(part string) string { return "policy." + part }

// parts tells CEL the fields of the parts of a moment. cel-go has the same for
// any Go struct, by reflection on every access, at several times the cost.
type parts struct {
	types.Provider
	fields map[string]map[string]*types.FieldType
}

func (p *parts) FindStructType(name string) (*types.Type, bool) {
	if p.fields[name] != nil {
		return types.NewTypeTypeWithParam(types.NewObjectType(name)), true
	}
	return p.Provider.FindStructType(name)
}

func (p *parts) FindStructFieldNames(name string) ([]string, bool) {
	if p.fields[name] == nil {
		return p.Provider.FindStructFieldNames(name)
	}
	var names []string
	for f := range p.fields[name] {
		names = append(names, f)
	}
	slices.Sort(names)
	return names, true
}

func (p *parts) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	if p.fields[name] == nil {
		return p.Provider.FindStructFieldType(name, field)
	}
	f, ok := p.fields[name][field]
	return f, ok
}

func fieldsOfParts() map[string]map[string]*types.FieldType {
	out := map[string]map[string]*types.FieldType{}
	for _, c := range moment.Columns() {
		if c.Part == "" {
			continue
		}
		name := partType(c.Part)
		if out[name] == nil {
			out[name] = map[string]*types.FieldType{}
		}
		out[name][c.Field] = &types.FieldType{Type: celType(c.Type), GetFrom: c.Get,
			IsSet: func(part any) bool {
				v, err := c.Get(part)
				return err == nil && !reflect.ValueOf(v).IsZero()
			}}
	}
	return out
}

func celType(t reflect.Type) *cel.Type {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return cel.TimestampType
	case t.Kind() == reflect.Slice:
		return cel.ListType(cel.StringType)
	case t.Kind() == reflect.Int64:
		return cel.IntType
	case t.Kind() == reflect.Float64:
		return cel.DoubleType
	case t.Kind() == reflect.Bool:
		return cel.BoolType
	}
	return cel.StringType
}

// activation gives CEL the parts of a moment.
type activation struct{ *moment.Moment }

func (a activation) ResolveName(name string) (any, bool) {
	switch name {
	case "turn":
		return &a.Turn, true
	case "interaction":
		return &a.Interaction, true
	case "journey":
		return &a.Journey, true
	case "customer":
		return &a.Customer, true
	case "now":
		return a.Now, true
	}
	return nil, false
}

func (a activation) Parent() cel.Activation { return nil }

// says tells whether the words of phrase stand in text in a row, whatever their
// case and what is between them.
func says(text, phrase string) bool {
	want := wordsOf(phrase)
	have := wordsOf(text)
	if len(want) == 0 {
		return false
	}
	for k := range have {
		if len(have)-k < len(want) {
			return false
		}
		if slices.Equal(have[k:k+len(want)], want) {
			return true
		}
	}
	return false
}

// wordsOf splits text into its words, lower-cased: letters, digits and marks.
func wordsOf(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !wordly(r) })
}
