package eval

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"throughline/governance/redact"
	"throughline/nlp"
	"throughline/nlp/corpus"
	"throughline/nlp/floor"
	"throughline/nlp/intent"
	"throughline/nlp/linear"
)

func TestCommandLineErrorsNameTheFix(t *testing.T) {
	for name, c := range map[string]struct{ args, want string }{
		"no task":       {"", "no task"},
		"unknown task":  {"weather --set x", "it measures intents, sentiment, emotion, pii"},
		"no such files": {"summary --set tweetsumm --data testdata/nowhere", "valid.jsonl.gz"},
		"unknown set":   {"intents --set banking", "banking77"},
		"no recogniser": {"asr --set asr_refs_small", "it measures"},
		"loose word":    {"intents --set clinc150 now", `"now" is no option`},
		"no set":        {"intents --data /nowhere", "give --set"},
		"shots":         {"intents --set clinc150 --shots -1", "0 or more"},
		"model":         {"sentiment --set meld --data testdata/meld --model gpt", "there are floor"},
		"missing data":  {"sentiment --set meld --data testdata/nowhere", "dev_sent_emo.csv"},
		"shots of many": {"intents --set nlupp --data x --shots 5", "--shots is not for this set"},
	} {
		var out bytes.Buffer
		err := Main(context.Background(), strings.Fields(c.args), &out)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
	var out bytes.Buffer
	if err := Main(context.Background(), []string{"--help"}, &out); err != nil || !strings.Contains(out.String(), "us_airline_sentiment") {
		t.Errorf("help: %v\n%s", err, out.String())
	}
	if _, err := (Harness{}).parse([]string{"intents", "-h"}, &out); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("help of a task: %v", err)
	}
}

func TestEveryFigureIsMeasurable(t *testing.T) {
	h := Harness{Recognise: func(context.Context, string, Condition) (string, error) { return "", nil }}
	for _, f := range figures() {
		task, err := h.task(f.task)
		if err != nil || !slices.Contains(task.sets, f.set) {
			t.Errorf("%+v: %v", f, err)
		}
	}
	var out bytes.Buffer
	if err := Main(context.Background(), []string{"all", "--data", "testdata/nowhere"}, &out); err == nil {
		t.Error("no data, and no error")
	}
}

// last decodes the last line, which is what other programs read.
func last(t *testing.T, out string) Result {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(out), "\n")
	var r Result
	d := json.NewDecoder(strings.NewReader(lines[len(lines)-1]))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		t.Fatalf("last line %q: %v", lines[len(lines)-1], err)
	}
	return r
}

func run(t *testing.T, h Harness, args ...string) Result {
	t.Helper()
	var out bytes.Buffer
	if err := h.Main(context.Background(), args, &out); err != nil {
		t.Fatal(err)
	}
	return last(t, out.String())
}

func TestSmallSetsAreScored(t *testing.T) {
	r := run(t, Harness{}, "sentiment", "--set", "meld", "--data", "testdata/meld")
	if r.N != 4 || r.Metrics["accuracy"] != 1 || r.Model != "floor" || r.Version == "" {
		t.Errorf("meld: %+v", r)
	}
	r = run(t, Harness{}, "intents", "--set", "clinc150", "--data", "testdata/clinc150", "--test", "testdata/clinc150")
	if r.N != 6 || r.Metrics["accuracy"] < 0.7 || r.CI["accuracy"][0] > r.Metrics["accuracy"] || r.CI["accuracy"][1] < r.Metrics["accuracy"] {
		t.Errorf("clinc150: %+v", r)
	}
	if _, ok := r.Metrics["oos_recall"]; !ok {
		t.Errorf("clinc150 without oos_recall: %+v", r)
	}
	again := run(t, Harness{}, "intents", "--set", "clinc150", "--data", "testdata/clinc150", "--test", "testdata/clinc150", "--json")
	if a, b := r.CI["accuracy"], again.CI["accuracy"]; a != b {
		t.Errorf("two runs differ: %v, %v", a, b)
	}
}

