package corpus

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// write puts files into a folder and returns it.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Each format in its smallest form, and a broken one.
func TestFormats(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		read  func(dir string) ([]Example, error)
		want  []Example
		wrong string // part of the error, for broken files
	}{
		"clinc150": {map[string]string{"f": `{"train":[["hi there","greeting"]],"oos":[["zzz","oos"]]}`},
			func(d string) ([]Example, error) { return Clinc150(d+"/f", "train", "oos") },
			[]Example{{"hi there", []string{"greeting"}, "en"}, {"zzz", nil, "en"}}, ""},
		"clinc150 without the part": {map[string]string{"f": `{"train":[]}`},
			func(d string) ([]Example, error) { return Clinc150(d+"/f", "test") }, nil, `no part "test"`},
		"clinc150 with more in it": {map[string]string{"f": `{"test":[["a","x"]],"domains":{"one":["x"]}}`},
			func(d string) ([]Example, error) { return Clinc150(d+"/f", "test") }, []Example{{"a", []string{"x"}, "en"}}, ""},
		"clinc150 short row": {map[string]string{"f": `{"test":[["a","x"],["b"]]}`},
			func(d string) ([]Example, error) { return Clinc150(d+"/f", "test") }, nil, "row 2: want a text and an intent"},
		"clinc150 cut": {map[string]string{"f": `{"train":[["hi`},
			func(d string) ([]Example, error) { return Clinc150(d+"/f", "train") }, nil, "read clinc150"},
		"banking77": {map[string]string{"f": "text,category\n\"a, b\",x\n"},
			func(d string) ([]Example, error) { return Banking77(d + "/f") }, []Example{{"a, b", []string{"x"}, "en"}}, ""},
		"banking77 without its columns": {map[string]string{"f": "text\na\n"},
			func(d string) ([]Example, error) { return Banking77(d + "/f") }, nil, `no column "category"`},
		"banking77 short row": {map[string]string{"f": "text,category\na\n"},
			func(d string) ([]Example, error) { return Banking77(d + "/f") }, nil, "row 2"},
		"lines": {map[string]string{"seq.in": "a\nb\n", "label": "x\noos\n"}, Lines,
			[]Example{{"a", []string{"x"}, "en"}, {"b", nil, "en"}}, ""},
		"lines that do not pair": {map[string]string{"seq.in": "a\nb\n", "label": "x\n"}, Lines, nil, "2 texts, 1 labels"},
		"a line without a label": {map[string]string{"seq.in": "a\nb\nc\n", "label": "x\n\nz\n"}, Lines, nil, "line 2: no label"},
		"banking77 with columns about": {map[string]string{"f": "id,category,text,note\n1,x,a,\n"},
			func(d string) ([]Example, error) { return Banking77(d + "/f") }, []Example{{"a", []string{"x"}, "en"}}, ""},
		"nlupp": {map[string]string{"fold0.json": `[{"text":"a","intents":["x","y"]},{"text":"b"}]`},
			func(d string) ([]Example, error) { return NLUPlusPlus(d) }, []Example{{"a", []string{"x", "y"}, "en"}, {"b", nil, "en"}}, ""},
		"nlupp without folds": {nil, func(d string) ([]Example, error) { return NLUPlusPlus(d) }, nil, "no fold files"},
		"natcs": {map[string]string{"f": `{"utterance":"a","intent":"X"}` + "\n\n"},
			func(d string) ([]Example, error) { return NatCS(d + "/f") }, []Example{{"a", []string{"X"}, "en"}}, ""},
		"natcs broken": {map[string]string{"f": "{\"utterance\":\"a\"}\n{\n"},
			func(d string) ([]Example, error) { return NatCS(d + "/f") }, nil, "line 2"},
		"goemotions": {map[string]string{"f": "a\t0,1\tid\n"},
			func(d string) ([]Example, error) { return GoEmotions(d+"/f", []string{"x", "y"}) }, []Example{{"a", []string{"x", "y"}, "en"}}, ""},
		"goemotions with an unknown label": {map[string]string{"f": "a\t7\tid\n"},
			func(d string) ([]Example, error) { return GoEmotions(d+"/f", []string{"x", "y"}) }, nil, `label "7"`},
		"goemotions without labels": {map[string]string{"f": "a\n"},
			func(d string) ([]Example, error) { return GoEmotions(d+"/f", nil) }, nil, "1 cells"},
		"umsab": {map[string]string{"f": `{"lang":"hindi","text":"a","label":"neutral"}`},
			func(d string) ([]Example, error) { return UMSAB(d + "/f") }, []Example{{"a", []string{"neutral"}, "hi"}}, ""},
		"umsab in another language": {map[string]string{"f": `{"lang":"Dutch","text":"a","label":"neutral"}`},
			func(d string) ([]Example, error) { return UMSAB(d + "/f") }, []Example{{"a", []string{"neutral"}, "dutch"}}, ""},
		"airline": {map[string]string{"f": `{"text":"a","airline_sentiment":"negative"}`},
			func(d string) ([]Example, error) { return Airline(d + "/f") }, []Example{{"a", []string{"negative"}, "en"}}, ""},
		"tweeteval": {map[string]string{"mapping.txt": "0\tnegative\n1\tneutral\n", "val_text.txt": "a\n", "val_labels.txt": "1\n"},
			func(d string) ([]Example, error) { return TweetEval(d, "val", d+"/mapping.txt") }, []Example{{"a", []string{"neutral"}, "en"}}, ""},
		"tweeteval with a label that is not mapped": {map[string]string{"mapping.txt": "0\tnegative\n", "val_text.txt": "a\n", "val_labels.txt": "7\n"},
			func(d string) ([]Example, error) { return TweetEval(d, "val", d+"/mapping.txt") }, []Example{{"a", []string{"7"}, "en"}}, ""},
		"meld": {map[string]string{"f": "Sr No.,Utterance,Sentiment\n1,\"a\",positive\n"},
			func(d string) ([]Example, error) { return MELD(d + "/f") }, []Example{{"a", []string{"positive"}, "en"}}, ""},
		"missing": {nil, func(d string) ([]Example, error) { return UMSAB(d + "/f") }, nil, "read umsab"},
	} {
		if c.wrong != "" {
			_, err := c.read(write(t, c.files))
			if err == nil || !strings.Contains(err.Error(), c.wrong) {
				t.Errorf("%s: error %v, want %q", name, err, c.wrong)
			}
			continue
		}
		for how, left := range editors() {
			files := make(map[string]string)
			for file, text := range c.files {
				files[file] = left(text)
			}
			got, err := c.read(write(t, files))
			if err != nil || len(got) != len(c.want) {
				t.Errorf("%s, %s: %v, %v", name, how, got, err)
				continue
			}
			for i := range got {
				if got[i].Text != c.want[i].Text || got[i].Language != c.want[i].Language || strings.Join(got[i].Labels, " ") != strings.Join(c.want[i].Labels, " ") {
					t.Errorf("%s, %s: %+v, want %+v", name, how, got[i], c.want[i])
				}
			}
		}
	}
}

// editors are what editors and systems make of a file that says the same.
func editors() map[string]func(string) string {
	return map[string]func(string) string{
		"as published":         func(s string) string { return s },
		"a byte order mark":    func(s string) string { return "\ufeff" + s },
		"lines end with CR LF": func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
		"the last does not":    func(s string) string { return strings.TrimRight(s, "\n") },
		"empty lines":          func(s string) string { return strings.ReplaceAll(s, "\n", "\n\n") + "\n \n" },
	}
}

// The set counts characters, we count bytes.
func TestPresidioOffsetsAreBytes(t *testing.T) {
	dir := write(t, map[string]string{
		"good": `[{"full_text":"é 1234","spans":[{"entity_type":"CARD","start_position":2,"end_position":6}]}]`,
		"bad":  `[{"full_text":"é","spans":[{"entity_type":"CARD","start_position":0,"end_position":6}]}]`,
	})
	rows, err := Presidio(dir + "/good")
	if err != nil || rows[0].Text[rows[0].Spans[0].Start:rows[0].Spans[0].End] != "1234" {
		t.Errorf("%+v, %v", rows, err)
	}
	if _, err := Presidio(dir + "/bad"); err == nil {
		t.Error("a span beyond the text was taken")
	}
}
