package eval

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// folder writes files, each under its path, and returns where.
func folder(t *testing.T, files map[string]string) string {
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

// A sealed folder that holds nothing but the rows to score.
func TestTheRowsAloneAreScored(t *testing.T) {
	data := folder(t, map[string]string{"sentiment/mapping.txt": "0\tnegative\n1\tneutral\n2\tpositive\n"})
	rows := map[string]string{"sentiment/test_text.txt": "I hate it\nThank you, wonderful!\n", "sentiment/test_labels.txt": "0\n2\n"}
	r := run(t, Harness{}, "sentiment", "--set", "tweeteval", "--data", data, "--test", folder(t, rows))
	if r.N != 2 || r.Metrics["accuracy"] != 1 {
		t.Errorf("without a mapping: %+v", r)
	}
	rows["sentiment/mapping.txt"] = "2\tnegative\n1\tneutral\n0\tpositive\n"
	if r = run(t, Harness{}, "sentiment", "--set", "tweeteval", "--data", data, "--test", folder(t, rows)); r.Metrics["accuracy"] != 0 {
		t.Errorf("with a mapping of its own: %+v", r)
	}
}

// Labels that nothing was learnt of are neither left out nor taken for out of
// scope: the rows count as wrong, and whoever measures is told.
func TestUnknownLabelsCountAsWrong(t *testing.T) {
	var warnings bytes.Buffer
	h := Harness{Warnings: &warnings}
	sealed := folder(t, map[string]string{"data_full.test.json": `{"test":[["put food out for the cat","feed_cat"],` +
		`["walk the dog","walk_dog"],["walk the dog now","groom_dog"],["feed the cat now","groom_cat"]],"oos_test":[["how far is the moon","oos"]]}`})
	r := run(t, h, "intents", "--set", "clinc150", "--data", "testdata/clinc150", "--test", sealed)
	if r.N != 5 || r.Metrics["accuracy_without_threshold"] != 0.5 || r.Metrics["accuracy"] > 0.5 || r.Metrics["macro_f1"] > 0.5 ||
		r.Metrics["oos_recall"] != 0 && r.Metrics["oos_recall"] != 1 {
		t.Errorf("%+v", r)
	}
	if !strings.Contains(warnings.String(), "2 of 5 rows") {
		t.Errorf("warned of %q", warnings.String())
	}
	warnings.Reset()
	sealed = folder(t, map[string]string{"test.jsonl": `{"lang":"english","text":"I hate it","label":"negative"}` + "\n" +
		`{"lang":"dutch","text":"I hate it","label":"mixed"}` + "\n"})
	r = run(t, h, "sentiment", "--set", "umsab", "--data", sealed, "--test", sealed)
	if r.N != 2 || r.Metrics["accuracy"] != 0.5 || r.Metrics["macro_f1_english"] != 1 || r.Metrics["macro_f1_dutch"] != 0 {
		t.Errorf("%+v", r)
	}
	if !strings.Contains(warnings.String(), "1 of 2 rows") {
		t.Errorf("warned of %q", warnings.String())
	}
}

func TestPersonalDataNamesItsRules(t *testing.T) {
	dir := folder(t, map[string]string{"a.heldout.json": `[{"full_text":"mail a@b.example","spans":[{"entity_type":"EMAIL_ADDRESS","start_position":5,"end_position":16}]}]`})
	r := run(t, Harness{}, "pii", "--set", "presidio_pii", "--data", dir, "--test", dir)
	if r.N != 1 || r.Metrics["f1"] != 1 || r.Model != "redact" || r.Version == "" || r.Seen == "" {
		t.Errorf("%+v", r)
	}
}

// What Banking77-OOS holds back is out of scope by the folder it stands in,
// whether the labels say so or name the intent that was left out.
func TestLeftOutIntentsAreOutOfScope(t *testing.T) {
	texts, labels := "where is my card\nI wait for my card\nmy card has not come\ntop up failed\nI cannot top up\nthe top up did not work\n",
		"arrival\narrival\narrival\ntop_up\ntop_up\ntop_up\n"
	files := map[string]string{}
	for _, part := range []string{"train", "valid", "test"} {
		files[part+"/seq.in"], files[part+"/label"] = texts, labels
		if part != "train" {
			files["id-oos/"+part+"/seq.in"], files["id-oos/"+part+"/label"] = "what is the exchange rate\n", "arrival\n"
			files["ood-oos/"+part+"/seq.in"], files["ood-oos/"+part+"/label"] = "tell me a joke\n", "oos\n"
		}
	}
	dir := folder(t, files)
	for _, args := range [][]string{nil, {"--test", dir}} {
		r := run(t, Harness{}, append([]string{"intents", "--set", "banking77_oos", "--data", dir}, args...)...)
		if r.N != 8 || r.Metrics["accuracy_without_threshold"] != 1 || r.Metrics["oos_recall_near"] != 1 || r.Metrics["oos_recall_far"] != 1 {
			t.Errorf("%v: %+v", args, r)
		}
	}
}

// A turn of NLU++ may have more intents than anybody foresaw.
func TestSeveralIntentsUnknown(t *testing.T) {
	files := map[string]string{}
	for _, domain := range []string{"banking", "hotels"} {
		files[domain+"/fold1.json"] = `[{"text":"my card is lost","intents":["card","lost"]},{"text":"make a booking","intents":["make"]},{"text":"hello"}]`
	}
	data := folder(t, files)
	var many []string
	for i := range 300 {
		many = append(many, `"new_`+strings.Repeat("i", i+1)+`"`)
	}
	files["banking/fold16.json"] = `[{"text":"my card is lost","intents":[` + strings.Join(many, ",") + `]}]`
	r := run(t, Harness{}, "intents", "--set", "nlupp", "--data", data, "--test", folder(t, files))
	if r.N != 7 || r.Metrics["recall"] > 0.1 {
		t.Errorf("%+v", r)
	}
}

func TestNothingToScoreIsAnError(t *testing.T) {
	empty := folder(t, map[string]string{"test.jsonl": "\n", "val.jsonl": "\n", "manifest.jsonl": "",
		"tweets.heldout.jsonl": "", "dev.tsv": "a\t27\tx\n", "test.tsv": "", "x.heldout.json": "[]", "test.csv": "text,category\n",
		"train.csv": "text,category\na card,card\nmy card,card\na fee,fee\nthe fee,fee\n", "dialogsum.test.jsonl": `{"fname":"a","dialogue":"","summary":"x"}`})
	h := Harness{Recognise: func(context.Context, string, Condition) (string, error) { return "", nil }}
	for args, want := range map[string]string{
		"sentiment --set umsab":                "no row to score",
		"sentiment --set us_airline_sentiment": "no row to score",
		"emotion --set goemotions":             "no row to score",
		"pii --set presidio_pii":               "no row to score",
		"intents --set banking77":              "no row to score",
		"asr --set asr_refs_small":             "no row to score",
		"summary --set dialogsum":              "row 1: the dialogue is empty",
	} {
		err := h.Main(context.Background(), append(strings.Fields(args), "--data", empty, "--test", empty), new(bytes.Buffer))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", args, err, want)
		}
	}
}
