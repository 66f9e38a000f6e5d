package llm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	goopenai "github.com/sashabaranov/go-openai"
)

// Config names a server. Everything works without one.
type Config struct {
	BaseURL string        `yaml:"base_url" doc:"where an OpenAI-compatible interface begins, such as http://127.0.0.1:11434/v1; empty: no language model is asked. It gets cleared text only, and words summaries"`
	Key     string        `yaml:"key" secret:"true" doc:"bearer token of the server, empty where it wants none"`
	Model   string        `yaml:"model" doc:"name of the model at the server"`
	Timeout time.Duration `yaml:"timeout" default:"20s" doc:"how long one answer may take; after that the summary is made of the conversation's own sentences"`
}

// Bounds of an answer.
const (
	DefaultTimeout = 20 * time.Second
	maxTokens      = 1000
	maxAnswer      = 1 << 20 // bytes
)

// Client asks one model. It is safe for concurrent use.
type Client struct {
	cfg    Config
	server *goopenai.Client
}

// New checks the configuration; it does not call the server. Without a base URL
// there is no client, and no error.
func New(cfg Config) (*Client, error) {
	if cfg.BaseURL == "" {
		return nil, nil
	}
	base, err := url.Parse(cfg.BaseURL)
	if err != nil || base.Host == "" || (base.Scheme != "http" && base.Scheme != "https") {
		return nil, errors.New("language_model.base_url: write it like http://127.0.0.1:11434/v1")
	}
	if cfg.Model == "" {
		return nil, errors.New("language_model.model is empty: name the model that the server should use")
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = DefaultTimeout
	}
	settings := goopenai.DefaultConfig(cfg.Key)
	settings.BaseURL = strings.TrimRight(cfg.BaseURL, "/")
	settings.HTTPClient = carrier{withKey: cfg.Key != ""}
	return &Client{cfg: cfg, server: goopenai.NewClientWithConfig(settings)}, nil
}

// Name is the model's.
func (c *Client) Name() string { return c.cfg.Model }

// Answer asks for one JSON object. Its errors hold nothing of what was sent or
// came back: servers quote the prompt in theirs.
func (c *Client) Answer(ctx context.Context, instructions, text string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	answer, err := c.server.CreateChatCompletion(ctx, goopenai.ChatCompletionRequest{
		Model: c.cfg.Model, MaxCompletionTokens: maxTokens,
		ResponseFormat: &goopenai.ChatCompletionResponseFormat{Type: goopenai.ChatCompletionResponseFormatTypeJSONObject},
		Messages: []goopenai.ChatCompletionMessage{
			{Role: goopenai.ChatMessageRoleSystem, Content: instructions},
			{Role: goopenai.ChatMessageRoleUser, Content: text},
		},
	})
	if err != nil {
		return "", c.without(ctx, err)
	}
	if len(answer.Choices) == 0 || answer.Choices[0].Message.Content == "" {
		return "", errors.New("the language model gave an empty answer")
	}
	return answer.Choices[0].Message.Content, nil
}

// without is err without the words in it.
func (c *Client) without(ctx context.Context, err error) error {
	status := 0
	if e, ok := errors.AsType[*goopenai.APIError](err); ok {
		status = e.HTTPStatusCode
	} else if e, ok := errors.AsType[*goopenai.RequestError](err); ok {
		status = e.HTTPStatusCode
	}
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("the language model did not answer within %s: %w", c.cfg.Timeout, context.DeadlineExceeded)
	case ctx.Err() != nil:
		return ctx.Err()
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return fmt.Errorf("the language model's server refused with status %d: check language_model.key", status)
	case status == http.StatusNotFound:
		return fmt.Errorf("the language model's server refused with status %d: check language_model.base_url and language_model.model", status)
	case status >= http.StatusBadRequest:
		return fmt.Errorf("the language model's server refused with status %d", status)
	}
	if e, ok := errors.AsType[*url.Error](err); ok && !errors.Is(e.Err, io.ErrUnexpectedEOF) {
		return errors.New("the language model's server cannot be reached: check language_model.base_url")
	}
	return errors.New("the language model's server did not answer in the documented form")
}

// carrier sends requests and bounds what comes back.
type carrier struct{ withKey bool }

// Do implements goopenai.HTTPDoer.
func (c carrier) Do(req *http.Request) (*http.Response, error) {
	if !c.withKey {
		req.Header.Del("Authorization")
	}
	resp, err := http.DefaultClient.Do(req)
	if err == nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, maxAnswer), resp.Body}
	}
	return resp, err
}
