package webrtc

import (
	"context"
	"net/http"

	"throughline/problem"
)

// trickle takes a fragment. Candidates are not needed, for the publisher's checks
// show where it is; other credentials restart ICE, and our fragment is the answer.
func (c *Session) trickle(ctx context.Context, match string, f fragment) (ours, etag string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	any := match == "*" || match == `"*"` // RFC 9725 shows it in quotes, RFC 9110 without
	same := f.ufrag == c.offer.ufrag
	switch {
	case !any && match != c.etag, !any && !same:
		return "", "", problem.New(http.StatusPreconditionFailed, "The fragment is of another ICE session than the one going on.")
	case same:
		return "", c.etag, nil
	}
	o, err := c.offer.restarted(f.ufrag, f.pwd)
	if err != nil {
		return "", "", err
	}
	text, err := answer(ctx, c.pc, withoutCandidates(o.text))
	if err != nil {
		p := problem.New(http.StatusConflict, "ICE cannot be restarted now; publish anew.")
		p.Cause = err
		return "", "", p
	}
	if ours, err = answerFragment(text); err != nil {
		return "", "", err
	}
	c.offer, c.etag = o, newTag()
	c.server.metrics.restarts.Inc()
	return ours, c.etag, nil
}
