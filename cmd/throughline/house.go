package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"throughline/assist"
	"throughline/assist/llm"
	brokers "throughline/bus/embedded"
	"throughline/governance"
	"throughline/governance/access"
	"throughline/nlp/floor"
	"throughline/outgoing"
	"throughline/transcribe"
)

// The roles a process may take. Each is a set of stages, or a set of doors.
var roles = []string{"ingest", "transcribe", "nlp", "journey", "assist", "outgoing", "patterns", "sink", "dashboards"}

// house is everything that can be made, and so be wrong, before anything runs.
type house struct {
	settings *settings
	roles    []string
	log      *slog.Logger
	registry *prometheus.Registry

	broker *brokers.Broker // the embedded one; nil: brokers are configured

	guard  *access.Guard
	ledger *governance.Ledger
	gate   *governance.Gate
	read   *understanding
	desk   *assist.Desk
	model  *llm.Client // nil: no language model is asked
	teller *outgoing.Teller

	recorder string                  // where the recording server takes calls over TCP, once it listens
	speech   *transcribe.Transcriber // nil: calls are transcribed elsewhere
}

func newHouse(s *settings, taken []string) (*house, error) {
	h := &house{settings: s, roles: taken, registry: prometheus.NewRegistry()}
	for _, r := range h.roles {
		if !slices.Contains(roles, r) {
			return nil, fmt.Errorf("--roles: %q is not a role: use %s", r, strings.Join(roles, ", "))
		}
	}
	if err := s.check(h.roles); err != nil {
		return nil, err
	}
	var err error
	if h.log, err = newLogger(s.Log); err != nil {
		return nil, err
	}
	h.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if h.guard, err = access.New(s.Access); err != nil {
		return nil, err
	}
	if err := h.guard.CheckListen(s.HTTP.Listen); err != nil {
		return nil, err
	}
	h.ledger = governance.NewLedger(s.Governance)
	if h.gate, err = governance.NewGate(s.Governance, h.ledger); err != nil {
		return nil, err
	}
	if h.takes("transcribe") {
		if h.speech, err = transcribe.New(s.Transcribe, transcribe.Parts{Gate: h.gate, Metrics: h.registry, Logger: h.log}); err != nil {
			return nil, err
		}
	}
	if h.takes("nlp") {
		if !slices.Contains([]string{readAuto, readFloor, readEncoder}, s.NLP.Model) {
			return nil, fmt.Errorf("nlp.model is %q: use auto, floor or encoder", s.NLP.Model)
		}
		reader, err := floor.Open()
		if err != nil {
			return nil, fmt.Errorf("nlp: %w", err)
		}
		if h.read, err = newUnderstanding(context.Background(), s.NLP, reader); err != nil {
			return nil, fmt.Errorf("nlp: %w", err)
		}
	}
	if h.takes("journey") {
		if err := s.Journey.Check(); err != nil {
			return nil, err
		}
	}
	if h.takes("patterns") {
		if err := s.Patterns.Check(); err != nil {
			return nil, err
		}
	}
	if h.takes("assist") || h.takes("dashboards") { // who decides, and who is asked for the policy
		s.Assist.Logger = h.log
		if h.takes("outgoing") {
			s.Assist.Targets = s.Outgoing.Names()
		}
		if h.desk, err = assist.NewDesk(s.Assist); err != nil {
			return nil, err
		}
	}
	if h.model, err = llm.New(s.Model); err != nil {
		return nil, err
	}
	if h.takes("outgoing") {
		s.Outgoing.Metrics, s.Outgoing.Logger = h.registry, h.log
		if h.teller, err = outgoing.New(s.Outgoing); err != nil {
			return nil, err
		}
	}
	return h, nil
}

func (h *house) takes(role string) bool { return slices.Contains(h.roles, role) }

func newLogger(s logSettings) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.Level)); err != nil {
		return nil, fmt.Errorf("log.level is %q: use debug, info, warn or error", s.Level)
	}
	options := &slog.HandlerOptions{Level: level}
	switch s.Format {
	case "text":
		return slog.New(slog.NewTextHandler(os.Stderr, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(os.Stderr, options)), nil
	}
	return nil, fmt.Errorf("log.format is %q: use text or json", s.Format)
}
