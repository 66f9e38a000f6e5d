package journey

import (
	"context"
	"time"

	"throughline/bus"
	"throughline/event"
)

// Stage follows journeys. It reads what customers and agents say, what becomes
// of interactions, who is who, what people allow and how policy tags, and writes
// each journey's state. What a merged customer did goes to the shard of the one
// it became, as parts that this stage writes and reads.
func Stage(cfg Config) bus.Stage {
	return bus.Stage{
		Name: "journey",
		In: []bus.Input{
			bus.With(event.AnalysedTurns().Source, (*Shard).Turn),
			bus.With(event.Interactions().Source, (*Shard).Change),
			bus.With(event.Identities().Source, (*Shard).Identity),
			bus.With(event.Consents().Source, (*Shard).Consent),
			bus.With(event.JourneyParts().Source, (*Shard).Part),
			bus.With(event.Alerts().Source, (*Shard).Tagged),
		},
		Out: []event.Spec{event.Journeys().Spec, event.JourneyParts().Spec, event.Consents().Spec},
		Open: func(ctx context.Context, b *bus.Bus, partition int) (any, error) {
			return restore(ctx, b, cfg, partition)
		},
		Tick: func(ctx context.Context, state any, now time.Time) ([]event.Message, error) {
			return state.(*Shard).Tick(ctx, now)
		},
		TickEvery: 10 * time.Second,
	}
}

// restore makes the shard of a partition from the compacted topics.
func restore(ctx context.Context, b *bus.Bus, cfg Config, partition int) (*Shard, error) {
	s, err := OpenShard(cfg)
	if err != nil {
		return nil, err
	}
	if _, err := bus.Replay(ctx, b, event.Source[remembered]{Spec: event.Journeys().Spec}, partition, func(r bus.Record[remembered]) error {
		s.Restore(r.Key, r.Value.journey(), r.Deleted)
		return nil
	}); err != nil {
		return nil, err
	}
	if _, err := bus.Replay(ctx, b, event.Identities().Source, partition, func(r bus.Record[event.Identity]) error {
		if !r.Deleted {
			s.RestoreIdentity(r.Value)
		}
		return nil
	}); err != nil {
		return nil, err
	}
	if _, err := bus.Replay(ctx, b, event.Consents().Source, partition, func(r bus.Record[event.Consent]) error {
		s.RestoreConsent(r.Key, r.Value, r.Deleted)
		return nil
	}); err != nil {
		return nil, err
	}
	if _, err := bus.Replay(ctx, b, event.JourneyParts().Source, partition, func(r bus.Record[event.Part]) error {
		if !r.Deleted {
			s.RestorePart(r.Value)
		}
		return nil
	}); err != nil {
		return nil, err
	}
	s.Begin(time.Now())
	return s, nil
}
