package moment

import (
	"reflect"
	"time"
)

// Column is one value of a Moment under its name in the store.
type Column struct {
	Part  string // turn, interaction, journey, customer; empty for now
	Field string // the name within the part, as in rules
	About string
	Type  reflect.Type
	index []int // within Moment
}

// Name is the column's name: turn_sentiment.
func (c Column) Name() string {
	if c.Part == "" {
		return c.Field
	}
	return c.Part + "_" + c.Field
}

// Of gives m's value of the column.
func (c Column) Of(m *Moment) any { return reflect.ValueOf(m).Elem().FieldByIndex(c.index).Interface() }

// Into gives the pointer under which m keeps the column.
func (c Column) Into(m *Moment) any {
	return reflect.ValueOf(m).Elem().FieldByIndex(c.index).Addr().Interface()
}

// Get gives the column of the part that it belongs to, a pointer to one of the
// parts of a Moment.
func (c Column) Get(part any) (any, error) {
	v := reflect.ValueOf(part).Elem().Field(c.index[1])
	switch v.Kind() {
	case reflect.String:
		return v.String(), nil
	case reflect.Float64:
		return v.Float(), nil
	case reflect.Int64:
		return v.Int(), nil
	case reflect.Bool:
		return v.Bool(), nil
	}
	return v.Interface(), nil
}

// Columns lists everything that a rule may see, in a fixed order.
func Columns() []Column {
	var out []Column
	for _, part := range []struct{ name, field string }{{"turn", "Turn"}, {"interaction", "Interaction"}, {"journey", "Journey"}, {"customer", "Customer"}} {
		f, _ := reflect.TypeFor[Moment]().FieldByName(part.field)
		for i := range f.Type.NumField() {
			g := f.Type.Field(i)
			out = append(out, Column{Part: part.name, Field: g.Tag.Get("cel"), About: g.Tag.Get("about"), Type: g.Type, index: []int{f.Index[0], i}})
		}
	}
	now, _ := reflect.TypeFor[Moment]().FieldByName("Now")
	return append(out, Column{Field: "now", About: "when the cause happened", Type: reflect.TypeFor[time.Time](), index: now.Index})
}

// Facts are what a decision needs beside what a rule sees: whose it is, in
// which order it came, and what it was caused by.
func Facts() []Column {
	var out []Column
	for _, f := range []struct{ field, name, about string }{
		{"Tenant", "tenant", "tenant"},
		{"Version", "version", "version of the journey: the order in which a customer's changes were decided on"},
		{"Cause", "cause", "id of the event that made the change"},
		{"Type", "cause_type", "what kind of event that was"},
		{"Historic", "historic", "the turn was backfilled"},
		{"Model", "model", "name and version of what read the turn"},
	} {
		g, _ := reflect.TypeFor[Moment]().FieldByName(f.field)
		out = append(out, Column{Field: f.name, About: f.about, Type: g.Type, index: g.Index})
	}
	return out
}
