package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// How the courier behaves, as a well-behaved provider does.
const (
	inFlight   = 8 // requests at once
	spacing    = 4 * time.Millisecond
	firstWait  = 250 * time.Millisecond
	longestTry = 10 * time.Second // for one attempt, and between two
)

// courier carries requests to Throughline. What is answered 503, 429, or not at
// all, it carries again, after as long as it was asked to wait: ids make sure
// that it has one effect. It is safe for concurrent use.
type courier struct {
	base     string
	token    string
	client   *http.Client
	slots    chan struct{}
	tick     *time.Ticker
	patience time.Duration // until a request that nobody takes is given up; 0: as long as ctx lasts
	ledger   func() *ledger
}

func newCourier(base, token string, patience time.Duration, l func() *ledger) *courier {
	return &courier{base: base, token: token, patience: patience, ledger: l, client: &http.Client{Timeout: longestTry},
		slots: make(chan struct{}, inFlight), tick: time.NewTicker(spacing)}
}

// refusal is an answer that no retry will change. It carries why, as the service
// tells it (RFC 9457), and the fields that it names, which hold nobody's words.
type refusal struct {
	Status int
	Title  string `json:"title"`
	Detail string `json:"detail"`
	Errors []struct {
		Pointer string `json:"pointer"`
		Detail  string `json:"detail"`
	} `json:"errors"`
}

func (r *refusal) Error() string {
	s := strings.TrimSpace(fmt.Sprintf("answered %d %s %s", r.Status, r.Title, r.Detail))
	for _, e := range r.Errors {
		s += "; " + e.Pointer + " " + e.Detail
	}
	return s
}

// carry sends body and returns what was answered with 2xx. Headers are pairs.
func (c *courier) carry(ctx context.Context, method, path string, body []byte, headers ...string) ([]byte, error) {
	if c.patience > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.patience)
		defer cancel()
	}
	for wait := firstWait; ; wait = min(2*wait, longestTry) {
		answer, after, err := c.try(ctx, method, path, body, headers)
		if err == nil {
			return answer, nil
		}
		if _, final := errors.AsType[*refusal](err); final || ctx.Err() != nil {
			c.ledger().count(func(n *counts) { n.Refused++ })
			route, _, _ := strings.Cut(path, "?") // what stands behind it may be a token
			return nil, fmt.Errorf("%s %s: %w", method, route, err)
		}
		c.ledger().count(func(n *counts) { n.Retried++ })
		select {
		case <-time.After(max(after, wait)):
		case <-ctx.Done():
		}
	}
}

// try sends once. After says how long the service asked to be left alone.
func (c *courier) try(ctx context.Context, method, path string, body []byte, headers []string) (answer []byte, after time.Duration, err error) {
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return nil, 0, ctx.Err()
	}
	select {
	case <-c.tick.C:
	case <-ctx.Done():
		return nil, 0, ctx.Err()
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, 0, &refusal{Title: "the address is wrong"}
	}
	if len(body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	c.ledger().count(func(n *counts) { n.Requests++ })
	resp, err := c.client.Do(req)
	if u, ok := errors.AsType[*url.Error](err); ok {
		return nil, 0, u.Err // without the address, which may hold a token
	}
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	if answer, err = io.ReadAll(io.LimitReader(resp.Body, 1<<20)); err != nil {
		return nil, 0, err
	}
	switch {
	case resp.StatusCode/100 == 2:
		return answer, 0, nil
	case resp.StatusCode == http.StatusServiceUnavailable, resp.StatusCode == http.StatusTooManyRequests, resp.StatusCode == http.StatusBadGateway:
		return nil, retryAfter(resp.Header.Get("Retry-After")), fmt.Errorf("answered %d", resp.StatusCode)
	}
	r := refusal{Status: resp.StatusCode}
	_ = json.Unmarshal(answer, &r) // a refusal need not be a problem document
	return nil, 0, &r
}

// retryAfter reads seconds (RFC 9110 §10.2.3), and no more than one attempt's worth.
func retryAfter(header string) time.Duration {
	n, err := strconv.Atoi(header)
	if err != nil || n < 0 {
		return 0
	}
	return min(time.Duration(n)*time.Second, longestTry)
}
