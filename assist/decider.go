package assist

import (
	"errors"
	"log/slog"
	"time"

	"throughline/event"
)

// Decider decides as the stage does, with its memory and its deadlines, on a
// clock that the caller turns. It is for trying policies.
type Decider struct{ shard *shard }

// NewDecider makes one that begins at a moment and knows of nothing before.
func NewDecider(p *Policy, begins time.Time) *Decider {
	s := newShard(&Desk{configured: p, log: slog.New(slog.DiscardHandler)})
	s.opened = begins
	return &Decider{s}
}

// Decide gives what is to be done on one change of a journey. A rule that cannot
// be evaluated is an error here.
func (d *Decider) Decide(j event.Journey) ([]event.Message, error) {
	var failed []error
	msgs := d.shard.decide(j, func(made Decision) { failed = append(failed, made.Err()) })
	return msgs, errors.Join(failed...)
}

// Tick gives what is to be done because of the time alone.
func (d *Decider) Tick(now time.Time) []event.Message {
	d.shard.owes.forget(now)
	return d.shard.settle(d.shard.owes.expire(now))
}
