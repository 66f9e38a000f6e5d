package intent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"throughline/flaw"
	"throughline/nlp/linear"
)

// Embedder gives the meaning of a text as a vector.
type Embedder interface {
	Embed(ctx context.Context, text string) (linear.Vector, error)
}

// Found is an intent with its probability.
type Found struct {
	Name        string
	Probability float64
}

// Options of fitting and answering. The zero value is right for a taxonomy of
// dozens of intents with a dozen examples each.
type Options struct {
	Cost float64 // of an example on the wrong side; 0 means DefaultCost
	// Threshold is the probability below which an intent is not reported; 0
	// means the one that scored best in cross-validation.
	Threshold float64
	Folds     int // of cross-validation; 0 means DefaultFolds
	// Spare bounds what the threshold may cost: it is the highest one at which at
	// most this share of the right answers is lost. 0 means the threshold that
	// balances right answers in scope with silence out of scope.
	Spare float64
	// Doubt is how much the likeness to examples without an intent takes from every
	// intent's margin. On CLINC150 a threshold on the difference at 0.5 meets 74 % of
	// out-of-scope text at two lost answers in a thousand, and 44 % at 0; it needs a
	// hundred such examples to be worth it. 0: none.
	Doubt float64
	// Held are examples to calibrate on, instead of cross-validation.
	Held []Example
	// Refit fits once more with the Held examples among the others, when they have
	// served to calibrate: more examples, the same probabilities and threshold.
	Refit bool
}

// Defaults of Options.
const (
	DefaultCost  = 2.0
	DefaultFolds = 5
)

// Head tells the intents of a vector. It is safe for concurrent use.
type Head struct {
	names []string
	// machine has a plane for each name, and with doubt one for examples without an
	// intent behind them.
	machine   *linear.Machine
	doubt     float64
	platt     linear.Platt
	threshold float64
	report    Report
}

// Report is how well a head did on examples it was not fitted on.
type Report struct {
	Examples   int
	Accuracy   float64 // in-scope examples whose intent came first and passed the threshold
	OutOfScope float64 // out-of-scope examples with no answer; 0 when there were none
}

// Example is a vector with the intents it has, none when out of scope.
type Example struct {
	Vector linear.Vector
	Labels []int
}

// FitTaxonomy fits a head to a taxonomy.
func FitTaxonomy(ctx context.Context, t Taxonomy, e Embedder, o Options) (*Head, error) {
	var names []string
	var examples []Example
	add := func(text string, labels ...int) error {
		v, err := e.Embed(ctx, text)
		if err != nil {
			return fmt.Errorf("embed example: %w", err)
		}
		examples = append(examples, Example{Vector: v, Labels: labels})
		return nil
	}
	for k, i := range t.Intents {
		names = append(names, i.Name)
		texts := i.Examples
		if i.Description != "" {
			texts = append([]string{i.Description}, texts...)
		}
		texts = append(texts, strings.ReplaceAll(i.Name, "_", " "))
		for _, text := range texts {
			if err := add(text, k); err != nil {
				return nil, err
			}
		}
	}
	for _, text := range t.OutOfScope {
		if err := add(text); err != nil {
			return nil, err
		}
	}
	h, err := Fit(ctx, names, examples, o)
	if errors.Is(err, linear.ErrFlat) {
		return nil, flaw.At(flaw.Start(), "intents: their examples do not tell them apart: give each more of them, in words that the others do not share")
	}
	return h, err
}

// Fit fits a head. Probabilities and the threshold come from examples that the
// judging machine has not seen: o.Held, or each fold in turn.
func Fit(ctx context.Context, names []string, examples []Example, o Options) (*Head, error) {
	if o.Cost <= 0 {
		o.Cost = DefaultCost
	}
	if o.Folds <= 1 {
		o.Folds = DefaultFolds
	}
	h := &Head{names: names, doubt: o.Doubt}
	var err error
	if h.machine, err = separate(ctx, len(names), examples, o); err != nil {
		return nil, fmt.Errorf("fit intents: %w", err)
	}
	known, judged := o.Held, make([][]float64, len(o.Held))
	for i, e := range o.Held {
		judged[i] = h.margins(h.machine, e.Vector)
	}
	if len(o.Held) == 0 {
		known = examples
		if judged, err = h.judge(ctx, examples, o); err != nil {
			return nil, fmt.Errorf("fit intents: %w", err)
		}
	}
	if err := h.calibrate(known, judged, o); err != nil {
		return nil, fmt.Errorf("fit intents: %w", err)
	}
	if o.Refit && len(o.Held) > 0 {
		if h.machine, err = separate(ctx, len(names), slices.Concat(examples, o.Held), o); err != nil {
			return nil, fmt.Errorf("fit intents: %w", err)
		}
	}
	return h, nil
}

func separate(ctx context.Context, names int, examples []Example, o Options) (*linear.Machine, error) {
	rows, classes := make([]linear.Vector, len(examples)), names
	for i, e := range examples {
		rows[i] = e.Vector
		if o.Doubt > 0 && len(e.Labels) == 0 {
			classes = names + 1
		}
	}
	return linear.Separate(ctx, rows, classes, func(row, class int) bool {
		if class == names {
			return len(examples[row].Labels) == 0
		}
		return slices.Contains(examples[row].Labels, class)
	}, linear.MachineOptions{Cost: o.Cost})
}

