package vocabulary_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"throughline/transcribe/internal/corpus"
	"throughline/transcribe/speech"
	"throughline/transcribe/vocabulary"
)

// terms is what a contact centre might list.
func terms() []vocabulary.Term {
	var out []vocabulary.Term
	for _, t := range []string{
		"Throughline", "ClickHouse", "Kafka", "Grafana", "Silero", "Moonshine", "Twilio", "Genesys", "AudioHook",
		"Deutsche Telekom", "AcmeTel", "Sequoia", "Dashwood", "Siobhan", "Nguyen", "Fernandez", "Kowalski",
		"PrimeCare Plus", "Xfinity", "Verizon", "Bergamo", "Medtronic", "SwiftPay", "Lufthansa",
	} {
		one := vocabulary.Term{Text: t}
		switch t {
		case "Siobhan":
			one.Heard = []string{"Shivon", "she von"}
		case "Nguyen":
			one.Heard = []string{"win"}
		}
		out = append(out, one)
	}
	return out
}

func correct(c *vocabulary.Corrector, text string, confidence float64) string {
	var words []speech.Word
	for i, w := range strings.Fields(text) {
		words = append(words, speech.Word{Text: w, Start: time.Duration(i) * time.Second, End: time.Duration(i+1) * time.Second, Confidence: confidence})
	}
	var out []string
	for _, w := range c.Correct(words) {
		out = append(out, w.Text)
	}
	return strings.Join(out, " ")
}

func TestCorrect(t *testing.T) {
	c, err := vocabulary.New(terms())
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range []struct {
		in, want   string
		confidence float64
	}{
		{"Welcome to true line, how can I help?", "Welcome to Throughline, how can I help?", 0.9},
		{"Welcome to through line.", "Welcome to Throughline.", 0.99},
		{"I use thruline's dashboard", "I use Throughline's dashboard", 0.9},
		{"the click house server", "the ClickHouse server", 0.9},
		{"the Clickhouse, server", "the ClickHouse, server", 0.9},
		{"a moon shine model", "a Moonshine model", 0.9},
		{"we run cafca and graphana", "we run Kafka and Grafana", 0.8},
		{"the sillero network", "the Silero network", 0.8},
		{"a twillio number", "a Twilio number", 0.8},
		{"from Genesis cloud", "from Genesys cloud", 0.9},
		{"my name is John Dash wood.", "my name is John Dashwood.", 0.8},
		{"I am Shivon, and this is Mr. Win", "I am Siobhan, and this is Mr. Nguyen", 0.9},
		{"I have Deutsche telecom", "I have Deutsche Telekom", 0.9},
		{"Prime care plus, please", "PrimeCare Plus, please", 0.9},
		{"with Lufthanza", "with Lufthansa", 0.8},
		{"you pay swift pay", "you pay SwiftPay", 0.9},
		{"it is true. Line two is busy", "it is true. Line two is busy", 0.9},
		{"", "", 0},
		{"... !", "... !", 0},
	} {
		if got := correct(c, one.in, one.confidence); got != one.want {
			t.Errorf("%q became %q, want %q", one.in, got, one.want)
		}
	}
}

func TestTimes(t *testing.T) {
	c, err := vocabulary.New([]vocabulary.Term{{Text: "Throughline"}})
	if err != nil {
		t.Fatal(err)
	}
	got := c.Correct([]speech.Word{
		{Text: "at", Start: 0, End: 1, Confidence: 0.9},
		{Text: "“true", Start: 1, End: 2, Confidence: 0.8, Approximate: true},
		{Text: "line”", Start: 3, End: 5, Confidence: 0.6, Approximate: true},
	})
	want := speech.Word{Text: "“Throughline”", Start: 1, End: 5, Confidence: 0.6, Approximate: true}
	if len(got) != 2 || got[1] != want {
		t.Errorf("words = %+v", got)
	}
}

