package dashboards

import (
	"context"
	"errors"
	"fmt"
	"time"

	"throughline/bus"
	"throughline/event"
)

// spanIdle is how long a broker may give nothing before the rest of a span is
// taken for removed by compaction. It answers at once where it has something.
const spanIdle = 2 * time.Second

// readSpan hands over what stands on a partition from one offset to before
// another.
func readSpan[T any](ctx context.Context, b *bus.Bus, src event.Source[T], partition int, from, to int64, visit func(bus.Record[T])) error {
	enough, silence := errors.New("span is read"), errors.New("nothing more came")
	follow, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	idle := time.AfterFunc(spanIdle, func() { cancel(silence) })
	defer idle.Stop()
	err := bus.Follow(follow, b, src, partition, from, func(r bus.Record[T]) error {
		idle.Reset(spanIdle)
		if r.Offset < to {
			visit(r)
		}
		if r.Offset+1 >= to {
			return enough
		}
		return nil
	})
	if errors.Is(err, enough) {
		return nil
	}
	if ctx.Err() == nil && errors.Is(context.Cause(follow), silence) {
		if err = b.Ready(ctx); err == nil {
			return nil
		}
	}
	return fmt.Errorf("read %s/%d again: %w", src.Name, partition, err)
}
