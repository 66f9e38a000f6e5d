package webrtc

import (
	"context"
	"fmt"
	"time"

	pion "github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"

	"throughline/ingest/calls"
)

// Offered is a call whose offer came by a signalling other than WHIP, such as the
// webhooks of the WhatsApp Business Calling API.
type Offered struct {
	Call calls.Description
	Leg  calls.LegOptions // who speaks to us
	SDP  string           // the offer, with an ICE-lite platform's candidates
}

// Answer takes such a call. The platform is ICE-lite, so that we send the checks
// and the ClientHello (setup:active), to the addresses that the offer names: it
// must come from a platform that is trusted. We send silence from the first
// moment, since platforms take one that sends nothing for gone. The answer holds
// all our candidates; it is for the platform's signalling to deliver.
func (s *Server) Answer(ctx context.Context, in Offered) (string, *Session, error) {
	o, err := readOffer(in.SDP)
	if err != nil {
		return "", nil, err
	}
	if !o.lite {
		return "", nil, unacceptable("It has no a=ice-lite: a platform that sends checks of its own publishes by WHIP.")
	}
	track, err := pion.NewTrackLocalStaticSample(pion.RTPCodecCapability{MimeType: pion.MimeTypeOpus, ClockRate: 48000, Channels: 2}, "audio", "throughline")
	if err != nil {
		return "", nil, fmt.Errorf("answer call: %w", err)
	}
	c, text, err := s.open(ctx, opening{tenant: in.Call.Tenant, api: s.full, offer: o, text: o.text, track: track, legs: []calls.LegOptions{in.Leg},
		call: func(ctx context.Context, _ string) (*calls.Call, error) { return begun(s.door.Begin(ctx, in.Call)) }})
	if err != nil {
		return "", nil, err
	}
	if c.listen() {
		go c.sendSilence(track)
	}
	return text, c, nil
}

const silenceEvery = 20 * time.Millisecond

// sendSilence sends frames of silence until the session is over.
func (c *Session) sendSilence(track *pion.TrackLocalStaticSample) {
	defer c.busy.Done()
	// One CELT frame of 20 ms without sound (RFC 6716 §3.1: configuration 31).
	silence := media.Sample{Data: []byte{0xf8, 0xff, 0xfe}, Duration: silenceEvery}
	t := time.NewTicker(silenceEvery)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			_ = track.WriteSample(silence) // until the track is bound it goes nowhere
		case <-c.over:
			return
		}
	}
}
