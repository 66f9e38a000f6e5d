package audiohook

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"throughline/bus"
	"throughline/event"
)

// What Config.SendBack names.
const (
	SendNothing  = "off"
	SendFinals   = "finals"
	SendPartials = "partials"
)

// Feed gives sessions what is said in their calls, as soon as whoever
// transcribes them has published it. Its method Transcripts belongs into Config.
type Feed struct {
	partials bool
	dropped  prometheus.Counter

	mu        sync.Mutex
	listeners map[string]map[*listener]bool // by interaction
}

// NewFeed makes a Feed, of growing transcripts too if they are asked for; Run
// fills it. Without reg its metric is not registered.
func NewFeed(partials bool, reg prometheus.Registerer) *Feed {
	f := &Feed{partials: partials, listeners: map[string]map[*listener]bool{}, dropped: prometheus.NewCounter(prometheus.CounterOpts{
		Namespace: "throughline", Subsystem: "audiohook", Name: "transcripts_dropped_total",
		Help: "Transcripts that were not sent back, because the connection took those before too slowly."})}
	if reg != nil {
		reg.MustRegister(f.dropped)
	}
	return f
}

// waiting bounds what a session that cannot be written to leaves behind; more is
// not sent back. The turns are kept all the same.
const waiting = 64

type listener struct {
	said chan utterance
	over chan struct{} // closed when all was told
	once sync.Once
}

type utterance struct {
	turn  event.Turn
	final bool
}

// Run follows the topics from now on until ctx ends.
func (f *Feed) Run(ctx context.Context, b *bus.Bus) error {
	g, inner := errgroup.WithContext(ctx)
	if err := follow(inner, g, b, event.Interactions().Source, f.change); err != nil {
		return err
	}
	if err := follow(inner, g, b, event.Turns(), func(t event.Turn) { f.tell(t, true) }); err != nil {
		return err
	}
	// Growing words come last: where they are heard, so are the final ones.
	if f.partials {
		if err := follow(inner, g, b, event.PartialTurns(), func(t event.Turn) { f.tell(t, false) }); err != nil {
			return err
		}
	}
	if err := g.Wait(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("follow transcripts: %w", err)
	}
	return nil
}

// follow visits what comes to a topic from now on.
func follow[T any](ctx context.Context, g *errgroup.Group, b *bus.Bus, src event.Source[T], visit func(T)) error {
	_, end, err := b.Bounds(ctx, src.Name)
	if err != nil {
		return fmt.Errorf("follow %s: %w", src.Name, err)
	}
	for p, from := range end {
		g.Go(func() error {
			return bus.Follow(ctx, b, src, p, from, func(r bus.Record[T]) error {
				if !r.Deleted {
					visit(r.Value)
				}
				return nil
			})
		})
	}
	return nil
}

func (f *Feed) tell(t event.Turn, final bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for l := range f.listeners[t.Interaction] {
		select {
		case l.said <- utterance{t, final}:
		default:
			f.dropped.Inc()
		}
	}
}

// settle is how much later a last turn may be read than the measures that were
// published after it: they are on another topic.
const settle = 250 * time.Millisecond

// change notes that a call was heard to its end.
func (f *Feed) change(i event.Interaction) {
	if i.Change != event.Measured || i.Attrs["final"] != "true" {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for l := range f.listeners[i.Interaction] {
		l.once.Do(func() { time.AfterFunc(settle, func() { close(l.over) }) })
	}
}

// Transcripts emits the turns of an interaction until all is told, ctx ends or
// emit fails.
func (f *Feed) Transcripts(ctx context.Context, interaction string, emit func(event.Turn, bool) error) error {
	l := &listener{said: make(chan utterance, waiting), over: make(chan struct{})}
	f.mu.Lock()
	if f.listeners[interaction] == nil {
		f.listeners[interaction] = map[*listener]bool{}
	}
	f.listeners[interaction][l] = true
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.listeners[interaction], l)
		if len(f.listeners[interaction]) == 0 {
			delete(f.listeners, interaction)
		}
	}()
	for {
		select {
		case u := <-l.said:
			if err := emit(u.turn, u.final); err != nil {
				return err
			}
		case <-l.over:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
