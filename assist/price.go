package assist

import (
	"math"
	"strings"

	"github.com/google/cel-go/checker"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"

	"throughline/moment"
)

// sizes tells CEL how large what a rule sees can be, and what the functions cost
// that CEL does not price: before a rule runs from the sizes, and while it runs
// from what came out. A text may grow at each call, by as much as it is long.
type sizes struct{}

const (
	perByte   = 0.1 // of a text that is read or made, as CEL counts
	perItem   = 1   // of a list that is made
	maxString = 512 // bytes of ids, names and reasons
)

// unknown is the size of what nobody can tell.
var unknown = checker.SizeEstimate{Min: 0, Max: math.MaxUint64}

func (sizes) EstimateSize(n checker.AstNode) *checker.SizeEstimate {
	bound := func(most uint64) *checker.SizeEstimate { return &checker.SizeEstimate{Min: 0, Max: most} }
	where := n.Path()
	switch {
	case len(where) == 0:
		return nil
	case n.Type().Kind() == types.ListKind:
		return bound(moment.MaxList)
	case strings.Join(where, ".") == "turn.text":
		return bound(moment.MaxText)
	case n.Type().Kind() == types.StringKind:
		return bound(maxString)
	}
	return nil
}

func sizeOf(n checker.AstNode) checker.SizeEstimate {
	if s := n.ComputedSize(); s != nil {
		return *s
	}
	if s := (sizes{}).EstimateSize(n); s != nil {
		return *s
	}
	return unknown
}

func (sizes) EstimateCallCost(function, _ string, target *checker.AstNode, args []checker.AstNode) *checker.CallEstimate {
	if target == nil {
		return nil
	}
	made := func(size checker.SizeEstimate) *checker.CallEstimate {
		size.Min = 0
		return &checker.CallEstimate{CostEstimate: size.MultiplyByCostFactor(perByte), ResultSize: &size}
	}
	of := sizeOf(*target)
	switch function {
	case "says":
		return &checker.CallEstimate{CostEstimate: of.MultiplyByCostFactor(2 * perByte)}
	case "during":
		return &checker.CallEstimate{CostEstimate: checker.FixedCostEstimate(5)}
	case "replace": // an empty text stands before, between and after all letters
		places := of.Add(checker.SizeEstimate{Min: 1, Max: 1})
		if needle := sizeOf(args[0]); needle.Min > 0 {
			places.Max = of.Max / needle.Min
		}
		return made(of.Add(places.Multiply(sizeOf(args[1]))))
	case "join":
		item := unknown
		if len((*target).Path()) > 0 {
			item.Max = maxString
		}
		if len(args) > 0 {
			item = item.Add(sizeOf(args[0]))
		}
		return made(of.Multiply(item))
	case "format":
		return made(unknown)
	}
	return nil
}

// CallCost prices what came out of the same functions, and of others that make
// texts and lists.
func (sizes) CallCost(function, _ string, args []ref.Val, result ref.Val) *uint64 {
	switch function {
	case "says":
		if text, ok := args[0].(types.String); ok {
			return cost(2 * perByte * float64(len(text)))
		}
	case "replace", "join", "format", "split", "substring", "trim", "lowerAscii", "upperAscii", "reverse", "strings.quote":
		switch v := result.(type) {
		case types.String:
			return cost(perByte * float64(len(v)))
		case interface{ Size() ref.Val }:
			if n, ok := v.Size().(types.Int); ok {
				return cost(perItem * float64(n))
			}
		}
	}
	return nil
}

func cost(of float64) *uint64 {
	n := 1 + uint64(of)
	return &n
}
