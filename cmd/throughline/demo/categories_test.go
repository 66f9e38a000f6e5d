package demo

import (
	"testing"

	"throughline/event"
	"throughline/nlp"
	"throughline/nlp/category"
	"throughline/nlp/floor"
)

// The day has turns for each of its categories, and leaves most turns without one.
func TestEveryCategoryIsShown(t *testing.T) {
	reader, err := floor.Open()
	if err != nil {
		t.Fatal(err)
	}
	rules, err := category.New(reader)
	if err != nil {
		t.Fatal(err)
	}
	if err := rules.Reload(t.Context(), Categories()); err != nil {
		t.Fatal(err)
	}
	model := nlp.New(nlp.Parts{Reader: reader, Categories: rules.Match})
	turns, filed, of := 0, 0, map[string]int{}
	for _, c := range bundledDay(t).Conversations {
		for _, s := range c.Steps {
			if !s.said() || s.Says == "" {
				continue
			}
			f, err := model.Features(t.Context(), event.Turn{ID: "t", Channel: c.Channel, Role: s.role(), Kind: event.Text, Text: s.Says}, nlp.Before{})
			if err != nil {
				t.Fatal(err)
			}
			turns++
			if len(f.Categories) > 0 {
				filed++
			}
			for _, l := range f.Categories {
				of[l.Name]++
			}
		}
	}
	for _, name := range rules.Names() {
		if of[name] == 0 {
			t.Errorf("nobody says what belongs under %s", name)
		}
	}
	if filed*2 > turns {
		t.Errorf("%d of %d turns are filed: %v", filed, turns, of)
	}
	t.Logf("%d of %d turns: %v", filed, turns, of)
}
