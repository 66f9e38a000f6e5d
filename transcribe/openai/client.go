package openai

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	goopenai "github.com/sashabaranov/go-openai"

	"throughline/transcribe/speech"
)

// Defaults of Config.
const (
	DefaultTimeout     = 60 * time.Second
	DefaultMaxResponse = 4 << 20
)

// MaxUpload is the size limit of the original service, in bytes of WAV. A
// longer utterance is refused here, as there.
const MaxUpload = 25 << 20

// Config names a server. BaseURL and Model are needed.
type Config struct {
	// BaseURL is where the interface begins, such as "http://127.0.0.1:8000/v1".
	BaseURL string

	// Path replaces "/audio/transcriptions" after BaseURL, for servers that
	// listen elsewhere: "/inference" for whisper.cpp.
	Path string

	// Key is the bearer token, empty where the server wants none.
	Key string

	// Model and Language are passed on; Language may be empty.
	Model, Language string

	// Timeout bounds a request, and MaxResponse the bytes of its answer. Zero
	// means DefaultTimeout and DefaultMaxResponse.
	Timeout     time.Duration
	MaxResponse int64

	// HTTP carries the requests; nil means http.DefaultClient.
	HTTP *http.Client
}

// Client implements speech.Recogniser. It is safe for use by many goroutines.
type Client struct {
	cfg  Config
	path string // of the whole URL, where it is not the usual one
	// plain is set once the server refused verbose_json: it knows only text.
	plain atomic.Bool
}

// New checks the configuration; it does not call the server.
func New(cfg Config) (*Client, error) {
	base, err := url.Parse(cfg.BaseURL)
	if err != nil || base.Host == "" || (base.Scheme != "http" && base.Scheme != "https") {
		return nil, fmt.Errorf("transcription base_url %q: write it like http://127.0.0.1:8000/v1", cfg.BaseURL)
	}
	if cfg.Model == "" {
		return nil, errors.New("transcription model is empty: name the model that the server should use")
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = DefaultTimeout
	}
	if cfg.MaxResponse <= 0 {
		cfg.MaxResponse = DefaultMaxResponse
	}
	if cfg.HTTP == nil {
		cfg.HTTP = http.DefaultClient
	}
	cfg.BaseURL = strings.TrimRight(cfg.BaseURL, "/")
	c := &Client{cfg: cfg}
	if cfg.Path != "" {
		c.path = strings.TrimRight(base.Path, "/") + "/" + strings.TrimLeft(cfg.Path, "/")
	}
	return c, nil
}

// Recognise implements speech.Recogniser.
func (c *Client) Recognise(ctx context.Context, pcm []float32, opts speech.Options) (speech.Result, error) {
	if len(pcm) == 0 {
		return speech.Result{NoSpeech: true}, nil
	}
	audio := wav(pcm)
	if len(audio) > MaxUpload {
		return speech.Result{}, fmt.Errorf("transcription request: %w: %d bytes of audio, at most %d", speech.ErrPermanent, len(audio), MaxUpload)
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	res, err := c.ask(ctx, audio, opts)
	if err == nil && opts.Before != nil && repeats(res.Text, opts.Before.Text) {
		opts.Before = nil // said again, or only read: heard alone it is clear
		return c.ask(ctx, audio, opts)
	}
	return res, err
}

func (c *Client) ask(ctx context.Context, audio []byte, opts speech.Options) (speech.Result, error) {
	plain := c.plain.Load()
	res, err := c.request(ctx, audio, opts, plain)
	if errors.Is(err, errFormat) && !plain {
		// The gpt-4o-transcribe family gives json without times, and says 400
		// to verbose_json.
		if res, err = c.request(ctx, audio, opts, true); err == nil {
			c.plain.Store(true)
		}
	}
	return res, err
}

// errFormat is a 400, which may mean that the response format is not known.
var errFormat = fmt.Errorf("%w: status 400", speech.ErrPermanent)

func (c *Client) request(ctx context.Context, audio []byte, opts speech.Options, plain bool) (speech.Result, error) {
	answer := &exchange{client: c}
	cfg := goopenai.DefaultConfig(c.cfg.Key)
	cfg.BaseURL = c.cfg.BaseURL
	cfg.HTTPClient = answer
	req := goopenai.AudioRequest{
		Model: c.cfg.Model, Language: c.cfg.Language,
		FilePath: "utterance.wav", Reader: bytes.NewReader(audio),
		Prompt: prompt(opts),
		Format: goopenai.AudioResponseFormatVerboseJSON,
		TimestampGranularities: []goopenai.TranscriptionTimestampGranularity{
			goopenai.TranscriptionTimestampGranularityWord,
			goopenai.TranscriptionTimestampGranularitySegment,
		},
	}
	if plain {
		req.Format, req.TimestampGranularities = goopenai.AudioResponseFormatJSON, nil
	}
	// go-openai writes the request. Its reading of the answer is set aside: it
	// has no place for words inside segments, and fails on a number that should
	// have been a string.
	_, err := goopenai.NewClientWithConfig(cfg).CreateTranscription(ctx, req)
	switch {
	case answer.err != nil:
		return speech.Result{}, fmt.Errorf("transcription request: %w", answer.err)
	case answer.status == 0:
		return speech.Result{}, fmt.Errorf("transcription request: %w", err)
	case answer.status != http.StatusOK:
		return speech.Result{}, fmt.Errorf("transcription request: %w", statusError(answer.status))
	}
	return decode(answer.body)
}

// statusError says what a status means for trying again. The body is left out:
// servers quote the prompt in it, and the prompt holds names.
func statusError(status int) error {
	switch {
	case status == http.StatusBadRequest:
		return errFormat
	case status == http.StatusNotFound:
		return fmt.Errorf("%w: status 404: check base_url, path and model", speech.ErrPermanent)
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return fmt.Errorf("%w: status %d: check the key", speech.ErrPermanent, status)
	case status == http.StatusRequestTimeout, status == http.StatusConflict, status == http.StatusTooEarly,
		status == http.StatusTooManyRequests, status >= 500:
		return fmt.Errorf("server busy or failing: status %d", status)
	}
	return fmt.Errorf("%w: status %d", speech.ErrPermanent, status)
}

// exchange carries one request and keeps the answer.
type exchange struct {
	client *Client
	status int
	body   []byte
	err    error
}

var errTooLong = errors.New("answer longer than allowed")

// Do implements goopenai.HTTPDoer.
func (x *exchange) Do(req *http.Request) (*http.Response, error) {
	if x.client.path != "" {
		req.URL.Path = x.client.path
	}
	if x.client.cfg.Key == "" {
		req.Header.Del("Authorization")
	}
	resp, err := x.client.cfg.HTTP.Do(req)
	if err != nil {
		x.err = err
		return nil, err
	}
	defer resp.Body.Close()
	x.body, err = io.ReadAll(io.LimitReader(resp.Body, x.client.cfg.MaxResponse+1))
	if err == nil && int64(len(x.body)) > x.client.cfg.MaxResponse {
		err = errTooLong
	}
	if err != nil {
		x.err = err
		return nil, err
	}
	x.status = resp.StatusCode
	resp.Body = io.NopCloser(bytes.NewReader(x.body))
	return resp, nil
}
