package transcribe

import (
	"context"
	"time"

	"throughline/bus"
	"throughline/event"
	"throughline/governance"
)

// Stage hears the audio of calls and writes what is said, and how the call goes.
// What is said is known only after its audio was handled, so each partition
// publishes by itself, and offsets are committed up to what is settled.
func (t *Transcriber) Stage() bus.Stage {
	return bus.Stage{
		Name: "transcribe",
		In:   []bus.Input{bus.Batch(event.Audio().Source, (*shard).hear)},
		Out: []event.Spec{
			governance.Turns().Spec, governance.PartialTurns().Spec, event.Interactions().Spec,
			event.Consents().Spec, event.Audits().Spec,
		},
		Open: func(ctx context.Context, b *bus.Bus, partition int) (any, error) {
			return t.open(ctx, b, partition), nil
		},
		Needs: func(state any, _ string) (int64, bool) { return state.(*shard).needs() },
		Tick: func(_ context.Context, state any, now time.Time) ([]event.Message, error) {
			return state.(*shard).tick(now), nil
		},
		TickEvery: 500 * time.Millisecond,
		MaxBatch:  32, // a full leg makes the handler wait, and what is done is noted after a batch
	}
}
