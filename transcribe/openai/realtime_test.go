package openai

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"throughline/transcribe/speech"
)

// session is the server's side of one realtime connection.
type session struct {
	mu     sync.Mutex
	url    string
	header http.Header
	first  map[string]any
	audio  int
}

// serve answers the first audio and the commit with the messages given.
func (s *session) serve(t *testing.T, onAppend, onCommit []string, hangUp bool) string {
	t.Helper()
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.url, s.header = r.URL.String(), r.Header
		s.mu.Unlock()
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer conn.CloseNow()
		said := false
		for {
			_, b, err := conn.Read(r.Context())
			if err != nil {
				return
			}
			var m map[string]any
			if json.Unmarshal(b, &m) != nil {
				return
			}
			var say []string
			s.mu.Lock()
			switch m["type"] {
			case "input_audio_buffer.append":
				payload, err := base64.StdEncoding.DecodeString(m["audio"].(string))
				if err != nil {
					t.Error(err)
				}
				s.audio += len(payload)
				if !said {
					say, said = onAppend, true
				}
			case "input_audio_buffer.commit":
				say = onCommit
			default:
				s.first = m
			}
			s.mu.Unlock()
			for _, text := range say {
				if conn.Write(r.Context(), websocket.MessageText, []byte(text)) != nil {
					return
				}
			}
			if len(say) > 0 && hangUp {
				return
			}
		}
	}))
	t.Cleanup(h.Close)
	return h.URL + "/v1"
}

// play sends seconds of audio and returns the events.
func play(t *testing.T, cfg RealtimeConfig, seconds int) ([]speech.Event, error) {
	t.Helper()
	audio := make(chan []int16)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	go func() {
		defer close(audio)
		for range seconds * 10 {
			select {
			case audio <- make([]int16, speech.Rate/10):
			case <-ctx.Done():
				return
			}
		}
	}()
	var events []speech.Event
	err := Realtime(ctx, cfg, audio, func(e speech.Event) { events = append(events, e) })
	cancel()
	return events, err
}

const (
	started   = `{"type":"input_audio_buffer.speech_started","item_id":"a","audio_start_ms":100}`
	stopped   = `{"type":"input_audio_buffer.speech_stopped","item_id":"a","audio_end_ms":900}`
	committed = `{"type":"input_audio_buffer.committed","item_id":"a","previous_item_id":null}`
	delta     = `{"type":"conversation.item.input_audio_transcription.delta","item_id":"a","delta":"Hello "}`
	completed = `{"type":"conversation.item.input_audio_transcription.completed","item_id":"a","transcript":" Hello there. "}`
	startedB  = `{"type":"input_audio_buffer.speech_started","item_id":"b","audio_start_ms":1500}`
	stoppedB  = `{"type":"input_audio_buffer.speech_stopped","item_id":"b","audio_end_ms":2000}`
	doneB     = `{"type":"conversation.item.input_audio_transcription.completed","item_id":"b","transcript":"Bye."}`
	failedA   = `{"type":"conversation.item.input_audio_transcription.failed","item_id":"a","error":{"type":"server_error","code":"audio_unintelligible"}}`
	empty     = `{"type":"error","error":{"type":"invalid_request_error","code":"input_audio_buffer_commit_empty","message":"x"}}`
)

