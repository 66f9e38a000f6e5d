package webrtc

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"time"

	pion "github.com/pion/webrtc/v4"

	"throughline/event"
	"throughline/ingest/calls"
	"throughline/problem"
)

// retryAfter is when who was refused for want of room may come again.
const retryAfter = 10 * time.Second

// opening is what a session is made of.
type opening struct {
	tenant string
	api    *pion.API
	offer  *offer
	text   string             // the offer, as the API is to see it
	track  pion.TrackLocal    // what we send; nil: nothing
	legs   []calls.LegOptions // of the audio sections, in order
	// call begins or joins the call, once the offer is known to be good.
	call func(ctx context.Context, id string) (*calls.Call, error)
}

// open answers an offer, and begins or joins its call. Errors are problems.
func (s *Server) open(ctx context.Context, o opening) (*Session, string, error) {
	began := time.Now()
	if !s.enter() {
		return nil, "", problem.Unavailable(retryAfter, "As many sessions as allowed are open, or the service stops.", nil)
	}
	pc, err := o.api.NewPeerConnection(pion.Configuration{})
	if err != nil {
		s.leave()
		return nil, "", err
	}
	c := newSession(s, rand.Text(), o.tenant, pc, o.offer)
	text, err := s.negotiate(ctx, c, o)
	if err != nil {
		_ = pc.Close() // the other error is the one that counts
		s.leave()
		return nil, "", err
	}
	if !s.keep(c) {
		c.finish(event.Failed, calls.ReasonStopped)
		return nil, "", problem.Unavailable(retryAfter, "The service stops.", calls.ErrStopping)
	}
	s.metrics.answered.Observe(time.Since(began).Seconds())
	return c, text, nil
}

func (s *Server) negotiate(ctx context.Context, c *Session, o opening) (string, error) {
	if o.track != nil {
		if _, err := c.pc.AddTransceiverFromTrack(o.track, pion.RTPTransceiverInit{Direction: pion.RTPTransceiverDirectionSendrecv}); err != nil {
			return "", err
		}
	}
	text, err := answer(ctx, c.pc, o.text)
	switch {
	case errors.Is(err, errNoAnswer), ctx.Err() != nil:
		return "", problem.Unavailable(retryAfter, "The offer was not answered in time.", err)
	case err != nil:
		p := problem.New(http.StatusBadRequest, "The offer cannot be read. It lacks what every WebRTC offer has: fingerprint, ICE credentials, a setup and a BUNDLE group.")
		p.Cause = err
		return "", p
	}
	formats, err := accepted(text)
	if err != nil {
		return "", err
	}
	call, err := o.call(ctx, c.id)
	if err != nil {
		return "", err
	}
	if err := c.join(call, formats, o.legs); err != nil {
		for _, leg := range c.legs {
			leg.Close("leg was refused")
		}
		call.Abandon("leg was refused")
		if _, told := errors.AsType[*problem.Problem](err); told {
			return "", err
		}
		p := problem.New(http.StatusConflict, "The call takes no more legs.")
		p.Cause = err
		return "", p
	}
	return text, nil
}

// begun turns an error of the door into a problem.
func begun(call *calls.Call, err error) (*calls.Call, error) {
	switch {
	case err == nil:
		return call, nil
	case errors.Is(err, calls.ErrBusy), errors.Is(err, calls.ErrStopping):
		return nil, problem.Unavailable(retryAfter, "No more calls are taken now.", err)
	case errors.Is(err, calls.ErrEnded):
		return nil, problem.New(http.StatusConflict, "The call has ended; begin another.")
	}
	return nil, err
}
