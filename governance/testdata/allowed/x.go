// Package x publishes a turn as everybody must. It compiles.
package x

import (
	"context"

	"throughline/event"
	"throughline/governance"
)

// Publish clears a turn and pairs it with its topic.
func Publish(ctx context.Context, g *governance.Gate, raw event.Turn) (event.Message, error) {
	v, err := g.Turn(ctx, raw)
	return governance.Turns().Message(v.Cleared), err
}
