package calls

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"throughline/bus"
	"throughline/event"
)

// Recover reads the interactions back and finds the calls that this node left
// open when its process died. Whoever is not heard of again within ResumeWithin
// is ended as failed; a call whose source begins it again goes on. It returns
// when all of that is done, and may run while calls are taken.
func (d *Door) Recover(ctx context.Context, b *bus.Bus) error {
	var left map[string]event.Interaction
	err := d.insist(ctx, func() (err error) {
		left, err = d.leftOpen(ctx, b)
		return err
	})
	if err != nil {
		return fmt.Errorf("recover calls: %w", err)
	}
	d.mu.Lock()
	for id, i := range left {
		if c := d.calls[id]; c != nil {
			if c.taken.After(i.Received) { // it came back while this was being read
				c.resume(i)
			}
		} else if _, ended := d.ended[id]; !ended {
			d.left[id] = i
		}
	}
	waiting := len(d.left)
	d.mu.Unlock()
	if waiting == 0 {
		return nil
	}
	d.log.Warn("calls were left open by the process before", "calls", waiting)
	select {
	case <-time.After(d.cfg.ResumeWithin):
	case <-ctx.Done():
		return ctx.Err()
	}
	return d.failLeft(ctx)
}

// insist tries something until Kafka lets it be done: a call that is not found now,
// or whose end is not stored, would hang.
func (d *Door) insist(ctx context.Context, do func() error) error {
	for pause := firstPause; ; pause = min(2*pause, longPause) {
		err := do()
		if err == nil || ctx.Err() != nil || bus.IsPermanent(err) {
			return err
		}
		d.log.Warn("calls left open are not ended yet", "error", err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// failLeft ends the calls that did not come back.
func (d *Door) failLeft(ctx context.Context) error {
	d.mu.Lock()
	var ends []event.Message
	now := d.now()
	for id, i := range d.left {
		delete(d.left, id)
		again := i.Attrs["source"] == SourceRecording
		if !again {
			d.ended[id] = now
		}
		d.metrics.finished.WithLabelValues(i.Attrs["source"], string(event.Failed)).Inc()
		ends = append(ends, d.clear(event.Interaction{ID: endID(id, event.Failed, again), Tenant: i.Tenant, Customer: i.Customer, Interaction: id,
			Channel: event.Voice, Change: event.Failed, At: now, Received: now, Reason: ReasonProcessEnded,
			Direction: i.Direction, Handle: i.Handle, Account: i.Account, Role: event.System}))
	}
	d.mu.Unlock()
	if len(ends) == 0 {
		return nil
	}
	if err := d.insist(ctx, func() error { return d.bus.Publish(ctx, ends...) }); err != nil {
		return fmt.Errorf("end calls left open: %w", err)
	}
	return nil
}

// leftOpen gives the last change that names this node, of each call without an end,
// with the times of the first.
func (d *Door) leftOpen(ctx context.Context, b *bus.Bus) (map[string]event.Interaction, error) {
	src := event.Interactions().Source
	first, end, err := b.AwaitBounds(ctx, src.Name)
	if err != nil {
		return nil, err
	}
	parts := make([]map[string]event.Interaction, len(end))
	g, ctx := errgroup.WithContext(ctx)
	for p := range end {
		parts[p] = map[string]event.Interaction{}
		if first[p] < end[p] {
			g.Go(func() error {
				return readTo(ctx, b, src, p, first[p], end[p], func(i event.Interaction) { d.note(parts[p], i) })
			})
		}
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	all := map[string]event.Interaction{}
	for _, open := range parts {
		for id, i := range open {
			all[id] = i
		}
	}
	return all, nil
}

func (d *Door) note(open map[string]event.Interaction, i event.Interaction) {
	switch {
	case i.Change.Terminal():
		delete(open, i.Interaction)
	case i.Channel != event.Voice || i.Attrs[nodeAttr] == "":
	case i.Attrs[nodeAttr] == d.cfg.Node:
		if before, known := open[i.Interaction]; known {
			i.At, i.Received = before.At, before.Received
		}
		open[i.Interaction] = i
	default:
		delete(open, i.Interaction) // another node took the call over
	}
}

// quiet is the silence after which a partition counts as read although its last
// offset was not seen: retention or an undecodable event may stand there.
const quiet = 2 * time.Second

var errRead = errors.New("partition is read")

// readTo visits a partition up to end, and skips what cannot be decoded.
func readTo(ctx context.Context, b *bus.Bus, src event.Source[event.Interaction], partition int, from, end int64, visit func(event.Interaction)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	idle := time.AfterFunc(quiet, func() { cancel(errRead) })
	defer idle.Stop()
	err := bus.Follow(ctx, b, src, partition, from, func(r bus.Record[event.Interaction]) error {
		idle.Reset(quiet)
		if !r.Deleted && r.Offset < end {
			visit(r.Value)
		}
		if r.Offset >= end-1 {
			return errRead
		}
		return nil
	})
	if errors.Is(err, errRead) || errors.Is(context.Cause(ctx), errRead) {
		return nil
	}
	return err
}
