package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"throughline/nlp/category"
)

func TestCategoryVerbs(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string { return written(t, dir, name, text) }
	sound := file("sound.yaml", "categories:\n- name: angry\n  when: scored && sentiment < -0.5\n- {name: leaves, like: [I want to cancel]}\n")
	broken := file("broken.yaml", "categories:\n- name: a\n  when: scored && colour\n")
	away := file("c.yaml", "nlp: {model: floor}\nclickhouse: {url: 'http://127.0.0.1:1'}\n")
	tryVerbs(t, categories, map[string]tryVerb{
		"check":                {[]string{"check", sound}, ""},
		"check broken":         {[]string{"check", broken}, "broken.yaml:3:19: category a: when: undeclared reference to 'colour'"},
		"check nothing":        {[]string{"check"}, "usage"},
		"check nowhere":        {[]string{"check", filepath.Join(dir, "none.yaml")}, "read categories"},
		"not a verb":           {[]string{"enforce"}, "not a verb"},
		"backtest bad since":   {[]string{"backtest", "--since", "soon"}, "--since"},
		"backtest bad until":   {[]string{"backtest", "--since", "2d", "--until", "3d"}, "--until"},
		"backtest bad limit":   {[]string{"backtest", "--limit", "-1"}, "--limit -1"},
		"backtest no file":     {[]string{"backtest", "--config", away}, "--categories"},
		"backtest broken":      {[]string{"backtest", "--config", away, "--categories", broken}, "broken.yaml:3:19"},
		"backtest other":       {[]string{"backtest", "--config", away, "--categories", sound, "--against", broken}, "--against"},
		"backtest needs store": {[]string{"backtest", "--config", away, "--categories", sound}, "is throughline serve running"},
	})
}

func TestCategoriesAreTold(t *testing.T) {
	r := category.Report{Turns: 1000, Read: 100, Sampled: true, Days: 10, Embedded: true, Models: map[string]int{"floor-2": 40, "encoder-1": 60}, Categories: []category.Tried{
		{Category: "leaves", Matches: 5, Failed: 2, Channels: map[string]int{"voice": 3, "email": 2}, Live: category.Difference{Matches: 4, Both: 3, Only: 2, Lost: 1}, Against: &category.Difference{Matches: 7, Both: 5, Lost: 2},
			Examples: []category.Example{{Turn: "t_1", Interaction: "i_1", Channel: "voice", Role: "customer", Probability: 0.75, Words: "I leave"}}},
	}}
	var out bytes.Buffer
	if err := writeCategories(&out, r, "encoder-1"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"100 of 1000 turns were read", "40 of them were understood by floor-2; likeness is that of encoder-1 now", "5.00%  5.0", "email 2, voice 3  4     2    1", "7           0    2",
		"could not be evaluated on 2 turns", "i_1  t_1  0.75", `"I leave"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing:\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "60 of them") {
		t.Errorf("the model's own turns are told as another's:\n%s", out.String())
	}
}