// judge gives the margins of each example from a machine fitted without its
// fold. The examples of one intent are dealt to the folds in turn.
func (h *Head) judge(ctx context.Context, examples []Example, o Options) ([][]float64, error) {
	fold := make([]int, len(examples))
	dealt := make(map[int]int)
	for i, e := range examples {
		key := -1
		if len(e.Labels) > 0 {
			key = e.Labels[0]
		}
		fold[i] = dealt[key] % o.Folds
		dealt[key]++
	}
	judged := make([][]float64, len(examples))
	for f := range o.Folds {
		var rest []Example
		for i, e := range examples {
			if fold[i] != f {
				rest = append(rest, e)
			}
		}
		m, err := separate(ctx, len(h.names), rest, o)
		if err != nil {
			return nil, err
		}
		for i, e := range examples {
			if fold[i] == f {
				judged[i] = h.margins(m, e.Vector)
			}
		}
	}
	return judged, nil
}

// margins are how far v lies on each intent's side.
func (h *Head) margins(m *linear.Machine, v linear.Vector) []float64 {
	all := make([]float64, m.Classes())
	m.Margins(v, all)
	for k := range h.names {
		if len(all) > len(h.names) {
			all[k] -= h.doubt * all[len(h.names)]
		}
	}
	return all[:len(h.names)]
}

// calibrate fits the probability map on the judged margins and picks the
// threshold with the best balance: the accuracy in scope, and the share of
// out-of-scope examples that get no answer.
func (h *Head) calibrate(examples []Example, judged [][]float64, o Options) error {
	var all []float64
	var belongs []bool
	for i, row := range judged {
		for k, m := range row {
			all = append(all, m)
			belongs = append(belongs, slices.Contains(examples[i].Labels, k))
		}
	}
	platt, err := linear.FitPlatt(all, belongs)
	if err != nil {
		return err
	}
	h.platt = platt
	type verdict struct {
		probability float64
		right, in   bool
	}
	var verdicts []verdict
	var in, out float64
	for i, row := range judged {
		best := 0
		for k := range row {
			if row[k] > row[best] {
				best = k
			}
		}
		v := verdict{probability: platt.Probability(row[best]), in: len(examples[i].Labels) > 0,
			right: slices.Contains(examples[i].Labels, best)}
		if v.in {
			in++
		} else {
			out++
		}
		verdicts = append(verdicts, v)
	}
	score := func(threshold float64) (accuracy, silent float64) {
		for _, v := range verdicts {
			switch {
			case v.in && v.right && v.probability >= threshold:
				accuracy++
			case !v.in && v.probability < threshold:
				silent++
			}
		}
		return accuracy / max(in, 1), silent / max(out, 1)
	}
	h.threshold = o.Threshold
	if h.threshold == 0 {
		h.threshold = 0.5
		if o.Spare > 0 {
			h.threshold = 0.01
		}
		if out > 0 {
			best := -1.0
			all, _ := score(0)
			for step := range 190 {
				threshold := 0.005 + 0.005*float64(step)
				accuracy, silent := score(threshold)
				if o.Spare > 0 && accuracy >= all-o.Spare {
					h.threshold = threshold
				}
				if o.Spare == 0 && accuracy+silent > best {
					best, h.threshold = accuracy+silent, threshold
				}
			}
		}
	}
	h.report.Examples = len(examples)
	h.report.Accuracy, h.report.OutOfScope = score(h.threshold)
	return nil
}

// Report of the fit.
func (h *Head) Report() Report { return h.report }

// Names of the intents, in the order of fitting.
func (h *Head) Names() []string { return h.names }

// Threshold in force.
func (h *Head) Threshold() float64 { return h.threshold }

// Probabilities puts each intent's probability into out, which has room for all.
func (h *Head) Probabilities(v linear.Vector, out []float64) {
	for k, m := range h.margins(h.machine, v) {
		out[k] = h.platt.Probability(m)
	}
}

// most is how many intents one turn may have.
const most = 4

// Find gives the intents above the threshold, best first, and the probability
// that the text is out of scope. parts are the whole text and its clauses: what
// any of them asks for is asked for. Parts without a meaning ask for nothing.
func (h *Head) Find(parts ...linear.Vector) ([]Found, float64) {
	p := make([]float64, len(h.names))
	best := make([]float64, len(h.names))
	for _, v := range parts {
		if len(v.Value) == 0 {
			continue
		}
		h.Probabilities(v, p)
		for k := range p {
			best[k] = max(best[k], p[k])
		}
	}
	var found []Found
	var top float64
	for k, probability := range best {
		top = max(top, probability)
		if probability >= h.threshold {
			found = append(found, Found{h.names[k], probability})
		}
	}
	slices.SortStableFunc(found, func(a, b Found) int {
		switch {
		case a.Probability > b.Probability:
			return -1
		case a.Probability < b.Probability:
			return 1
		}
		return 0
	})
	return found[:min(len(found), most)], 1 - top
}