func TestWordErrors(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "asr_refs_small")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	rows := `{"file":"a.wav","text":"Turn left at 2, Mr. Smith"}` + "\n" + `{"file":"b.wav","text":"hello"}` + "\n"
	if err := os.WriteFile(filepath.Join(dir, "manifest.jsonl"), []byte(rows), 0o644); err != nil {
		t.Fatal(err)
	}
	h := Harness{Recognise: func(_ context.Context, path string, c Condition) (string, error) {
		switch {
		case filepath.Base(path) == "b.wav":
			return "Hello!", nil
		case c == MuLaw:
			return "turn left two mister smith", nil // one word lost of six
		default:
			return "turn left at two mister smith", nil
		}
	}}
	for _, args := range [][]string{{"asr", "--set", "asr_refs_small", "--data", dir}, {"asr", "--data", dir}} {
		r := run(t, h, args...)
		if r.Metrics["wer"] != 0 || math.Abs(r.Metrics["wer_mulaw"]-1.0/7) > 1e-9 || r.Metrics["wer_loss5"] != 0 || r.Metrics["wer_burst5"] != 0 || len(r.Metrics) != 4 || r.N != 2 || r.Set != "asr_refs_small" {
			t.Errorf("%+v", r)
		}
	}
}

func TestSingleLabelMetrics(t *testing.T) {
	// Class 0: hit 1 of 2, said 1; class 1: hit 1 of 1, said 2; class 2 never.
	accuracy, f1, recall := single([]int{0, 1, 2}, []int{0, 0, 1}, []int{0, 1, 1}, 3)
	if math.Abs(accuracy-2.0/3) > 1e-9 || math.Abs(f1-2.0/3) > 1e-9 || math.Abs(recall-0.75) > 1e-9 {
		t.Errorf("accuracy %f, F1 %f, recall %f", accuracy, f1, recall)
	}
}

func TestScopeMetrics(t *testing.T) {
	truth := []int{0, 1, -1, -1}
	said := []int{0, -1, -1, 1}
	best := []int{0, 1, 0, 1}
	m := scope([]int{0, 1, 2, 3}, truth, said, best, nil, 2, true)
	want := map[string]float64{"accuracy": 0.5, "accuracy_without_threshold": 1, "oos_recall": 0.5, "oos_precision": 0.5}
	for name, v := range want {
		if m[name] != v {
			t.Errorf("%s is %f, want %f", name, m[name], v)
		}
	}
}

func TestMatchFindsTheBestAssignment(t *testing.T) {
	group := []int{0, 0, 0, 1, 1, 2, 2, 2}
	real := []int{2, 2, 1, 0, 0, 1, 1, 0}
	if got := match(group, real, 3); !slices.Equal(got, []int{2, 0, 1}) {
		t.Errorf("matched %v", got)
	}
}

func TestPersonalDataIsPairedBySpan(t *testing.T) {
	row := corpus.Marked{Text: "call 555 0100 or mail a@b.co", Spans: []corpus.Span{
		{Type: "PHONE_NUMBER", Start: 5, End: 13}, {Type: "EMAIL_ADDRESS", Start: 22, End: 28}}}
	o := compare(row, []redact.Finding{{Type: redact.Phone, Start: 5, End: 13}, {Type: redact.Card, Start: 22, End: 28}})
	m := sum([]outcome{o}, []int{0})
	if m["recall"] != 0.5 || m["precision"] != 0.5 || m["recall_phone_number"] != 1 || m["recall_email_address"] != 0 {
		t.Errorf("%v", m)
	}
}

// The published sets, where they are at hand. The bounds are well below what the
// floor reaches: they catch a broken reader, not a worse model.
func TestPublishedSets(t *testing.T) {
	data, err := corpus.Folder()
	if err != nil {
		t.Skip(err)
	}
	if testing.Short() {
		t.Skip("the published sets take half a minute")
	}
	for _, c := range []struct {
		task, set, metric string
		atLeast           float64
	}{
		{"sentiment", "us_airline_sentiment", "macro_f1", 0.45},
		{"sentiment", "umsab", "macro_f1", 0.48},
		{"sentiment", "tweeteval", "macro_recall", 0.55},
		{"sentiment", "meld", "macro_f1", 0.38},
		{"emotion", "goemotions", "macro_f1", 0.40},
		{"intents", "banking77_oos", "accuracy", 0.60},
		{"intents", "hwu64", "accuracy", 0.85},
		{"intents", "nlupp", "f1", 0.80},
		{"pii", "presidio_pii", "f1", 0.85},
	} {
		t.Run(c.set, func(t *testing.T) {
			r := run(t, Harness{}, c.task, "--set", c.set, "--data", filepath.Join(data, c.set), "--json")
			if r.Metrics[c.metric] < c.atLeast {
				t.Errorf("%s %.4f, want %.2f", c.metric, r.Metrics[c.metric], c.atLeast)
			}
		})
	}
}

