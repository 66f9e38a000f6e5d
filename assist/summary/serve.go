package summary

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"time"

	"throughline/problem"
)

// Maker makes summaries: an Extractor, or a Writer.
type Maker interface {
	Summarise(ctx context.Context, c Conversation) (Summary, error)
}

// ServerConfig says how summaries are asked for over HTTP.
type ServerConfig struct {
	Maker Maker
	// Interaction and Journey find what is to be summarised; what is not there
	// is a problem with status 404.
	Interaction, Journey func(ctx context.Context, tenant, id string) (Conversation, error)
	Tenant               func(context.Context) string // whose data a request may see
	Logger               *slog.Logger
}

// Server answers for summaries. They are made when they are asked for and kept
// nowhere: what is erased of the turns is gone from the next summary.
type Server struct {
	cfg     ServerConfig
	log     *slog.Logger
	running chan struct{}
}

// atOnce is how many summaries are made side by side; more are told to come back.
const atOnce = 8

// NewServer makes a Server.
func NewServer(cfg ServerConfig) *Server {
	return &Server{cfg: cfg, log: cfg.Logger.With("component", "summaries"), running: make(chan struct{}, atOnce)}
}

// Routes lists what the server answers.
func (s *Server) Routes() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"POST /v1/interactions/{id}/summary": s.answering(s.cfg.Interaction),
		"POST /v1/journeys/{id}/summary":     s.answering(s.cfg.Journey),
	}
}

// answering refuses what a page of another site has a browser send: on a machine
// without tokens nothing else would, and a language model may cost money.
func (s *Server) answering(find func(context.Context, string, string) (Conversation, error)) http.HandlerFunc {
	foreign := http.NewCrossOriginProtection()
	return func(w http.ResponseWriter, r *http.Request) {
		if foreign.Check(r) != nil {
			problem.Write(w, problem.New(http.StatusForbidden, "Pages of other sites may not ask for summaries."))
			return
		}
		select {
		case s.running <- struct{}{}:
			defer func() { <-s.running }()
		default:
			problem.Write(w, problem.Unavailable(2*time.Second, "Many summaries are being made; ask again.", nil))
			return
		}
		made, err := s.make(r, find)
		var body []byte
		if err == nil {
			body, err = json.Marshal(made)
		}
		if err != nil {
			if p := problem.Of(err); r.Context().Err() == nil {
				if p.Status >= http.StatusInternalServerError {
					s.log.Error("request failed", "route", r.Pattern, "status", p.Status, "error", p.Cause)
				}
				problem.Write(w, p)
			}
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write(append(body, '\n')) // the caller may be gone; there is nobody left to tell
	}
}

func (s *Server) make(r *http.Request, find func(context.Context, string, string) (Conversation, error)) (Summary, error) {
	c, err := find(r.Context(), s.cfg.Tenant(r.Context()), r.PathValue("id"))
	if err != nil {
		return Summary{}, err
	}
	made, err := s.cfg.Maker.Summarise(r.Context(), c)
	if err == nil && made.Refused != "" {
		s.log.Warn("the language model's summary is not used", "of", made.Of, "error", made.Refused)
	}
	return made, err
}
