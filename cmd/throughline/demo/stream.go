package demo

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"throughline/event"
)

// silence is how long the stream may say nothing at all, heartbeats included,
// before it is taken for dead.
const silence = 45 * time.Second

// listener reads the stream that screens and agents' desktops read, from before
// the first message on.
type listener struct {
	url    string
	token  string
	ledger func() *ledger

	ready chan struct{} // closed when the stream has said hello
	heard bool
	last  string // id to resume from
}

func newListener(base, token string, l func() *ledger) *listener {
	return &listener{url: base + "/v1/stream?topics=" + strings.Join(streamed(), ","), token: token, ledger: l, ready: make(chan struct{})}
}

// contextEvent is what the stream calls the context that it pushes.
const contextEvent = "context"

// streamed names everything that a stream may carry: a secret must be in none of it.
func streamed() []string {
	return []string{event.Interactions().Name, event.AnalysedTurns().Name, event.Journeys().Name, event.Alerts().Name,
		event.Suggestions().Name, event.Feedbacks().Name, event.PartialTurns().Name, contextEvent}
}

// run listens until ctx ends, and resumes where a connection broke off.
func (s *listener) run(ctx context.Context) error {
	for wait := firstWait; ; wait = min(2*wait, longestTry) {
		began := time.Now()
		err := s.listen(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if _, final := errors.AsType[*refusal](err); final {
			return fmt.Errorf("GET /v1/stream: %w", err)
		}
		if s.heard {
			s.ledger().count(func(n *counts) { n.Reconnected++ })
		}
		if time.Since(began) > longestTry {
			wait = firstWait
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *listener) listen(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	dead := time.AfterFunc(silence, cancel)
	defer dead.Stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return &refusal{Title: "the address is wrong"}
	}
	req.Header.Set("Accept", "text/event-stream")
	if s.last != "" {
		req.Header.Set("Last-Event-ID", s.last)
	}
	if s.token != "" {
		req.Header.Set("Authorization", "Bearer "+s.token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusServiceUnavailable:
		return errors.New("not ready")
	case resp.StatusCode != http.StatusOK:
		return &refusal{Status: resp.StatusCode, Title: "the stream cannot be read"}
	}
	return s.read(resp.Body, func() { dead.Reset(silence) })
}

// read takes events apart as the HTML standard says (§9.2.6), as far as a server
// that writes one data line needs it.
func (s *listener) read(body io.Reader, alive func()) error {
	in := bufio.NewReaderSize(body, 64<<10)
	var name, id string
	var data []byte
	for {
		raw, err := in.ReadBytes('\n')
		if err != nil {
			return err // an event that was cut off is none
		}
		alive()
		field, value, _ := bytes.Cut(bytes.TrimRight(raw, "\r\n"), []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(field) {
		case "event":
			name = string(value)
		case "id":
			id = string(value)
		case "data":
			data = append(data, value...)
		case "":
			if len(raw) > 2 {
				continue // a comment
			}
			if id != "" {
				s.last = id
			}
			if data != nil {
				s.event(name, data)
			}
			name, id, data = "", "", nil
		}
	}
}

func (s *listener) event(name string, data []byte) {
	now, l := time.Now(), s.ledger()
	switch name {
	case "hello", "reset":
		if !s.heard {
			s.heard = true
			close(s.ready)
		}
		if name == "reset" {
			l.count(func(n *counts) { n.Resets++ })
		}
		return
	case event.AnalysedTurns().Name:
		var f struct {
			Turn event.Turn `json:"turn"`
		}
		if json.Unmarshal(data, &f) == nil {
			l.seen(f.Turn, now)
		}
	case contextEvent:
		var c pushed
		if json.Unmarshal(data, &c) == nil {
			l.told(c)
		}
	case event.Alerts().Name, event.Suggestions().Name:
		var a struct {
			ID string `json:"id"`
		}
		if json.Unmarshal(data, &a) == nil {
			l.advised(a.ID)
		}
	}
	l.watch(data)
}
