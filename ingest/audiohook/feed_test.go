package audiohook

import (
	"context"
	"strings"
	"testing"
	"time"

	"throughline/event"
	"throughline/governance"
	"throughline/ingest/calls"
	"throughline/ingest/ingesttest"
)

// TestTopicsComeBack publishes what a transcriber does, and hears it as Genesys:
// growing words, final ones, and closed as soon as all is told.
func TestTopicsComeBack(t *testing.T) {
	feed := NewFeed(true, nil)
	h := open(t, Config{Transcripts: feed.Transcripts, Flush: patient}, calls.Config{})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- feed.Run(ctx, h.Bus) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	gate, err := governance.NewGate(governance.Config{}, h.Ledger)
	if err != nil {
		t.Fatal(err)
	}
	c := h.dial(t, sess)
	c.open(conv, person, stereo, "")
	c.hear("opened")
	c.audio(make([]byte, 320))
	var id, who string
	ingesttest.Await(t, "the call's beginning", func() bool {
		for _, i := range h.Changes(t) {
			id, who = i.Interaction, i.Customer
		}
		return id != ""
	})
	turn := func(interaction, text string, role event.Role) event.Turn {
		return event.Turn{ID: event.ID("t", interaction, text), Tenant: "acme", Customer: who, Interaction: interaction, Channel: event.Voice,
			Role: role, Kind: event.Utterance, At: time.Now(), Text: text, StartMS: 100, EndMS: 900}
	}
	publish := func(final bool, turns ...event.Turn) {
		t.Helper()
		for _, turn := range turns {
			m := event.Message{}
			if final {
				v, err := gate.Turn(ctx, turn)
				if err != nil {
					t.Fatal(err)
				}
				m = governance.Turns().Message(v.Cleared)
			} else {
				v, err := gate.Partial(ctx, turn)
				if err != nil {
					t.Fatal(err)
				}
				m = governance.PartialTurns().Message(v)
			}
			if err := h.Bus.Publish(ctx, m); err != nil {
				t.Fatal(err)
			}
		}
	}
	// The topics are followed from some moment on: growing words come until one is heard.
	heard := make(chan string, 1)
	go func() { heard <- string(c.hear("event").Parameters) }()
	for waits := true; waits; {
		publish(false, turn(id, "my card is 4111111111111111", event.Customer))
		select {
		case text := <-heard:
			if !strings.Contains(text, `"isFinal":false`) || !strings.Contains(text, "my card is") || strings.Contains(text, "4111") {
				t.Errorf("growing words: %s", text)
			}
			waits = false
		case <-time.After(200 * time.Millisecond):
		}
	}
	publish(true, turn("i_other", "not for you", event.Customer), turn(id, "my card was stolen", event.Customer))
	for {
		text := string(c.hear("event").Parameters)
		if strings.Contains(text, `"isFinal":false`) {
			continue
		}
		if !strings.Contains(text, "my card was stolen") {
			t.Errorf("final words: %s", text)
		}
		break
	}
	c.say("close", "PT0S", `{"reason":"end"}`)
	publish(true, turn(id, "goodbye", event.Agent))
	if text := string(c.hear("event").Parameters); !strings.Contains(text, "goodbye") || !strings.Contains(text, `"channelId":1`) {
		t.Errorf("last words: %s", text)
	}
	over := event.Interaction{ID: "x_over", Tenant: "acme", Customer: who, Interaction: id, Channel: event.Voice, Change: event.Measured,
		At: time.Now(), Attrs: map[string]string{"final": "true"}}
	if err := h.Bus.Publish(ctx, event.Interactions().Message(over)); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	c.hear("closed")
	if took := time.Since(began); took > patient/2 {
		t.Errorf("closed %v after the last words", took)
	}
	feed.mu.Lock()
	defer feed.mu.Unlock()
	if len(feed.listeners) != 0 {
		t.Errorf("%d calls are still listened for", len(feed.listeners))
	}
}

func TestSendBackIsNamed(t *testing.T) {
	cfg := Config{SendBack: "everything"}
	if err := cfg.Check(); err == nil || !strings.Contains(err.Error(), "audiohook.transcripts") {
		t.Errorf("taken: %v", err)
	}
}
