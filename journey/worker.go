package journey

import (
	"context"
	"time"

	"throughline/bus"
	"throughline/event"
	"throughline/journey/score"
)

// Stage follows journeys. It reads what customers and agents say and what
// becomes of interactions, and writes each journey's state.
func Stage(cfg Config) bus.Stage {
	cfg = cfg.withDefaults()
	return bus.Stage{
		Name: "journey",
		In: []bus.Input{
			bus.With(event.AnalysedTurns().Source, (*Shard).Turn),
			bus.With(event.Interactions().Source, (*Shard).Change),
		},
		Out: []event.Spec{event.Journeys().Spec},
		Open: func(ctx context.Context, b *bus.Bus, partition int) (any, error) {
			scores, err := score.Open(cfg.Scores)
			if err != nil {
				return nil, err
			}
			s := NewShard(cfg)
			s.scores = scores
			_, err = bus.Replay(ctx, b, event.Journeys().Source, partition, func(r bus.Record[event.Journey]) error {
				s.Restore(r.Key, r.Value, r.Deleted)
				return nil
			})
			return s, err
		},
		Tick: func(ctx context.Context, state any, now time.Time) ([]event.Message, error) {
			return state.(*Shard).Tick(ctx, now)
		},
		TickEvery: 10 * time.Second,
	}
}
