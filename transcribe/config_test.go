package transcribe

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"throughline/governance"
)

func gate(t *testing.T) *governance.Gate {
	t.Helper()
	g, err := governance.NewGate(governance.Config{}, governance.NewLedger(governance.Config{}))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestConfigNamesTheFix(t *testing.T) {
	for name, c := range map[string]struct {
		cfg   Config
		parts Parts
		want  string
	}{
		"no gate":                   {Config{}, Parts{}, "Parts.Gate"},
		"unknown engine":            {Config{Engine: "vosk"}, Parts{Gate: gate(t)}, `transcribe.engine: "vosk" is unknown; use moonshine`},
		"server without an address": {Config{Engine: OpenAI}, Parts{Gate: gate(t)}, "url and model"},
		"no such realtime":          {Config{Engine: OpenAI, Server: Server{URL: "http://x/v1", Model: "m", Realtime: "v2"}}, Parts{Gate: gate(t)}, "use ga or beta"},
		"too many terms":            {Config{Vocabulary: make([]string, 3000)}, Parts{Gate: gate(t)}, "transcribe.vocabulary"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := New(c.cfg, c.parts); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want it to say %q", err, c.want)
			}
		})
	}
}

func TestBriefUtterancesAreHeardInContext(t *testing.T) {
	for name, c := range map[string]struct {
		cfg  Config
		want bool
	}{
		"on this machine":       {Config{Engine: Moonshine}, true},
		"server":                {Config{Engine: OpenAI, Server: Server{Context: true}}, true},
		"server that is not to": {Config{Engine: OpenAI}, false},
		"realtime":              {Config{Engine: OpenAI, Server: Server{Context: true, Realtime: RealtimeGA}}, false},
	} {
		if got := c.cfg.inContext(); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestVocabularyLines(t *testing.T) {
	terms, hints := Config{Vocabulary: []string{"Prentwell", "Acme Gold = acne gold | acme goal"}}.terms()
	if len(terms) != 2 || terms[0].Text != "Prentwell" || len(terms[0].Heard) != 0 ||
		terms[1].Text != "Acme Gold" || strings.Join(terms[1].Heard, ",") != "acne gold,acme goal" || strings.Join(hints, ",") != "Prentwell,Acme Gold" {
		t.Errorf("terms %+v, hints %q", terms, hints)
	}
}

func TestEngineOff(t *testing.T) {
	tr, err := New(Config{Engine: Off}, Parts{Gate: gate(t), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if ok, reason := tr.Enabled(); ok || reason != "" {
		t.Errorf("enabled %v, reason %q", ok, reason)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := tr.Run(ctx); err != nil {
		t.Error(err)
	}
}

func TestModelsWaitForTheFirstAudio(t *testing.T) {
	if err := supported(Moonshine); err != nil {
		t.Skip(err)
	}
	if testing.Short() {
		t.Skip("may fetch the speech models")
	}
	tr, err := New(Config{}, Parts{Gate: gate(t), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- tr.Run(ctx) }()
	select {
	case <-tr.loaded:
		t.Error("the models were loaded before any audio came")
	case <-time.After(300 * time.Millisecond):
	}
	wait, give := context.WithTimeout(ctx, time.Minute)
	defer give()
	if _, err := tr.ready(wait); err != nil {
		t.Skipf("the speech models cannot be had here: %v", err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