func TestRealtime(t *testing.T) {
	for _, c := range []struct {
		name               string
		onAppend, onCommit []string
		want               string
		fails              bool
	}{
		{"one", []string{started, delta, stopped, committed, completed}, []string{empty}, "started0 partial0 ended0 final0:Hello there.", false},
		{"completed out of order", []string{started, stopped, committed, startedB, stoppedB, doneB, completed}, []string{empty},
			"started0 ended0 started1 ended1 final0:Hello there. final1:Bye.", false},
		{"the rest is committed at the end", []string{started, delta}, []string{committed, completed}, "started0 partial0 ended0 final0:Hello there.", false},
		{"one fails", []string{started, stopped, committed, failedA, startedB, stoppedB, doneB}, []string{empty}, "started0 ended0 final0:! started1 ended1 final1:Bye.", false},
		{"told twice", []string{started, stopped, completed, completed, delta}, []string{empty}, "started0 ended0 final0:Hello there.", false},
		{"silence", nil, []string{empty}, "", false},
		{"nothing is said to the commit", []string{started, stopped, completed}, nil, "started0 ended0 final0:Hello there.", false},
		{"garbage between", []string{`{"type":`, `[]`, `"x"`, `{"type":"rate_limits.updated"}`, `{"type":"input_audio_buffer.speech_started","item_id":7}`, started, stopped, completed}, []string{empty},
			"started0 ended0 final0:Hello there.", false},
		{"a transcript never comes", []string{started, stopped, committed}, []string{empty}, "started0 ended0", true},
	} {
		for _, beta := range []bool{false, true} {
			var s session
			base := s.serve(t, c.onAppend, c.onCommit, false)
			drain := time.Minute
			if c.fails || c.onCommit == nil { // it is waited for in vain
				drain = 2 * time.Second
			}
			events, err := play(t, RealtimeConfig{BaseURL: base, Model: "m", Key: "k", Language: "en", Beta: beta, Drain: drain}, 2)
			if (err != nil) != c.fails {
				t.Errorf("%s, beta %v: %v", c.name, beta, err)
			}
			var told []string
			for _, e := range events {
				one := string(e.Kind) + string(rune('0'+e.Utterance))
				if e.Kind == speech.Final {
					one += ":" + e.Text
					if e.Err != nil {
						one += "!"
					}
				}
				told = append(told, one)
			}
			if got := strings.Join(told, " "); got != c.want {
				t.Errorf("%s, beta %v: %s, want %s", c.name, beta, got, c.want)
			}
			s.mu.Lock()
			bytes := 2 * mulawRate
			query := "/v1/realtime?intent=transcription"
			kind := "session.update"
			if beta {
				bytes, query, kind = 2*2*realtimeRate, query+"&model=m", "transcription_session.update"
			}
			if s.audio != bytes || s.url != query || s.first["type"] != kind || s.header.Get("Authorization") != "Bearer k" {
				t.Errorf("%s: %d bytes of audio (want %d), %s, %v", c.name, s.audio, bytes, s.url, s.first["type"])
			}
			s.mu.Unlock()
		}
	}
}

func TestRealtimeFails(t *testing.T) {
	for _, c := range []struct {
		name      string
		onAppend  []string
		hangUp    bool
		permanent bool
	}{
		{"bad model", []string{`{"type":"error","error":{"type":"invalid_request_error","code":"model_not_found","message":"x"}}`}, false, true},
		{"server error", []string{`{"type":"error","error":{"type":"server_error","code":"internal"}}`}, false, false},
		{"hangs up", []string{started}, true, false},
		{"message too long", []string{`{"x":"` + strings.Repeat("a", messageLimit) + `"}`}, false, false},
	} {
		var s session
		base := s.serve(t, c.onAppend, nil, c.hangUp)
		_, err := play(t, RealtimeConfig{BaseURL: base, Model: "m"}, 30)
		if err == nil || errors.Is(err, speech.ErrPermanent) != c.permanent {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	refuses := httptest.NewServer(http.NotFoundHandler())
	defer refuses.Close()
	for _, cfg := range []RealtimeConfig{{BaseURL: refuses.URL, Model: "m"}, {BaseURL: "127.0.0.1", Model: "m"}, {BaseURL: refuses.URL}} {
		if _, err := play(t, cfg, 1); err == nil {
			t.Errorf("%+v was accepted", cfg)
		}
	}
}

// FuzzConversation sends any messages and checks that finals come in order and
// once each.
func FuzzConversation(f *testing.F) {
	f.Add(strings.Join([]string{started, delta, stopped, committed, completed, doneB, failedA, empty}, "\n"))
	f.Add(`{"type":"input_audio_buffer.speech_stopped","audio_end_ms":-1e300}`)
	f.Fuzz(func(t *testing.T, lines string) {
		var finals []int
		c := conversation{known: map[string]*item{}, emit: func(e speech.Event) {
			if e.Kind == speech.Final {
				finals = append(finals, e.Utterance)
			}
			if e.Start < 0 || e.End < e.Start {
				t.Fatalf("times of %+v", e)
			}
		}}
		for line := range strings.Lines(lines) {
			var m message
			if json.Unmarshal([]byte(line), &m) == nil && c.hear(m) != nil {
				return
			}
		}
		for i, n := range finals {
			if n != i {
				t.Fatalf("finals %v", finals)
			}
		}
	})
}
