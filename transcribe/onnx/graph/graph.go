package graph

import (
	"errors"
	"fmt"
	"slices"
)

// Field numbers of onnx.proto3 that this package reads or writes.
const (
	modelGraph = 7

	graphNode        = 1
	graphName        = 2
	graphInitializer = 5
	graphInput       = 11
	graphOutput      = 12

	nodeInput     = 1
	nodeOutput    = 2
	nodeName      = 3
	nodeOp        = 4
	nodeAttribute = 5

	attributeName  = 1
	attributeInt   = 3
	attributeGraph = 6
	attributeInts  = 8
	attributeType  = 20
)

// Model is an ONNX file: one graph and the fields around it, which are kept
// as they were.
type Model struct {
	Graph  Graph
	around []byte
}

// Graph is a network. Constants keep the order of the file, so that the same
// edit always writes the same bytes.
type Graph struct {
	Name      string
	Nodes     []Node
	Constants []Tensor
	Inputs    []ValueInfo
	Outputs   []ValueInfo
}

// Node is one operation. Attributes holds them encoded, ready to be written
// again.
type Node struct {
	Name, Op        string
	Inputs, Outputs []string
	Attributes      []Attribute
	rest            []byte
}

// Attribute is a parameter of a node; Graph is set when it is a branch of an
// If, still encoded.
type Attribute struct {
	Name  string
	Graph []byte
	raw   []byte
}

// ValueInfo is the declaration of an input or an output, encoded.
type ValueInfo []byte

// ErrNoGraph is returned for a message that holds no network.
var ErrNoGraph = errors.New("no graph in model")

// Parse reads the bytes of an ONNX file. The result shares memory with b.
func Parse(b []byte) (*Model, error) {
	m := &Model{}
	found := false
	err := eachField(b, func(f field) error {
		if f.id != modelGraph {
			m.around = append(m.around, f.raw...)
			return nil
		}
		found = true
		g, err := ParseGraph(f.value)
		m.Graph = g
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("parse model: %w", err)
	}
	if !found {
		return nil, fmt.Errorf("parse model: %w", ErrNoGraph)
	}
	return m, nil
}

// ParseGraph reads an encoded graph, such as a branch of an If.
func ParseGraph(b []byte) (Graph, error) {
	var g Graph
	err := eachField(b, func(f field) error {
		switch f.id {
		case graphNode:
			n, err := parseNode(f.value)
			if err != nil {
				return err
			}
			g.Nodes = append(g.Nodes, n)
		case graphName:
			g.Name = string(f.value)
		case graphInitializer:
			t, err := parseTensor(f.value)
			if err != nil {
				return err
			}
			g.Constants = append(g.Constants, t)
		case graphInput:
			g.Inputs = append(g.Inputs, f.value)
		case graphOutput:
			g.Outputs = append(g.Outputs, f.value)
		}
		return nil
	})
	return g, err
}

func parseNode(b []byte) (Node, error) {
	var n Node
	err := eachField(b, func(f field) error {
		switch f.id {
		case nodeInput:
			n.Inputs = append(n.Inputs, string(f.value))
		case nodeOutput:
			n.Outputs = append(n.Outputs, string(f.value))
		case nodeName:
			n.Name = string(f.value)
		case nodeOp:
			n.Op = string(f.value)
		case nodeAttribute:
			a := Attribute{raw: f.value}
			err := eachField(f.value, func(f field) error {
				switch f.id {
				case attributeName:
					a.Name = string(f.value)
				case attributeGraph:
					a.Graph = f.value
				}
				return nil
			})
			if err != nil {
				return err
			}
			n.Attributes = append(n.Attributes, a)
		default:
			n.rest = append(n.rest, f.raw...)
		}
		return nil
	})
	return n, err
}

// Constant returns the constant called name.
func (g *Graph) Constant(name string) (Tensor, bool) {
	i := slices.IndexFunc(g.Constants, func(t Tensor) bool { return t.Name == name })
	if i < 0 {
		return Tensor{}, false
	}
	return g.Constants[i], true
}

// Bytes writes the model with g as its network. Constants that no node reads
// are left out.
func (m *Model) Bytes(g *Graph) []byte {
	used := make(map[string]bool)
	for _, n := range g.Nodes {
		for _, in := range n.Inputs {
			used[in] = true
		}
	}
	var b []byte
	for _, n := range g.Nodes {
		b = appendBytes(b, graphNode, n.encode())
	}
	b = appendString(b, graphName, g.Name)
	for _, t := range g.Constants {
		if used[t.Name] {
			b = appendBytes(b, graphInitializer, t.raw)
		}
	}
	for _, v := range g.Inputs {
		b = appendBytes(b, graphInput, v)
	}
	for _, v := range g.Outputs {
		b = appendBytes(b, graphOutput, v)
	}
	return appendBytes(slices.Clone(m.around), modelGraph, b)
}

func (n Node) encode() []byte {
	var b []byte
	for _, s := range n.Inputs {
		b = appendString(b, nodeInput, s)
	}
	for _, s := range n.Outputs {
		b = appendString(b, nodeOutput, s)
	}
	b = appendString(b, nodeName, n.Name)
	b = appendString(b, nodeOp, n.Op)
	for _, a := range n.Attributes {
		b = appendBytes(b, nodeAttribute, a.raw)
	}
	return append(b, n.rest...)
}

// NewNode makes an operation named after its first output.
func NewNode(op string, inputs, outputs []string, attributes ...Attribute) Node {
	return Node{Name: "edit/" + outputs[0], Op: op, Inputs: inputs, Outputs: outputs, Attributes: attributes}
}

// Int makes an integer attribute (AttributeProto.INT).
func Int(name string, v int64) Attribute {
	raw := appendString(nil, attributeName, name)
	raw = appendInt(raw, attributeInt, v)
	return Attribute{Name: name, raw: appendInt(raw, attributeType, 2)}
}

// Ints makes an attribute that is a list of integers (AttributeProto.INTS).
func Ints(name string, values ...int64) Attribute {
	raw := appendString(nil, attributeName, name)
	for _, v := range values {
		raw = appendInt(raw, attributeInts, v)
	}
	return Attribute{Name: name, raw: appendInt(raw, attributeType, 7)}
}

// Declare makes the declaration of an input or output. A dimension is a fixed
// size, or a name when it is less than zero: dims gives sizes, and names, in
// order, the names of the free ones.
func Declare(name string, element Element, dims []int64, names ...string) ValueInfo {
	var shape []byte
	for _, d := range dims {
		var dim []byte
		if d >= 0 {
			dim = appendInt(dim, 1, d)
		} else {
			free := ""
			if len(names) > 0 {
				free, names = names[0], names[1:]
			}
			dim = appendString(dim, 2, free)
		}
		shape = appendBytes(shape, 1, dim)
	}
	tensorType := appendInt(nil, 1, int64(element))
	tensorType = appendBytes(tensorType, 2, shape)
	info := appendString(nil, 1, name)
	return appendBytes(info, 2, appendBytes(nil, 1, tensorType))
}
