package moonshine

import (
	"fmt"
	"math"
	"strings"

	"throughline/transcribe/onnx/graph"
)

// The published decoder is one network with an If: the first pass, which reads
// the speech, and the next ones, which reuse its keys and values. Run so, each
// token pays for a transposed copy of the whole embedding table and of the
// keys. The edits make two plain networks without that work. They change no
// result beyond the order of rounding: error counts were identical at each
// stage, and a token takes 2.7 ms instead of 7.

const embedding = "model.decoder.embed_tokens.weight_merged_0_"

// firstOutputs names the outputs of the first pass; the order of its cache is
// the order of nextInputs.
func firstOutputs() []string {
	out := []string{"logits"}
	for _, c := range caches() {
		out = append(out, c.present())
	}
	return out
}

// nextInputs names the cache inputs of the following passes.
func nextInputs() []string {
	var in []string
	for _, c := range caches() {
		in = append(in, c.past())
	}
	return in
}

// nextOutputs names the outputs of the following passes: the cache of the
// attention to the speech does not change and is not given again.
func nextOutputs() []string { return firstOutputs()[:1+selfCache] }

// cache names one tensor of keys or values.
type cache struct {
	layer int
	side  string // "decoder" for self-attention, "encoder" for the speech
	part  string // "key" or "value"
}

// caches lists all of them, those of the self-attention first.
func caches() []cache {
	var all []cache
	for _, side := range []string{"decoder", "encoder"} {
		for layer := range layers {
			for _, part := range []string{"key", "value"} {
				all = append(all, cache{layer, side, part})
			}
		}
	}
	return all
}

func (c cache) crossKey() bool { return c.side == "encoder" && c.part == "key" }

func (c cache) past() string {
	return fmt.Sprintf("past_key_values.%d.%s.%s", c.layer, c.side, c.part)
}

// original is the name that the published network gives this output.
func (c cache) original() string {
	return fmt.Sprintf("present.%d.%s.%s", c.layer, c.side, c.part)
}

// present is the name of this output after the edit: the keys of the speech
// leave the first pass transposed and scaled.
func (c cache) present() string {
	if c.crossKey() {
		return c.original() + "_scaled"
	}
	return c.original()
}

// declare describes this tensor as the input or output called name.
func (c cache) declare(name, length string) graph.ValueInfo {
	if c.crossKey() {
		return graph.Declare(name, graph.Float32, []int64{-1, heads, headDim, -1}, "batch", length)
	}
	return graph.Declare(name, graph.Float32, []int64{-1, heads, -1, headDim}, "batch", length)
}

// branches finds the two networks inside the published decoder.
func branches(m *graph.Model) (first, next graph.Graph, err error) {
	for _, n := range m.Graph.Nodes {
		if n.Op != "If" {
			continue
		}
		for _, a := range n.Attributes {
			switch a.Name {
			case "else_branch":
				first, err = graph.ParseGraph(a.Graph)
			case "then_branch":
				next, err = graph.ParseGraph(a.Graph)
			}
			if err != nil {
				return first, next, fmt.Errorf("read branch %s: %w", a.Name, err)
			}
		}
		if len(first.Nodes) > 0 && len(next.Nodes) > 0 {
			return first, next, nil
		}
	}
	return first, next, fmt.Errorf("read decoder: no conditional with two branches")
}

// editFirst makes the network of the first pass.
func editFirst(g graph.Graph, shared []graph.Tensor) (graph.Graph, error) {
	out := graph.Graph{Name: g.Name, Nodes: g.Nodes, Constants: shared}
	if err := quantiseScores(&out); err != nil {
		return out, err
	}
	out.Inputs = []graph.ValueInfo{
		graph.Declare("input_ids", graph.Int64, []int64{-1, -1}, "batch", "tokens"),
		graph.Declare("encoder_hidden_states", graph.Float32, []int64{-1, -1, width}, "batch", "frames"),
	}
	out.Outputs = []graph.ValueInfo{scores()}
	out.Constants = append(out.Constants, graph.NewScalar("key_scale", keyScale()))
	for _, c := range caches() {
		length := "tokens"
		if c.side == "encoder" {
			length = "frames"
		}
		if c.crossKey() {
			turned := c.original() + "_turned"
			out.Nodes = append(out.Nodes,
				graph.NewNode("Transpose", []string{c.original()}, []string{turned}, graph.Ints("perm", 0, 1, 3, 2)),
				graph.NewNode("Mul", []string{turned, "key_scale"}, []string{c.present()}))
		}
		out.Outputs = append(out.Outputs, c.declare(c.present(), length))
	}
	return out, nil
}

