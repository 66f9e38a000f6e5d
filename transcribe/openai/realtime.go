package openai

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coder/websocket"

	"throughline/media/codec"
	"throughline/media/resample"
	"throughline/transcribe/speech"
)

// DefaultDrain is how long the last transcripts are waited for once the audio
// has ended.
const DefaultDrain = 10 * time.Second

// RealtimeConfig names a server that transcribes over a WebSocket. BaseURL and
// Model are needed.
type RealtimeConfig struct {
	// BaseURL is where the HTTP interface begins; the socket is at /realtime
	// below it.
	BaseURL              string
	Key, Model, Language string

	// Beta selects the messages of the first form of the interface, which
	// speaches and other local servers still use.
	Beta bool

	// Drain bounds the wait at the end, zero meaning DefaultDrain.
	Drain time.Duration

	// HTTP carries the handshake; nil means http.DefaultClient.
	HTTP *http.Client
}

// realtimeRate is the rate of 16-bit audio that the interface takes; the GA
// form also takes µ-law at 8 kHz, a sixth of the bytes and all that a call has.
const (
	realtimeRate = 24000
	mulawRate    = 8000
)

// messageLimit bounds one message of the server.
const messageLimit = 1 << 20

// Realtime sends a leg's audio, mono at speech.Rate, and calls emit with what
// the server hears, in order and from one goroutine. It returns once audio is
// closed and every transcript has come, or when the connection fails. The
// server finds the utterances itself.
func Realtime(ctx context.Context, cfg RealtimeConfig, audio <-chan []int16, emit func(speech.Event)) error {
	if cfg.Drain <= 0 {
		cfg.Drain = DefaultDrain
	}
	address, err := cfg.address()
	if err != nil {
		return err
	}
	header := http.Header{}
	if cfg.Key != "" {
		header.Set("Authorization", "Bearer "+cfg.Key)
	}
	if cfg.Beta {
		header.Set("OpenAI-Beta", "realtime=v1")
	}
	conn, resp, err := websocket.Dial(ctx, address, &websocket.DialOptions{HTTPClient: cfg.HTTP, HTTPHeader: header})
	if err != nil {
		if resp != nil && resp.StatusCode != http.StatusSwitchingProtocols {
			return fmt.Errorf("realtime handshake: %w", statusError(resp.StatusCode))
		}
		return fmt.Errorf("realtime handshake: %w", err)
	}
	defer conn.CloseNow()
	conn.SetReadLimit(messageLimit)

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	sent := make(chan error, 1)
	ended := make(chan struct{})
	go func() {
		err := cfg.send(ctx, conn, audio, ended)
		if err != nil {
			cancel()
		}
		sent <- err
	}()
	err = receive(ctx, conn, cfg.Drain, ended, emit)
	cancel()
	if sendErr := <-sent; err == nil || errors.Is(err, context.Canceled) && sendErr != nil {
		err = sendErr
	}
	if err != nil {
		return err
	}
	// The other side may be gone already; all it had to say was said.
	_ = conn.Close(websocket.StatusNormalClosure, "")
	return nil
}

