package eval

import (
	"bytes"
	"compress/gzip"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	dialogues = `{"fname":"dev_0","dialogue":"#Person1#: Good morning, what can I do for you?\n#Person2#: My parcel was sent to the wrong address last week.\n#Person1#: I will send it again to the right address today.\n#Person2#: Thank you.","summary":"#Person2#'s parcel was sent to the wrong address, and #Person1# will send it again."}` + "\n"
	threefold = `{"fname":"test_0","dialogue":"#Person1#: I lost my card.\n#Person2#: We block it now.","summary1":"#Person1#: I lost my card. #Person2#: We block it now.","summary2":"x","summary3":"y"}` + "\n"
	tweeted   = `{"conversation_id":"a","abstractive":["Customer says the refund did not arrive. Agent has released the refund."],"partial_dialog":["17: @shop my refund did not arrive after two weeks","shop: @17 Sorry about that!","shop: @17 We have released the refund this morning","  ^AB"]}` + "\n" +
		`{"conversation_id":"without the dialogue","abstractive":["x"],"extracts":[]}` + "\n"
)

func gzipped(t *testing.T, path, text string) {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestSummariesAreScored(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"dialogsum.dev.jsonl": dialogues, "dialogsum.test.jsonl": threefold} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	gzipped(t, filepath.Join(dir, "valid.jsonl.gz"), tweeted)
	r := run(t, Harness{}, "summary", "--set", "dialogsum", "--data", dir)
	if r.N != 1 || r.Metrics["rouge1"] < 0.4 || r.Metrics["rouge1_longest"] < 0.4 || r.Metrics["rouge1"] != r.Metrics["rouge1_mean"] {
		t.Errorf("dialogsum: %+v", r)
	}
	// Of three references the closest counts: the one that is the dialogue.
	r = run(t, Harness{}, "summary", "--set", "dialogsum", "--data", dir, "--test", dir, "--json")
	if r.N != 1 || r.Metrics["rougeL_lead3"] != 1 || r.Metrics["rougeL_mean"] > 0.5 {
		t.Errorf("dialogsum, sealed: %+v", r)
	}
	r = run(t, Harness{}, "summary", "--set", "tweetsumm", "--data", dir)
	if r.N != 1 || r.Metrics["rouge2"] < 0.3 || len(r.CI) != len(r.Metrics) {
		t.Errorf("tweetsumm: %+v", r)
	}
	for name, text := range map[string]string{
		"no dialogue to summarise": "",
		"row 1: line 1":            `{"abstractive":["x"],"partial_dialog":["nobody"]}`,
		"valid.jsonl.gz":           `{"abstractive":`,
	} {
		gzipped(t, filepath.Join(dir, "valid.jsonl.gz"), text)
		err := Main(context.Background(), []string{"summary", "--set", "tweetsumm", "--data", dir}, new(bytes.Buffer))
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error %v, want %q", err, name)
		}
	}
}
