package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"throughline/cmd/throughline/demo"
	"throughline/governance/access"
	"throughline/native"
	"throughline/transcribe"
)

// demonstrate serves and plays the bundled day against itself, from the outside:
// over HTTP with real signatures, as providers and browsers would.
func demonstrate(ctx context.Context, args []string) error {
	f := flags("demo [--once] [--speed N] [--config FILE]", "Serve, and play a bundled day of a contact centre: customers on every channel, good and bad turns, planted card numbers. Open the live screen and watch.")
	path := f.String("config", "", "settings `file` (YAML)")
	once := f.Bool("once", false, "play the day once, look for everything that was sent, print a JSON report, and fail unless all is there")
	speed := f.Float64("speed", 0, "how many `times` faster than life; 0: as fits")
	keep := f.Bool("keep", false, "keep the data; otherwise the demo uses a directory of its own and removes it")
	if err := parse(f, args, 0, 0); err != nil {
		return err
	}
	if !(*speed >= 0) || math.IsInf(*speed, 1) {
		return mistaken(f, fmt.Sprintf("--speed %g is no number from 0 on", *speed))
	}
	s, err := load(*path)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "throughline-demo-")
	if err != nil {
		return fmt.Errorf("demo directory: %w", err)
	}
	defer os.RemoveAll(dir)
	if !*keep {
		s.DataDir, s.ClickHouse.Dir = dir, filepath.Join(dir, "clickhouse")
	}
	if s.NLP.Categories == "" {
		s.NLP.Categories = filepath.Join(dir, "categories.yaml")
		if err := os.WriteFile(s.NLP.Categories, demo.Categories(), 0o600); err != nil {
			return fmt.Errorf("demo categories: %w", err)
		}
	}
	kept := secrets{dir: s.DataDir}
	if err := s.fillSecrets(&kept, roles); err != nil {
		return err
	}
	if len(s.WhatsApp.AppSecrets) == 0 {
		// The demo is its own provider, so both ends of the secret are made here.
		if s.WhatsApp.VerifyToken, err = kept.get("verify"); err != nil {
			return err
		}
		secret, err := kept.get("whatsapp")
		if err != nil {
			return err
		}
		s.WhatsApp.AppSecrets = []string{secret}
	}
	token := s.admitDemo()
	s.ClickHouse.Linger = min(s.ClickHouse.Linger, 200*time.Millisecond)
	h, err := newHouse(s, roles)
	if err != nil {
		return err
	}
	if err := kept.write(); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	played := make(chan error, 1)
	served := h.run(ctx, func(at addresses) {
		go func() {
			defer stop()
			played <- h.play(ctx, h.target(at, token), demo.Options{Once: *once, Speed: *speed, Out: os.Stderr}, os.Stdout)
		}()
	})
	select {
	case err := <-played:
		return errors.Join(err, served)
	default:
		return served
	}
}

// admitDemo makes the token that the demo calls with where everybody needs one.
func (s *settings) admitDemo() string {
	if len(s.Access.Tokens) == 0 {
		return ""
	}
	token := rand.Text()
	s.Access.Tokens = append(s.Access.Tokens, access.Token{Token: token, Role: access.Admin, Name: "demo"})
	return token
}

// target is this house as the demo finds it from the outside.
func (h *house) target(at addresses, token string) demo.Target {
	s := h.settings
	t := demo.Target{
		BaseURL: "http://" + at.HTTP, Token: token, AppSecret: s.WhatsApp.AppSecrets[0], VerifyToken: s.WhatsApp.VerifyToken,
		ClickHouseURL: s.ClickHouse.URL + "?" + url.Values{"database": {s.ClickHouse.Database}, "user": {s.ClickHouse.User}, "password": {s.ClickHouse.Password}}.Encode(),
		SIP:           h.recorder, Speech: h.speechless,
	}
	if h.broker != nil {
		t.DataDirs = []string{s.DataDir} // otherwise the words lie on other machines
	}
	return t
}

func (h *house) play(ctx context.Context, target demo.Target, o demo.Options, out io.Writer) error {
	if !o.Once {
		fmt.Fprintf(os.Stderr, "\n  The live screen is at  %s\n  Ask ClickHouse with    curl '%s/?query=SELECT+*+FROM+%s.interaction_scores+FORMAT+Pretty'\n  Stop with Ctrl-C.\n\n",
			target.BaseURL, strings.TrimSuffix(h.settings.ClickHouse.URL, "/"), h.settings.ClickHouse.Database)
	}
	report, err := demo.Play(ctx, target, o)
	if !o.Once {
		return err
	}
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	return errors.Join(enc.Encode(report), err)
}

// speechless is why calls do not become words at this moment, "" where they do.
func (h *house) speechless() string {
	if h.speech == nil {
		return "this process does not transcribe"
	}
	ok, reason := h.speech.Enabled()
	switch {
	case !ok && reason == "":
		return "transcribe.engine is off"
	case !ok:
		return "this machine cannot run the engine: " + reason
	}
	parts := []native.Part{native.ONNXRuntime, native.Silero}
	if h.settings.Transcribe.Engine == transcribe.Moonshine {
		parts = append(parts, native.Moonshine)
	}
	for _, p := range parts {
		if _, there := native.Path(p); !there {
			return "a part of the engine could not be fetched yet: " + string(p)
		}
	}
	return ""
}
