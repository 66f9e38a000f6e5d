package main

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"throughline/bus"
	"throughline/event"
)

// TestDeadLetters sets an event aside in the running program, lists it as an
// operator would, and delivers it again.
func TestDeadLetters(t *testing.T) {
	p := program(t, "THROUGHLINE_NLP_MODEL=floor")
	p.Start()
	dead := func(args ...string) (string, error) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, os.Args[0], append([]string{"dead"}, args...)...)
		cmd.Env = append(os.Environ(), runAsProgram+"=1", "THROUGHLINE_KAFKA_BROKERS="+p.Kafka)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := dead(); err != nil || out != "nothing was set aside\n" {
		t.Errorf("at first: %q %v", out, err)
	}
	b, err := bus.Dial(bus.Config{Brokers: []string{p.Kafka}})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close(context.Background())
	const words = "words of a customer"
	for _, topic := range []event.Spec{event.AnalysedTurns().Spec, event.Identities().Spec} {
		if err := b.Publish(t.Context(), event.Message{Topic: topic, Key: "c1", Value: map[string]any{"turn": words, "at": words}}); err != nil {
			t.Fatal(err)
		}
	}
	listed := func(want int, args ...string) string {
		t.Helper()
		for began := time.Now(); ; time.Sleep(100 * time.Millisecond) {
			out, err := dead(args...)
			if err == nil && strings.Count(out, "\n") == want+1 && strings.HasPrefix(out, "WHERE") {
				return out
			}
			if time.Since(began) > 4*time.Minute {
				t.Fatalf("%v lists\n%s%v, want %d events", args, out, err, want)
			}
		}
	}
	only := []string{"--topic", "features", "--stage", "journey"}
	out := listed(1, only...)
	if !strings.Contains(out, "features.dead/") || !strings.Contains(out, `field "turn"`) || strings.Contains(out, words) {
		t.Errorf("the list says\n%s", out)
	}
	if out, err := dead(append(only, "--deliver")...); err != nil || out != "1 delivered\n" {
		t.Errorf("delivered: %q %v", out, err)
	}
	// Nothing was mended: it comes back as another, and the first counts as delivered.
	listed(1, only...)
	listed(2, append(only, "--all")...)
	if out, err := dead("--topic", "identities", "--deliver"); err == nil || !strings.Contains(out, "0 delivered") || !strings.Contains(out, "keep the latest of each key") {
		t.Errorf("an identity is delivered again: %q %v", out, err)
	}
	for _, c := range [][2]string{{"--topic=faxes", `"faxes" is not a topic: give one of interactions`}, {"--since=soon", "--since"}} {
		if out, err := dead(c[0]); err == nil || !strings.Contains(out, c[1]) {
			t.Errorf("%s: %q %v", c[0], out, err)
		}
	}
	p.Kafka = "127.0.0.1:1"
	if out, err := dead(); err == nil || !strings.Contains(out, "is throughline serve running") {
		t.Errorf("nobody there: %q %v", out, err)
	}
}
