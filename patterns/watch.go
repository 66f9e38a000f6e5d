package patterns

import (
	"context"
	"log/slog"
	"time"

	"throughline/event"
)

// Publisher stores events; bus.Bus does.
type Publisher interface {
	Publish(ctx context.Context, msgs ...event.Message) error
}

// Watch looks for patterns of every tenant each Every, until ctx ends, and
// publishes them. Processes that watch the same find the same, with the same ids.
func (f *Finder) Watch(ctx context.Context, to Publisher, log *slog.Logger) error {
	if f.Config.Every <= 0 {
		<-ctx.Done()
		return nil
	}
	ticks := time.NewTicker(f.Config.Every)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-ticks.C:
			if err := f.round(ctx, to, now); err != nil && ctx.Err() == nil {
				log.Warn("looking for patterns failed, trying again at the next turn", "component", "patterns", "error", err)
			}
		}
	}
}

func (f *Finder) round(ctx context.Context, to Publisher, now time.Time) error {
	since := now.Add(-f.Config.settled().Window)
	tenants, err := rows[struct{ Tenant string }](ctx, f.History, QueryTenants, map[string]any{"since": since.UnixMilli()})
	if err != nil {
		return err
	}
	for _, t := range tenants {
		report, err := f.Find(ctx, t.Tenant, since, now)
		if err != nil {
			return err
		}
		msgs := make([]event.Message, len(report.Patterns))
		for i, p := range report.Patterns {
			msgs[i] = event.Patterns().Message(p.Pattern)
		}
		if err := to.Publish(ctx, msgs...); err != nil {
			return err
		}
	}
	return nil
}