// A model that cannot be opened is replaced by the floor, unless it was asked for.
func TestPreferredModel(t *testing.T) {
	missing := errors.New("no runtime here")
	var warnings bytes.Buffer
	h := Harness{Readers: map[string]func() (nlp.Reader, error){
		"absent": func() (nlp.Reader, error) { return nil, missing },
		"other":  func() (nlp.Reader, error) { return floor.Open() },
	}, Preferred: "absent", Warnings: &warnings}
	reader, err := h.reader(request{})
	if err != nil || !strings.HasPrefix(reader.Name(), "floor-") || !strings.Contains(warnings.String(), missing.Error()) {
		t.Errorf("%v, %q", err, warnings.String())
	}
	if _, err := h.reader(request{model: "absent"}); !errors.Is(err, missing) {
		t.Errorf("error %v", err)
	}
	if _, err := h.reader(request{model: "other"}); err != nil {
		t.Error(err)
	}
	if models, versions := h.openable(); !slices.Equal(models, []string{"floor", "other"}) || len(versions) != 2 {
		t.Errorf("openable %v %v", models, versions)
	}
	if reader, err := (Harness{}).reader(request{}); err != nil || !strings.HasPrefix(reader.Name(), "floor-") {
		t.Errorf("the zero harness: %v", err)
	}
}

func TestEachGivesTheFirstError(t *testing.T) {
	broken := errors.New("broken")
	done := make([]bool, 100)
	if err := each(len(done), func(i int) error { done[i] = true; return nil }); err != nil || slices.Contains(done, false) {
		t.Errorf("%v, %v", err, done)
	}
	if err := each(100, func(i int) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}

// Halves answer for each other: no row is scored by a head that was fitted on it.
func TestPartsAreApart(t *testing.T) {
	var e embedded
	for i := range 10 {
		e.held = append(e.held, intent.Example{Vector: linear.Vector{Value: []float32{float32(i)}}, Labels: []int{i % 2}})
	}
	e.test = e.held
	parts := e.parts(request{set: "clinc150"})
	scored := 0
	for _, p := range parts {
		scored += len(p.test)
		for _, i := range p.test {
			for _, h := range p.held {
				if h.Vector.Value[0] == float32(i) {
					t.Errorf("row %d is scored by a head that it taught", i)
				}
			}
		}
	}
	if len(parts) != 2 || scored != len(e.test) {
		t.Errorf("%d parts score %d rows", len(parts), scored)
	}
	if p := e.parts(request{set: "clinc150", test: "x"}); len(p) != 1 || !p[0].refit || len(p[0].held) != 10 {
		t.Errorf("with a test folder: %+v", p)
	}
	if p := e.parts(request{set: "clinc150", shots: 10}); len(p) != 1 || p[0].refit {
		t.Errorf("few examples: %+v", p)
	}
}

// The thresholds of a part of the rows come from the others.
func TestEmotionThresholdsAreCrossFitted(t *testing.T) {
	dev := make([]feeling, 40)
	for i := range dev {
		dev[i].p = make([]float64, len(nlp.Emotions()))
		dev[i].p[0] = 0.2
		if i%2 == 0 {
			dev[i].p[0], dev[i].true = 0.6, []string{nlp.Emotions()[0]}
		}
	}
	dev[0].p[0] = 0.1 // only a threshold that saw this row would meet it
	said, truth := decideAcross(dev, nil, [][]string{{nlp.Emotions()[0]}})
	if said[0][0] || !truth[0][0] || !said[2][0] || said[1][0] {
		t.Errorf("said %v %v %v", said[0], said[1], said[2])
	}
}

func TestResultsTellWhatWasSeen(t *testing.T) {
	if r := run(t, Harness{}, "sentiment", "--set", "meld", "--data", "testdata/meld"); r.Seen != "" {
		t.Errorf("meld was seen: %q", r.Seen)
	}
	if seen("encoder", "tweeteval") == "" || seen("encoder", "us_airline_sentiment") != "" {
		t.Error("tweeteval stands in what was trained on, the airline tweets do not")
	}
	for _, set := range []string{"clinc150", "banking77", "hwu64", "nlupp"} {
		if seen("encoder", set) == "" || seen("floor", set) != "" {
			t.Errorf("%s: %q, %q", set, seen("encoder", set), seen("floor", set))
		}
	}
}
