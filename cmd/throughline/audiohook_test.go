package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"throughline/cmd/throughline/throughlinetest"
	"throughline/media"
	"throughline/media/codec"
	"throughline/media/ogg"
	"throughline/native"
)

// TestWordsGoBackToGenesys speaks to the whole program as Genesys does, in the
// time that speaking takes, and reads its own words while the session lasts.
func TestWordsGoBackToGenesys(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute) // only a test that fails takes that long
	defer cancel()
	for _, part := range []native.Part{native.ONNXRuntime, native.Silero, native.Moonshine} {
		if _, err := native.Fetch(ctx, part, nil); err != nil {
			t.Skipf("%s cannot be had: %v", part, err)
		}
	}
	file := filepath.Join(t.TempDir(), "settings.yaml")
	if err := os.WriteFile(file, []byte("audiohook:\n  clients: [{key: k}]\n  transcripts: partials\n  flush: 2m\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := program(t, "THROUGHLINE_TRANSCRIBE_PRELOAD=true")
	p.Args = []string{"--config", file}
	p.Start()
	defer p.Stop()

	voice, err := os.Open("demo/voices/outage-call-customer.ogg")
	if err != nil {
		t.Fatal(err)
	}
	defer voice.Close()
	pcm := &media.Samples{SampleRate: 8000}
	if _, err := ogg.Decode(voice, pcm); err != nil {
		t.Fatal(err)
	}
	spoken := codec.AppendULaw(nil, pcm.PCM[:min(len(pcm.PCM), 15*8000)])
	growing, said := 0, ""
	// Growing words are left out where the processors are taken: whoever speaks to
	// a machine that is busy otherwise speaks slower.
	for n, pace := range []time.Duration{200 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond} {
		if growing, said = genesys(t, ctx, p, n, spoken, pace); growing > 0 {
			break
		}
	}
	if growing == 0 || !strings.Contains(said, "internet") || !strings.Contains(said, "router") && !strings.Contains(said, "three times") {
		t.Errorf("%d growing transcripts, then%q", growing, said)
	}
}

// genesys sends 200 ms at each step of pace, and gives how many growing
// transcripts and which final words came back.
func genesys(t *testing.T, ctx context.Context, p *throughlinetest.Process, n int, spoken []byte, pace time.Duration) (growing int, said string) {
	t.Helper()
	id := fmt.Sprintf("e160e428-53e2-487c-977d-96989bf5c99%d", n)
	ws, _, err := websocket.Dial(ctx, "ws://"+p.HTTP+"/v1/media/audiohook", &websocket.DialOptions{HTTPHeader: http.Header{
		"X-Api-Key": {"k"}, "Audiohook-Session-Id": {id}, "Audiohook-Organization-Id": {"o"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer ws.CloseNow()
	seq := 0
	say := func(kind, parameters string) error {
		seq++
		text := fmt.Sprintf(`{"version":"2","id":%q,"type":%q,"seq":%d,"serverseq":0,"position":"PT0S","parameters":%s}`, id, kind, seq, parameters)
		return ws.Write(ctx, websocket.MessageText, []byte(text))
	}
	err = say("open", `{"organizationId":"o","conversationId":"c`+fmt.Sprint(n)+`","participant":{"id":"p","ani":"+15555551234","aniName":"","dnis":""},`+
		`"media":[{"type":"audio","format":"PCMU","channels":["external"],"rate":8000}]}`)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for len(spoken) > 0 && ctx.Err() == nil {
			n := min(len(spoken), 1600)
			_ = ws.Write(ctx, websocket.MessageBinary, spoken[:n]) // the reader will see it
			spoken = spoken[n:]
			time.Sleep(pace)
		}
		_ = say("close", `{"reason":"end"}`)
	}()
	for closed := false; !closed; {
		_, raw, err := ws.Read(ctx)
		var m struct {
			Type       string
			Parameters struct {
				Entities []struct {
					Data struct {
						IsFinal      bool
						Alternatives []struct{ Interpretations []struct{ Transcript string } }
					}
				}
			}
		}
		if err == nil {
			err = json.Unmarshal(raw, &m)
		}
		if err != nil {
			t.Fatalf("after %d growing transcripts and %q: %v", growing, said, err)
		}
		closed = m.Type == "closed"
		for _, e := range m.Parameters.Entities {
			if !e.Data.IsFinal {
				growing++
				continue
			}
			said += " " + strings.ToLower(e.Data.Alternatives[0].Interpretations[0].Transcript)
		}
	}
	return growing, said
}
