package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"throughline/event"
	"throughline/nlp"
	"throughline/nlp/floor"
)

const refundOrPassword = `
version: "1"
intents:
  - name: WISH
    examples: [I want my money back, please refund my order, give me a refund]
  - name: password
    examples: [I forgot my password, reset my password, my password does not work]
out_of_scope: [hello, the weather is nice, thank you]
`

const calledRefund = `
categories:
  - name: CATEGORY
    when: text.says("refund")
`

// logged is a log that can be read while it is written.
type logged struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

func TestChangedFilesAreInForceAndBrokenOnesAreNot(t *testing.T) {
	dir := t.TempDir()
	s := nlpSettings{Intents: filepath.Join(dir, "intents.yaml"), Categories: filepath.Join(dir, "categories.yaml")}
	// A file is replaced as editors do it: the new one takes the place of the old.
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	write(s.Intents, strings.ReplaceAll(refundOrPassword, "WISH", "refund"))
	write(s.Categories, strings.ReplaceAll(calledRefund, "CATEGORY", "refunds"))
	reader, err := floor.Open()
	if err != nil {
		t.Fatal(err)
	}
	u, err := newUnderstanding(t.Context(), s, reader)
	if err != nil {
		t.Fatal(err)
	}
	var log logged
	ctx, cancel := context.WithCancel(t.Context())
	var work sync.WaitGroup
	work.Go(func() {
		if err := u.follow(ctx, slog.New(slog.NewTextHandler(&log, nil))); err != nil {
			t.Error(err)
		}
	})
	defer work.Wait()
	defer cancel()

	turn := event.Turn{ID: "t_1", Role: event.Customer, Kind: event.Text, Text: "please refund my order"}
	understood := func() string {
		t.Helper()
		f, err := u.model.Features(ctx, turn, nlp.Before{})
		if err != nil || len(f.Intents) == 0 || len(f.Categories) == 0 {
			t.Fatalf("features %+v, %v", f, err)
		}
		return f.Intents[0].Name + " " + f.Categories[0].Name
	}
	until := func(what string, true func() bool) {
		t.Helper()
		for end := time.Now().Add(time.Minute); !true(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: understood %q, log:\n%s", what, understood(), log.String())
			}
		}
	}
	if got := understood(); got != "refund refunds" {
		t.Fatalf("first files: %q", got)
	}
	write(s.Intents, "version: \"2\"\nintents:\n  - name: Refund!\n    examples: [a, b, c]\n")
	until("broken intents", func() bool { return strings.Contains(log.String(), "intents.yaml:3:") })
	write(s.Categories, "categories:\n  - name: refunds\n    when: text.says(\n")
	until("broken categories", func() bool { return strings.Contains(log.String(), "categories.yaml:3:") })
	if err := os.Remove(s.Intents); err != nil {
		t.Fatal(err)
	}
	until("no file", func() bool { return strings.Contains(log.String(), "no such file") })
	if got := understood(); got != "refund refunds" {
		t.Errorf("after broken files: %q", got)
	}
	write(s.Intents, strings.ReplaceAll(refundOrPassword, "WISH", "money_back"))
	write(s.Categories, strings.ReplaceAll(calledRefund, "CATEGORY", "asks_for_money"))
	until("good files", func() bool { return understood() == "money_back asks_for_money" })
}

func TestWhoReads(t *testing.T) {
	// No runtime can be had: the folder is empty, and the registry is a closed door.
	t.Setenv("THROUGHLINE_NATIVE_DIR", t.TempDir())
	t.Setenv("NPM_CONFIG_REGISTRY", "http://127.0.0.1:1/")
	for model, want := range map[string]string{readFloor: "", readAuto: "floor model reads instead", readEncoder: "nlp.model auto"} {
		var log logged
		h := &house{settings: &settings{NLP: nlpSettings{Model: model}}, log: slog.New(slog.NewTextHandler(&log, nil))}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		r, err := h.betterReading(ctx, nil)
		cancel()
		if r.encoder != nil {
			t.Fatalf("%s: a reader from nothing", model)
		}
		if (err != nil) != (model == readEncoder) {
			t.Errorf("%s: %v", model, err)
		}
		said := log.String()
		if err != nil {
			said += err.Error()
		}
		if !strings.Contains(said, want) || want == "" && said != "" {
			t.Errorf("%s: said %q, want %q", model, said, want)
		}
	}
}

// Emotions of agents are read where somebody has decided so, and nowhere else.
func TestEmotionsOfAgentsAreASetting(t *testing.T) {
	reader, err := floor.Open()
	if err != nil {
		t.Fatal(err)
	}
	intents := filepath.Join(t.TempDir(), "intents.yaml")
	if err := os.WriteFile(intents, []byte(strings.ReplaceAll(refundOrPassword, "WISH", "refund")), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, wanted := range []bool{false, true} {
		u, err := newUnderstanding(t.Context(), nlpSettings{Intents: intents, Agents: wanted}, reader)
		if err != nil {
			t.Fatal(err)
		}
		f, err := u.model.Features(t.Context(), event.Turn{ID: "t_1", Role: event.Agent, Kind: event.Text, Text: "Thank you so much, I love it!"}, nlp.Before{})
		if err != nil || len(f.Emotions) > 0 != wanted {
			t.Errorf("wanted %v: %+v, %v", wanted, f.Emotions, err)
		}
	}
}

// The intents that are shipped are a file to start one's own from.
func TestShippedIntentsArePrinted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "intents.yaml")
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	screen := os.Stdout
	os.Stdout = out
	err = configure(t.Context(), []string{"intents"})
	os.Stdout = screen
	if err := errors.Join(err, out.Close()); err != nil {
		t.Fatal(err)
	}
	reader, err := floor.Open()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newUnderstanding(t.Context(), nlpSettings{Intents: path}, reader); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(path, []byte("intents:\n- {name: good, examples: [🙂, 👍, ❤]}\n- {name: bad, examples: [😡, 💔, 🤮]}\nout_of_scope: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := newUnderstanding(t.Context(), nlpSettings{Intents: path}, reader); err == nil || !strings.Contains(err.Error(), "nlp.intents: "+path+":1:1: intents: their examples") {
		t.Errorf("error %v", err)
	}
}