func TestRefusals(t *testing.T) {
	if _, err := vocabulary.New([]vocabulary.Term{{Text: " - "}}); err == nil {
		t.Error("a term without letters was accepted")
	}
	if _, err := vocabulary.New(make([]vocabulary.Term, vocabulary.MaxTerms+1)); err == nil {
		t.Error("too many terms were accepted")
	}
	c, err := vocabulary.New(nil)
	if err != nil || correct(c, "as it was", 0) != "as it was" {
		t.Errorf("an empty list changes words: %v", err)
	}
}

// TestLeavesAlone passes over speech and dialogues that name none of the terms
// and expects each word as it was. What the terms themselves occur in does not
// count.
func TestLeavesAlone(t *testing.T) {
	c, err := vocabulary.New(terms())
	if err != nil {
		t.Fatal(err)
	}
	words := 0
	changed := map[string]int{}
	look := func(text string) {
		for line := range strings.Lines(text) {
			before := strings.Fields(line)
			words += len(before)
			after := correct(c, line, 0.85)
			if after == strings.Join(before, " ") {
				continue
			}
			if testing.Verbose() {
				t.Logf("%q became %q", strings.Join(before, " "), after)
			}
			kept := map[string]bool{}
			for _, w := range before {
				kept[w] = true
			}
			for _, w := range strings.Fields(after) {
				if !kept[w] {
					changed[w]++
				}
			}
		}
	}
	for _, clip := range corpus.Clips(t, "asr_refs_small") {
		if !strings.Contains(clip.Text, "dashwood") {
			look(clip.Text)
		}
	}
	if len(changed) > 0 {
		t.Errorf("recordings: %v", changed)
	}
	for _, text := range dialogues(t) {
		look(text)
	}
	wrong := 0
	for _, n := range changed {
		wrong += n
	}
	t.Logf("%d words, %d changed: %v", words, wrong, changed)
	if wrong*5000 > words {
		t.Errorf("%d of %d words changed, at most one in 5000", wrong, words)
	}
}

// dialogues reads the text of real dialogues, if they are there.
func dialogues(t *testing.T) []string {
	root := filepath.Dir(corpus.Data(t, "asr_refs_small"))
	var out []string
	for _, name := range []string{"abcd_sample/abcd_sample.json", "harpervalley_sample/0002f70f7386445b.jsonl", "banking77/train.csv"} {
		f, err := os.Open(filepath.Join(root, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 1<<24)
		for lines.Scan() {
			var any any
			if json.Unmarshal(lines.Bytes(), &any) == nil {
				out = append(out, texts(any)...)
			} else {
				out = append(out, lines.Text())
			}
		}
		f.Close()
	}
	return out
}

// texts collects the strings of a JSON value that are sentences.
func texts(v any) []string {
	var out []string
	switch v := v.(type) {
	case string:
		if strings.Count(v, " ") > 2 {
			out = append(out, v)
		}
	case []any:
		for _, x := range v {
			out = append(out, texts(x)...)
		}
	case map[string]any:
		for _, x := range v {
			out = append(out, texts(x)...)
		}
	}
	return out
}

func FuzzCorrect(f *testing.F) {
	c, err := vocabulary.New(terms())
	if err != nil {
		f.Fatal(err)
	}
	f.Add("true line's “click house”, x")
	f.Add("ough é ß 12 'S")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 500 {
			t.Skip()
		}
		once := correct(c, text, 0.9)
		if len(strings.Fields(once)) > 2*len(strings.Fields(text)) {
			t.Fatalf("%q grew to %q", text, once)
		}
	})
}

func BenchmarkCorrect(b *testing.B) {
	c, err := vocabulary.New(terms())
	if err != nil {
		b.Fatal(err)
	}
	var words []speech.Word
	for _, w := range strings.Fields("and mister john dashwood had then leisure to consider how much there might be prudently in his power to do for them") {
		words = append(words, speech.Word{Text: w})
	}
	for b.Loop() {
		c.Correct(words)
	}
}
