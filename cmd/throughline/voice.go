package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"throughline/bus"
	"throughline/governance/access"
	"throughline/ingest"
	"throughline/ingest/audiohook"
	"throughline/ingest/calls"
	"throughline/ingest/recordings"
	"throughline/ingest/rtp"
	"throughline/ingest/siprec"
	"throughline/ingest/twilio"
	"throughline/ingest/webrtc"
)

// voiceSettings are the doors for calls; each belongs to its package.
type voiceSettings struct {
	Calls      calls.Config      `yaml:"calls"`
	SIPREC     siprec.Config     `yaml:"siprec"`
	RTP        rtp.Config        `yaml:"rtp"`
	Legs       rtp.LegsConfig    `yaml:"rtp_legs"`
	WebRTC     webrtc.Config     `yaml:"webrtc"`
	Twilio     twilio.Config     `yaml:"twilio"`
	AudioHook  audiohook.Config  `yaml:"audiohook"`
	Recordings recordings.Config `yaml:"recordings"`
}

// answerWithin is how long calls may wait for what is known of them when the
// process starts. A peer repeats its INVITE for 32 s (RFC 3261 §17.1.1.2).
const answerWithin = 3 * time.Second

// startCalls opens every door for calls. Doors that need a secret of their own
// stay shut until one is configured.
func (h *house) startCalls(life *lifecycle, b *bus.Bus, door *ingest.Door, sessions *ingest.Sessions, mux *http.ServeMux) error {
	s := &h.settings.Voice
	tenant := func(*http.Request) string { return access.DefaultTenant }
	withToken := h.guard.Require(access.Source, access.Agent)
	ended := func(id string) bool { i, known := sessions.Find(id); return known && i.Ended }
	all, err := calls.New(s.Calls, calls.Parts{Gate: h.gate, Consents: h.ledger, Bus: b, Tenant: access.Tenant, Ended: ended, Metrics: h.registry, Logger: h.log})
	if err != nil {
		return err
	}
	life.start(service{name: "calls", run: func(ctx context.Context) error {
		recovered := make(chan error, 1)
		go func() { recovered <- all.Recover(ctx, b) }()
		err := all.Run(ctx)
		if rerr := <-recovered; !errors.Is(rerr, context.Canceled) {
			err = errors.Join(err, rerr)
		}
		return err
	}})

	for route, handler := range map[string]ingest.Handler{
		"POST /v1/calls/{interaction}/pause":       all.PauseCall,
		"POST /v1/calls/{interaction}/unpause":     all.UnpauseCall,
		"GET /v1/calls/{interaction}/legs":         all.CallLegs,
		"PATCH /v1/calls/{interaction}/legs/{leg}": all.CorrectLeg,
	} {
		mux.Handle(route, withToken(door.Wrap(route, handler)))
	}

	ports, err := rtp.NewPorts(s.RTP, h.registry, h.log)
	if err != nil {
		return err
	}
	s.Legs.Tenant = access.Tenant
	legs, err := rtp.NewLegs(s.Legs, all, ports, h.log)
	if err != nil {
		return err
	}
	life.start(service{name: "rtp", run: legs.Run})
	mux.Handle("POST /v1/rtp/legs", withToken(door.Wrap("POST /v1/rtp/legs", legs.Create)))
	mux.Handle("DELETE /v1/rtp/legs/{id}", withToken(door.Wrap("DELETE /v1/rtp/legs/{id}", legs.Delete)))

	sip, err := siprec.New(s.SIPREC, siprec.Parts{Door: all, Ports: ports, Metrics: h.registry, Logger: h.log})
	if err != nil {
		return unlistened(err)
	}
	h.recorder = sip.Addr("tcp")
	life.start(service{name: "siprec", run: func(ctx context.Context) error {
		// Whoever repeats an INVITE until we are back is answered when it is known what
		// had ended. Where Kafka is away that stays unknown, and the answer comes first.
		select {
		case <-sessions.Ready():
		case <-time.After(answerWithin):
		case <-ctx.Done():
		}
		return sip.Run(ctx)
	}})

	s.WebRTC.Access = h.guard.ForPages().Require(access.Source, access.Agent) // it knows which, and takes application/sdp only
	s.WebRTC.Tenant, s.WebRTC.Metrics, s.WebRTC.Logger = access.Tenant, h.registry, h.log
	whip, err := webrtc.New(s.WebRTC, all)
	if err != nil {
		return unlistened(err)
	}
	whip.Routes(mux)
	life.start(service{name: "webrtc", run: whip.Run})

	s.Recordings.Tenant, s.Recordings.Metrics, s.Recordings.Logger = access.Tenant, h.registry, h.log
	files, err := recordings.New(s.Recordings, all)
	if err != nil {
		return err
	}
	inside := http.NewServeMux()
	files.Routes(inside)
	mux.Handle("POST "+recordings.Path, withToken(inside))

	if s.Twilio.Wanted() {
		s.Twilio.Tenant, s.Twilio.Metrics, s.Twilio.Logger = tenant, h.registry, h.log
		streams, err := twilio.New(s.Twilio, all)
		if err != nil {
			return err
		}
		streams.Routes(mux)
		life.start(service{name: "twilio", run: streams.Run})
	}
	if len(s.AudioHook.Clients) > 0 {
		s.AudioHook.Tenant, s.AudioHook.Metrics, s.AudioHook.Logger = tenant, h.registry, h.log
		if back := s.AudioHook.SendBack; back == audiohook.SendFinals || back == audiohook.SendPartials {
			feed := audiohook.NewFeed(back == audiohook.SendPartials, h.registry)
			s.AudioHook.Transcripts = feed.Transcripts
			life.start(service{name: "transcripts", run: func(ctx context.Context) error { return feed.Run(ctx, b) }})
		}
		hooks, err := audiohook.New(s.AudioHook, all)
		if err != nil {
			return err
		}
		hooks.Routes(mux)
		life.start(service{name: "audiohook", run: hooks.Run})
	}
	return nil
}

// startTranscriber works the speech engine and the stage that feeds it. Where
// this machine cannot transcribe, audio waits in Kafka for one that can.
func (h *house) startTranscriber(life *lifecycle, b *bus.Bus) {
	life.start(service{name: "speech", run: h.speech.Run})
	if ok, _ := h.speech.Enabled(); ok {
		st := h.speech.Stage()
		life.start(service{name: st.Name, run: func(ctx context.Context) error { return b.Run(ctx, st) }})
	}
}
