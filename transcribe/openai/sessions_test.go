package openai

import (
	"errors"
	"testing"
	"time"

	"throughline/transcribe/speech"
)

// TestSessions recognises utterances one by one: a session each, all of the audio,
// and what the server found in it put together again.
func TestSessions(t *testing.T) {
	for _, c := range []struct {
		name               string
		onAppend, onCommit []string
		want               speech.Result
		fails, permanent   bool
	}{
		{"one", []string{started}, []string{committed, completed}, speech.Result{Text: "Hello there."}, false, false},
		{"heard as two", []string{started, stopped, committed, startedB, stoppedB, doneB, completed}, []string{empty}, speech.Result{Text: "Hello there. Bye."}, false, false},
		{"noise", nil, []string{empty}, speech.Result{NoSpeech: true}, false, false},
		{"not understood", []string{started, stopped, committed, failedA}, []string{empty}, speech.Result{}, true, false},
		{"refused", []string{`{"type":"error","error":{"type":"invalid_request_error","code":"model_not_found"}}`}, nil, speech.Result{}, true, true},
	} {
		var s session
		r, err := NewSessions(RealtimeConfig{BaseURL: s.serve(t, c.onAppend, c.onCommit, false), Model: "m", Drain: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.Recognise(t.Context(), make([]float32, speech.Rate*3/2), speech.Options{})
		if (err != nil) != c.fails || errors.Is(err, speech.ErrPermanent) != c.permanent {
			t.Errorf("%s: %v", c.name, err)
		}
		if got.Text != c.want.Text || got.NoSpeech != c.want.NoSpeech {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
		s.mu.Lock()
		if want := mulawRate * 3 / 2; !c.fails && s.audio != want {
			t.Errorf("%s: %d bytes of audio, want %d", c.name, s.audio, want)
		}
		s.mu.Unlock()
	}
	if _, err := NewSessions(RealtimeConfig{BaseURL: "ws://x", Model: "m"}); err == nil {
		t.Error("an address that cannot be asked was taken")
	}
}
