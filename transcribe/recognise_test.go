package transcribe_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"throughline/governance"
	"throughline/transcribe"
	"throughline/transcribe/internal/corpus"
	"throughline/transcribe/wer"
)

// running is a transcriber that works, without a broker.
func running(t testing.TB) *transcribe.Transcriber {
	t.Helper()
	gate, err := governance.NewGate(governance.Config{}, governance.NewLedger(governance.Config{}))
	if err != nil {
		t.Fatal(err)
	}
	tr, err := transcribe.New(transcribe.Config{}, transcribe.Parts{
		Gate: gate, Logger: quietLog(), Recogniser: corpus.Moonshine(t), Detector: corpus.Detector(t)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- tr.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return tr
}

func TestRecogniseFile(t *testing.T) {
	tr := running(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, c := range []struct {
		line transcribe.Line
		most float64
	}{{transcribe.Line{}, 0.1}, {transcribe.Line{Telephone: true}, 0.15}, {transcribe.Line{Telephone: true, Loss: 0.05}, 0.4}} {
		text, err := tr.RecogniseFile(ctx, "testdata/complaint.ogg", c.line)
		if err != nil {
			t.Fatal(err)
		}
		again, err := tr.RecogniseFile(ctx, "testdata/complaint.ogg", c.line)
		if err != nil || again != text {
			t.Errorf("%+v: %q, then %q (%v)", c.line, text, again, err)
		}
		if s := wer.Score(complaint, text); s.Rate() > c.most {
			t.Errorf("%+v: %v: %q", c.line, s, text)
		}
	}
	if _, err := tr.RecogniseFile(ctx, "testdata/absent.wav", transcribe.Line{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	if _, err := tr.RecogniseFile(ctx, "testdata/README.md", transcribe.Line{}); err == nil {
		t.Error("a file that is no audio was read")
	}
}

func TestReferenceCorpus(t *testing.T) {
	dir := corpus.Data(t, "asr_refs_small")
	tr := running(t)
	f, err := os.Open(filepath.Join(dir, "manifest.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var clean, line, lossy wer.Counts
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var c struct{ File, Text string }
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		for _, way := range []struct {
			sum *wer.Counts
			transcribe.Line
		}{{&clean, transcribe.Line{}}, {&line, transcribe.Line{Telephone: true}}, {&lossy, transcribe.Line{Telephone: true, Loss: 0.05, Burst: 4}}} {
			text, err := tr.RecogniseFile(t.Context(), filepath.Join(dir, c.File), way.Line)
			if err != nil {
				t.Fatal(err)
			}
			*way.sum = way.sum.Add(wer.Score(c.Text, text))
		}
	}
	t.Logf("word errors clean %v, over a telephone %v, with 5 %% loss in bursts %v", clean, line, lossy)
	if clean.Rate() > 0.12 || line.Rate() > 0.15 {
		t.Errorf("more word errors than ever: clean %v, over a telephone %v", clean, line)
	}
}
