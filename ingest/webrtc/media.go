package webrtc

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/sdp/v3"
	pion "github.com/pion/webrtc/v4"

	"throughline/media/codec"
)

// quietAfter is how long pion waits before it calls a connection disconnected.
// Browsers check theirs every 2.5 s or so, and must within 30 s (RFC 7675 §5.1).
const quietAfter = 5 * time.Second

// agent is what sets the two sorts of ICE agent apart.
type agent struct {
	lite     bool
	loopback bool
}

// newAPI makes connections that hear audio alone, on the port of mux.
func newAPI(cfg Config, mux ice.UDPMux, a agent) (*pion.API, error) {
	var settings pion.SettingEngine
	settings.LoggerFactory = loggers{cfg.Logger}
	settings.SetICEUDPMux(mux)
	settings.SetLite(a.lite)
	settings.SetNetworkTypes([]pion.NetworkType{pion.NetworkTypeUDP4, pion.NetworkTypeUDP6})
	settings.SetIncludeLoopbackCandidate(a.loopback)
	// Names of browsers' hidden addresses are not looked up: they come to us.
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	quiet := min(quietAfter, cfg.Grace/2)
	settings.SetICETimeouts(quiet, cfg.Grace-quiet, 2*time.Second)
	if len(cfg.Addresses) > 0 {
		if err := settings.SetICEAddressRewriteRules(pion.ICEAddressRewriteRule{
			External: cfg.Addresses, AsCandidateType: pion.ICECandidateTypeHost, Mode: pion.ICEAddressRewriteReplace}); err != nil {
			return nil, fmt.Errorf("webrtc addresses: %w", err)
		}
	}
	if !a.lite {
		// An ICE-lite platform waits for the ClientHello although it offers actpass;
		// pion would wait for it, too.
		if err := settings.SetAnsweringDTLSRole(pion.DTLSRoleClient); err != nil {
			return nil, fmt.Errorf("webrtc dtls role: %w", err)
		}
	}
	codecs, err := newCodecs()
	if err != nil {
		return nil, err
	}
	reports := &interceptor.Registry{}
	receiver, err := report.NewReceiverInterceptor()
	if err != nil {
		return nil, fmt.Errorf("webrtc reports: %w", err)
	}
	sender, err := report.NewSenderInterceptor()
	if err != nil {
		return nil, fmt.Errorf("webrtc reports: %w", err)
	}
	reports.Add(receiver)
	reports.Add(sender)
	return pion.NewAPI(pion.WithSettingEngine(settings), pion.WithMediaEngine(codecs), pion.WithInterceptorRegistry(reports)), nil
}

// telephoneEvent is the media type of key presses (RFC 4733), which are counted and
// never kept.
const telephoneEvent = "audio/telephone-event"

// newCodecs lists what is heard, best first. Nothing of video is: pion then
// refuses its m-lines with port zero. No codec has parameters: pion takes one
// whose parameters differ for a lesser match, and drops those where another codec
// matches in full, so that telephone-event would drive out Opus.
func newCodecs() (*pion.MediaEngine, error) {
	m := &pion.MediaEngine{}
	for _, c := range [...]pion.RTPCodecParameters{
		{PayloadType: 111, RTPCodecCapability: pion.RTPCodecCapability{MimeType: pion.MimeTypeOpus, ClockRate: 48000, Channels: 2}},
		{PayloadType: 9, RTPCodecCapability: pion.RTPCodecCapability{MimeType: pion.MimeTypeG722, ClockRate: 8000}},
		{PayloadType: 0, RTPCodecCapability: pion.RTPCodecCapability{MimeType: pion.MimeTypePCMU, ClockRate: 8000}},
		{PayloadType: 8, RTPCodecCapability: pion.RTPCodecCapability{MimeType: pion.MimeTypePCMA, ClockRate: 8000}},
		{PayloadType: 110, RTPCodecCapability: pion.RTPCodecCapability{MimeType: telephoneEvent, ClockRate: 48000}},
		{PayloadType: 126, RTPCodecCapability: pion.RTPCodecCapability{MimeType: telephoneEvent, ClockRate: 8000}},
	} {
		if err := m.RegisterCodec(c, pion.RTPCodecTypeAudio); err != nil {
			return nil, fmt.Errorf("webrtc codecs: %w", err)
		}
	}
	return m, nil
}

// errNoAnswer says that pion made no answer in time.
var errNoAnswer = errors.New("no answer in time")

// gatherWithin bounds the wait for our candidates, which on one known port is none.
const gatherWithin = 2 * time.Second

// answer has pc answer an offer, with all our candidates.
func answer(ctx context.Context, pc *pion.PeerConnection, text string) (string, error) {
	if err := pc.SetRemoteDescription(pion.SessionDescription{Type: pion.SDPTypeOffer, SDP: text}); err != nil {
		return "", fmt.Errorf("take offer: %w", err)
	}
	a, err := pc.CreateAnswer(nil)
	if err != nil {
		return "", fmt.Errorf("make answer: %w", err)
	}
	gathered := pion.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(a); err != nil {
		return "", fmt.Errorf("make answer: %w", err)
	}
	t := time.NewTimer(gatherWithin)
	defer t.Stop()
	select {
	case <-gathered:
	case <-t.C:
		return "", errNoAnswer
	case <-ctx.Done():
		return "", ctx.Err()
	}
	return pc.LocalDescription().SDP, nil
}

// accepted are the payload types of each section that an answer accepts, by mid.
func accepted(answer string) (map[string]codec.PayloadTypes, error) {
	var d sdp.SessionDescription
	if err := d.UnmarshalString(answer); err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	all := map[string]codec.PayloadTypes{}
	for _, m := range d.MediaDescriptions {
		if m.MediaName.Port.Value == 0 {
			continue
		}
		mid, _ := m.Attribute(sdp.AttrKeyMID)
		all[mid] = formatsOf(m)
	}
	return all, nil
}
