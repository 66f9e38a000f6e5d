// Package flaw tells what is wrong with a file that people write, and where:
// policies, categories, intents.
//
// Enters: the nodes of a YAML file, and the errors of package yaml. Leaves:
// errors that name file:line:column, the part of the file, the field and the
// fix. It knows none of these files.
package flaw

import (
	"errors"
	"fmt"

	"gopkg.in/yaml.v3"
)

// Place is where something stands in a file. Both count from 1.
type Place struct{ Line, Column int }

// Start is where a file begins: the place of what is wrong with all of it.
func Start() Place { return Place{1, 1} }

// Of is the place of a node.
func Of(n *yaml.Node) Place { return Place{max(n.Line, 1), max(n.Column, 1)} }

// Within is the place in the file of a place in a text: line from 1, column from
// 0, as CEL counts. The lines of a block lose their indent, so that there the
// column is that of the text.
func Within(n *yaml.Node, line, column int) Place {
	switch {
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return Place{n.Line + line, column + 1}
	case line > 1:
		return Place{n.Line + line - 1, column + 1}
	case n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		column++
	}
	return Place{n.Line, n.Column + column}
}

// Flaw is one thing that is wrong with a file.
type Flaw struct {
	Place
	Part   string // of the file, such as "rule angry"; empty: not of one part
	Field  string // of the part; empty: not of one field, or Reason names it
	Reason string // what is wrong, and what would be right
	file   string
}

// At is a flaw at a place.
func At(at Place, format string, args ...any) *Flaw {
	return &Flaw{Place: at, Reason: fmt.Sprintf(format, args...)}
}

// Error names the place as editors read it: file:line:column.
func (f *Flaw) Error() string {
	if f.file == "" {
		return fmt.Sprintf("line %d, column %d: %s", f.Line, f.Column, f.Said())
	}
	return fmt.Sprintf("%s:%d:%d: %s", f.file, f.Line, f.Column, f.Said())
}

// Said is the flaw without its place.
func (f *Flaw) Said() string {
	said := f.Reason
	for _, of := range []string{f.Field, f.Part} {
		if of != "" {
			said = of + ": " + said
		}
	}
	return said
}

// All lists the flaws in an error, which may join several.
func All(err error) []*Flaw {
	var out []*Flaw
	if list, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range list.Unwrap() {
			out = append(out, All(e)...)
		}
		return out
	}
	if f, ok := errors.AsType[*Flaw](err); ok {
		out = append(out, f)
	}
	return out
}

// In names the file that an error is about.
func In(file string, err error) error {
	flaws := All(err)
	for _, f := range flaws {
		f.file = file
	}
	if err != nil && len(flaws) == 0 {
		return fmt.Errorf("%s: %w", file, err)
	}
	return err
}

// InField names the field that an error is about, unless one within it is named.
func InField(field string, err error) error {
	for _, f := range All(err) {
		if f.Part == "" && f.Field == "" {
			f.Field = field
		}
	}
	return err
}

// InPart names the part of the file that an error is about.
func InPart(part string, err error) error {
	for _, f := range All(err) {
		f.Part = part
	}
	return err
}
