package assist

import (
	"context"
	"log/slog"
	"sync/atomic"

	"throughline/bus"
	"throughline/event"
)

// Config says which policy decides.
type Config struct {
	Policy string `yaml:"policy" doc:"path of the policy file; empty uses the one that is shipped"`

	Logger *slog.Logger `yaml:"-"` // nil: slog.Default()
}

// Desk holds the policy in force.
type Desk struct {
	policy atomic.Pointer[Policy]
	log    *slog.Logger
}

// NewDesk loads the configured policy.
func NewDesk(cfg Config) (*Desk, error) {
	p, err := LoadFile(cfg.Policy)
	if err != nil {
		return nil, err
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	d := &Desk{log: cfg.Logger.With("component", "assist")}
	d.policy.Store(p)
	return d, nil
}

// Stage decides on each change of a journey.
func (d *Desk) Stage() bus.Stage {
	return bus.Stage{
		Name: "assist",
		In:   []bus.Input{bus.With(event.Journeys().Source, (*shard).decide)},
		Out:  []event.Spec{event.Alerts().Spec, event.Suggestions().Spec},
		Open: d.open,
	}
}

// shard remembers what was decided for the customers of one partition, so that
// "once" holds over restarts. Its memory is the topics it writes.
type shard struct {
	desk    *Desk
	decided map[string]struct{} // ids without their first letter
}

func (d *Desk) open(ctx context.Context, b *bus.Bus, partition int) (any, error) {
	s := &shard{desk: d, decided: map[string]struct{}{}}
	if _, err := bus.Replay(ctx, b, event.Alerts().Source, partition, func(r bus.Record[event.Alert]) error {
		s.note(r.Value.ID)
		return nil
	}); err != nil {
		return nil, err
	}
	_, err := bus.Replay(ctx, b, event.Suggestions().Source, partition, func(r bus.Record[event.Suggestion]) error {
		s.note(r.Value.ID)
		return nil
	})
	return s, err
}

func (s *shard) note(id string) {
	if len(id) > 1 {
		s.decided[id[1:]] = struct{}{}
	}
}

func (s *shard) decide(ctx context.Context, j event.Journey) ([]event.Message, error) {
	var out []event.Message
	for _, d := range s.desk.policy.Load().Decide(j) {
		if err := d.Err(); err != nil {
			s.desk.log.WarnContext(ctx, "a rule could not be evaluated", "rule", d.Rule, "journey", j.ID, "error", err)
			continue
		}
		if _, done := s.decided[d.id[1:]]; done {
			continue
		}
		s.note(d.id)
		if d.Alert != nil {
			out = append(out, event.Alerts().Message(*d.Alert))
		}
		if d.Suggestion != nil {
			out = append(out, event.Suggestions().Message(*d.Suggestion))
		}
	}
	return out, nil
}