func (cfg RealtimeConfig) address() (string, error) {
	u, err := url.Parse(strings.TrimRight(cfg.BaseURL, "/") + "/realtime")
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return "", fmt.Errorf("realtime base_url %q: write it like http://127.0.0.1:8000/v1", cfg.BaseURL)
	}
	if cfg.Model == "" {
		return "", errors.New("realtime model is empty: name the model that the server should use")
	}
	q := url.Values{"intent": {"transcription"}}
	if cfg.Beta {
		q.Set("model", cfg.Model)
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// session is the first message of the client.
func (cfg RealtimeConfig) session() any {
	transcription := map[string]string{"model": cfg.Model}
	if cfg.Language != "" {
		transcription["language"] = cfg.Language
	}
	detection := map[string]string{"type": "server_vad"}
	if cfg.Beta {
		return map[string]any{"type": "transcription_session.update", "session": map[string]any{
			"input_audio_format": "pcm16", "input_audio_transcription": transcription, "turn_detection": detection,
		}}
	}
	return map[string]any{"type": "session.update", "session": map[string]any{
		"type": "transcription",
		"audio": map[string]any{"input": map[string]any{
			"format": map[string]string{"type": "audio/pcmu"}, "transcription": transcription, "turn_detection": detection,
		}},
	}}
}

// send configures the session and forwards audio. It closes ended when the
// audio has ended, before the server is told.
func (cfg RealtimeConfig) send(ctx context.Context, conn *websocket.Conn, audio <-chan []int16, ended chan<- struct{}) error {
	write := func(message any) error {
		b, err := json.Marshal(message)
		if err != nil {
			return fmt.Errorf("realtime message: %w", err)
		}
		if err := conn.Write(ctx, websocket.MessageText, b); err != nil {
			return fmt.Errorf("realtime send: %w", err)
		}
		return nil
	}
	rate := mulawRate
	if cfg.Beta {
		rate = realtimeRate
	}
	rates, err := resample.New(speech.Rate, rate)
	if err != nil {
		return fmt.Errorf("realtime audio: %w", err)
	}
	push := func(pcm []int16) error {
		if len(pcm) == 0 {
			return nil
		}
		payload := codec.AppendULaw(nil, pcm)
		if cfg.Beta {
			payload = codec.AppendL16(nil, pcm)
			codec.SwapL16(payload) // the interface is little-endian, L16 (RFC 3551) is not
		}
		return write(map[string]string{"type": "input_audio_buffer.append", "audio": base64.StdEncoding.EncodeToString(payload)})
	}
	if err := write(cfg.session()); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("realtime send: %w", ctx.Err())
		case pcm, ok := <-audio:
			if !ok {
				if err := push(rates.Flush(nil)); err != nil {
					return err
				}
				close(ended)
				return write(map[string]string{"type": "input_audio_buffer.commit"})
			}
			if err := push(rates.Append(nil, pcm)); err != nil {
				return err
			}
		}
	}
}

// message is what the server sends, all kinds in one.
type message struct {
	Type         string
	ItemID       string  `json:"item_id"`
	PreviousItem string  `json:"previous_item_id"`
	StartMS      float64 `json:"audio_start_ms"`
	EndMS        float64 `json:"audio_end_ms"`
	Delta        string
	Transcript   string
	Error        struct{ Type, Code string }
}

// receive turns messages into events until all audio is transcribed.
func receive(ctx context.Context, conn *websocket.Conn, drain time.Duration, ended <-chan struct{}, emit func(speech.Event)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	messages := make(chan message)
	go func() {
		for {
			kind, b, err := conn.Read(ctx)
			if err != nil {
				cancel(fmt.Errorf("realtime receive: %w", err))
				return
			}
			var m message
			// A message that is not understood is not for us: servers add kinds.
			if kind != websocket.MessageText || json.Unmarshal(b, &m) != nil {
				continue
			}
			select {
			case messages <- m:
			case <-ctx.Done():
				return
			}
		}
	}()
	items := conversation{emit: emit, known: map[string]*item{}}
	var late <-chan time.Time
	end := func() {
		ended, items.draining, late = nil, true, time.After(drain)
	}
	for {
		select {
		case m := <-messages:
			select {
			case <-ended:
				end()
			default:
			}
			if err := items.hear(m); err != nil {
				return err
			}
		case <-ended:
			end()
		case <-late:
			if items.settled() {
				return nil
			}
			return fmt.Errorf("realtime drain: transcripts missing after %v", drain)
		case <-ctx.Done():
			if items.draining && items.settled() {
				return nil
			}
			return context.Cause(ctx)
		}
		if items.draining && items.answered && items.settled() {
			return nil
		}
	}
}