// editNext makes the network of the following passes.
func editNext(g graph.Graph, shared []graph.Tensor) (graph.Graph, error) {
	out := graph.Graph{Name: g.Name, Constants: shared}
	out.Inputs = []graph.ValueInfo{graph.Declare("input_ids", graph.Int64, []int64{-1, -1}, "batch", "tokens")}
	out.Outputs = []graph.ValueInfo{scores()}
	dropped := make(map[string]bool)
	renamed := make(map[string]string)
	for _, c := range caches() {
		if c.side == "decoder" {
			out.Inputs = append(out.Inputs, c.declare(c.past(), "past"))
			out.Outputs = append(out.Outputs, c.declare(c.present(), "past_and_new"))
			continue
		}
		out.Inputs = append(out.Inputs, c.declare(c.past(), "frames"))
		dropped[c.original()] = true
		if c.crossKey() {
			attention := fmt.Sprintf("/model/decoder/layers.%d/encoder_attn/", c.layer)
			dropped[attention+"Transpose_1_output_0"] = true
			dropped[attention+"Mul_1_output_0"] = true
			renamed[attention+"Mul_1_output_0"] = c.past()
		}
	}
	replaced := 0
	for _, n := range g.Nodes {
		if len(n.Outputs) > 0 && dropped[n.Outputs[0]] {
			continue
		}
		inputs := make([]string, len(n.Inputs))
		for i, in := range n.Inputs {
			inputs[i] = in
			if to, ok := renamed[in]; ok {
				inputs[i] = to
				replaced++
			}
		}
		n.Inputs = inputs
		out.Nodes = append(out.Nodes, n)
	}
	if replaced != layers {
		return out, fmt.Errorf("edit decoder: %d of %d cross-attentions found", replaced, layers)
	}
	return out, quantiseScores(&out)
}

// keyScale is what each side of the attention's product is multiplied by: the
// fourth root of 1/headDim.
func keyScale() float32 { return float32(math.Sqrt(1 / math.Sqrt(headDim))) }

func scores() graph.ValueInfo {
	return graph.Declare("logits", graph.Float32, []int64{-1, -1, vocabulary}, "batch", "tokens")
}

// quantiseScores replaces the last product, which expands the embedding table
// to floating point for each token, by an integer product with the table
// transposed once.
func quantiseScores(g *graph.Graph) error {
	table, ok := g.Constant(embedding + "quantized")
	if !ok || len(table.Dims) != 2 || table.Dims[0] != vocabulary || table.Dims[1] != width ||
		int64(len(table.Data)) != table.Dims[0]*table.Dims[1] {
		return fmt.Errorf("edit decoder: no embedding table of %d by %d bytes", vocabulary, width)
	}
	scale, ok := g.Constant(embedding + "scale")
	if !ok {
		return fmt.Errorf("edit decoder: no embedding scale")
	}
	zero, ok := g.Constant(embedding + "zero_point")
	if !ok {
		return fmt.Errorf("edit decoder: no embedding zero point")
	}
	s, err := scale.Scalar()
	if err != nil {
		return fmt.Errorf("edit decoder: %w", err)
	}
	z, err := zero.ScalarByte()
	if err != nil {
		return fmt.Errorf("edit decoder: %w", err)
	}
	normed := ""
	var nodes []graph.Node
	for _, n := range g.Nodes {
		switch {
		case n.Op == "MatMul" && n.Outputs[0] == "logits":
			normed = n.Inputs[0]
		case n.Op == "Transpose" && n.Inputs[0] == table.Name:
		case n.Op == "DequantizeLinear" && strings.Contains(n.Outputs[0], "weight_transposed"):
		default:
			nodes = append(nodes, n)
		}
	}
	if normed == "" {
		return fmt.Errorf("edit decoder: no product that gives the scores")
	}
	turned := make([]byte, len(table.Data))
	for token := range vocabulary {
		for d := range width {
			turned[d*vocabulary+token] = table.Data[token*width+d]
		}
	}
	g.Constants = append(g.Constants[:len(g.Constants):len(g.Constants)],
		graph.NewTensor("scores_weight", graph.Uint8, turned, width, vocabulary),
		graph.NewTensor("scores_zero", graph.Uint8, []byte{z}),
		graph.NewScalar("scores_scale", s))
	g.Nodes = append(nodes,
		graph.NewNode("DynamicQuantizeLinear", []string{normed}, []string{"normed_q", "normed_scale", "normed_zero"}),
		graph.NewNode("MatMulInteger", []string{"normed_q", "scores_weight", "normed_zero", "scores_zero"}, []string{"scores_int"}),
		graph.NewNode("Cast", []string{"scores_int"}, []string{"scores_float"}, graph.Int("to", int64(graph.Float32))),
		graph.NewNode("Mul", []string{"normed_scale", "scores_scale"}, []string{"scores_unit"}),
		graph.NewNode("Mul", []string{"scores_float", "scores_unit"}, []string{"logits"}))
	return nil
}

// signWeights stores the weights of integer products as signed bytes. The
// numbers stay exactly the same; processors with VNNI have faster kernels for
// them.
func signWeights(g *graph.Graph) error {
	weights := make(map[string]bool)
	for _, n := range g.Nodes {
		if n.Op == "MatMulInteger" && len(n.Inputs) == 4 {
			weights[n.Inputs[1]], weights[n.Inputs[3]] = true, true
		}
	}
	constants := make([]graph.Tensor, len(g.Constants))
	for i, t := range g.Constants {
		constants[i] = t
		if !weights[t.Name] || t.Element != graph.Uint8 {
			continue
		}
		signed, err := t.Signed()
		if err != nil {
			return fmt.Errorf("sign weights: %w", err)
		}
		constants[i] = signed
	}
	g.Constants = constants
	return nil
}
