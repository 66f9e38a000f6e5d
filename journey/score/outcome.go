package score

import (
	"errors"
	"fmt"
)

// Outcome is what became of a journey after a moment; nil where nobody knows.
type Outcome struct {
	Satisfaction *int  `json:"satisfaction"` // the customer's answer at the end, 1–5
	Escalated    *bool `json:"escalated"`    // complained, threatened or asked for somebody else afterwards
	Churned      *bool `json:"churned"`      // left
	Resolved     *bool `json:"resolved"`     // what was wanted was fulfilled
}

// Example is a journey at a moment, and what became of it.
type Example struct {
	X Vector
	Outcome
	Group  int     // of the journey: its moments stay on one side of every split
	Weight float64 // 0 counts as 1
}

// target is a model of a File.
type target struct {
	name   string
	levels int
	good   bool // whether more of it is
	into   func(*File) **Ordinal
	level  func(o Outcome) (level int, known bool)
}

func targets() []target {
	yesOrNo := func(of func(o Outcome) *bool) func(o Outcome) (int, bool) {
		return func(o Outcome) (int, bool) {
			b := of(o)
			if b == nil {
				return 0, false
			}
			return int(yes(*b)), true
		}
	}
	return []target{
		{"escalation", 2, false, func(f *File) **Ordinal { return &f.Escalation }, yesOrNo(func(o Outcome) *bool { return o.Escalated })},
		{"churn", 2, false, func(f *File) **Ordinal { return &f.Churn }, yesOrNo(func(o Outcome) *bool { return o.Churned })},
		{"satisfaction", 5, true, func(f *File) **Ordinal { return &f.Satisfaction }, func(o Outcome) (int, bool) {
			if o.Satisfaction == nil {
				return 0, false
			}
			return *o.Satisfaction - 1, true
		}},
		{"resolution", 2, true, func(f *File) **Ordinal { return &f.Resolution }, yesOrNo(func(o Outcome) *bool { return o.Resolved })},
	}
}

// signs say which way each feature may push: a burden never makes a customer
// happier, whatever chance says of some thousand journeys.
func (t target) signs() []int {
	out := make([]int, size)
	for k := range out {
		out[k] = -1
		switch k {
		case mood, last, answers, thanks, closed, before:
			out[k] = 1
		}
		if !t.good {
			out[k] = -out[k]
		}
	}
	return out
}

func (t target) rows(examples []Example) []Row {
	var rows []Row
	for i := range examples {
		e := &examples[i]
		if level, known := t.level(e.Outcome); known {
			row := Row{X: e.X[:], Level: level, Group: e.Group, Weight: e.Weight}
			if row.Weight == 0 {
				row.Weight = 1
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// What a model has to see before it is worth fitting: so many examples, and so
// many that are not of the most frequent level (ten for each of the few features
// that matter: Peduzzi et al., Journal of Clinical Epidemiology 1996).
const (
	MinExamples = 300
	MinOthers   = 50
)

// enough tells whether rows suffice, in words where they do not.
func enough(rows []Row) (why string, ok bool) {
	seen := make(map[int]int)
	most := 0
	for _, r := range rows {
		seen[r.Level]++
		most = max(most, seen[r.Level])
	}
	if len(rows) < MinExamples || len(rows)-most < MinOthers {
		return fmt.Sprintf("%d outcomes, %d of them not the most frequent; want %d and %d", len(rows), len(rows)-most, MinExamples, MinOthers), false
	}
	return "", true
}

// penalty of the weights when a File is fitted.
const penalty = 1e-4

// FitFile fits each model that examples suffice for; the others stay as in base.
// The lines say what was fitted, and how well each foresees the fifth of the
// journeys that a first fit did not see.
func FitFile(version string, base File, examples []Example) (File, []string, error) {
	f := base
	f.Version, f.Features = version, Names()
	var lines []string
	fitted := false
	for _, t := range targets() {
		rows := t.rows(examples)
		if why, ok := enough(rows); !ok {
			lines = append(lines, fmt.Sprintf("%s: not fitted, %s", t.name, why))
			continue
		}
		var seen, held []Row
		for _, r := range rows {
			if r.Group%5 == 0 {
				held = append(held, r)
			} else {
				seen = append(seen, r)
			}
		}
		o := FitOptions{Levels: t.levels, Signs: t.signs(), Penalty: penalty}
		trial, err := Fit(seen, o)
		if err != nil {
			return f, nil, fmt.Errorf("%s: %w", t.name, err)
		}
		for _, c := range t.report(trial, held) {
			lines = append(lines, c.String())
		}
		if *t.into(&f), err = Fit(rows, o); err != nil {
			return f, nil, fmt.Errorf("%s: %w", t.name, err)
		}
		(*t.into(&f)).trim()
		fitted = true
	}
	if !fitted {
		return f, lines, errors.New("no model has enough outcomes")
	}
	return f, lines, f.check()
}

// Check is how well a model, or one cut of it, does on examples it was not fitted to.
type Check struct {
	Name string
	Quality
}

func (c Check) String() string { return c.Name + ": " + c.Quality.String() }

// Report checks every model and cut.
func (f *File) Report(held []Example) []Check {
	var all []Check
	for _, t := range targets() {
		all = append(all, t.report(*t.into(f), t.rows(held))...)
	}
	return all
}

func (t target) report(o *Ordinal, rows []Row) []Check {
	var all []Check
	for c := range o.Cuts {
		name := t.name
		if len(o.Cuts) > 1 {
			name = fmt.Sprintf("%s above %d", t.name, c+1)
		}
		all = append(all, Check{name, o.Quality(rows, c)})
	}
	return all
}
