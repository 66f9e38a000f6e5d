package outgoing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// result is what came of one request.
type result string

const (
	accepted result = "accepted" // 2xx
	refused  result = "refused"  // no retry can heal it
	failed   result = "failed"   // later, perhaps
	held     result = "held"     // 429: the target is well and wants a pause
	gone     result = "gone"     // 410: no more, ever
)

// verdict is a result with what the target asked for and said.
type verdict struct {
	result     result
	retryAfter time.Duration
	err        error // nil: accepted. It names no address, which may be a secret
	answered   bool  // there was an answer, however bad
}

// attempt sends n once. What a target answers is read up to maxAnswer only.
func (t *target) attempt(ctx context.Context, n Notice, now time.Time) verdict {
	body, err := t.encode(n)
	if err != nil {
		return verdict{result: refused, err: err}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.URL, bytes.NewReader(body))
	if err != nil {
		return verdict{result: refused, err: errors.New("url is not an address")}
	}
	for name, value := range t.Headers {
		req.Header.Set(name, value)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Throughline/1")
	req.Header.Set(headerID, n.ID)
	req.Header.Set(headerTimestamp, strconv.FormatInt(now.Unix(), 10))
	if len(t.keys) > 0 {
		req.Header.Set(headerSignature, sign(t.keys, n.ID, now, body))
	}
	resp, err := t.client.Do(req)
	if err != nil {
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err // without the address
		}
		return verdict{result: failed, err: err}
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer)) // so that the connection can be used again
	return judge(resp, answer, now)
}

const maxAnswer = 64 << 10

func judge(resp *http.Response, answer []byte, now time.Time) verdict {
	v := verdict{answered: true, result: refused}
	switch code := resp.StatusCode; {
	case code >= 200 && code < 300:
		return verdict{answered: true, result: accepted}
	case code >= 300 && code < 400:
		v.result = failed
		v.err = fmt.Errorf("answered %d: redirects are not followed, set url to where it points", code)
		return v
	case code == http.StatusGone:
		v.result = gone
	case code == http.StatusTooManyRequests:
		v.result, v.retryAfter = held, max(retryAfter(resp.Header, now), time.Second)
	case code == http.StatusRequestTimeout, code == http.StatusTooEarly, code >= 500, code < 200:
		v.result, v.retryAfter = failed, retryAfter(resp.Header, now)
	}
	v.err = fmt.Errorf("answered %d", resp.StatusCode)
	if word := codeword(answer); word != "" {
		v.err = fmt.Errorf("answered %d: %s", resp.StatusCode, word)
	}
	return v
}

// retryAfter reads seconds or a date (RFC 9110 §10.2.3).
func retryAfter(h http.Header, now time.Time) time.Duration {
	s := h.Get("Retry-After")
	if n, err := strconv.Atoi(s); err == nil && n > 0 {
		return time.Duration(min(n, int(mostRetryAfter/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(s); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

var word = regexp.MustCompile(`^[a-z][a-z_]{2,39}$`)

// codeword is an answer that is one error code, as Slack gives it
// (invalid_payload, channel_is_archived). Any other answer may quote what was sent.
func codeword(answer []byte) string {
	s := strings.TrimSpace(string(answer[:min(len(answer), 64)]))
	if !word.MatchString(s) {
		return ""
	}
	return s
}
