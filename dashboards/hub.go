package dashboards

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"throughline/bus"
	"throughline/event"
)

// The defaults of HubConfig.
const (
	DefaultLookback     = 1000
	DefaultLookbackTime = 24 * time.Hour
	DefaultRecentEvents = 32 << 10
	DefaultRecentBytes  = 64 << 20
	DefaultInteractions = 2000
	DefaultReplay       = 100_000
)

// HubConfig bounds what the hub keeps in memory. The zero value works.
type HubConfig struct {
	Lookback     int           `yaml:"lookback" default:"1000" doc:"events of each topic and partition read again at start, so that the screen is not empty"`
	LookbackTime time.Duration `yaml:"lookback_time" default:"24h" doc:"events older than this are not shown as live"`
	RecentEvents int           `yaml:"recent_events" default:"32768" doc:"newest events held for streams that resume; older ones are read from Kafka"`
	RecentBytes  int           `yaml:"recent_bytes" default:"67108864" doc:"bytes of them at most"`
	Interactions int           `yaml:"interactions" default:"2000" doc:"newest interactions held live; older ones are asked of the store"`
	Replay       int           `yaml:"replay" default:"100000" doc:"events that one stream may have read again from Kafka; beyond this it gets a reset"`

	Metrics prometheus.Registerer `yaml:"-"` // nil: not registered
	Logger  *slog.Logger          `yaml:"-"` // nil: slog.Default()
}

func (c HubConfig) withDefaults() HubConfig {
	c.Lookback = cmp.Or(c.Lookback, DefaultLookback)
	c.LookbackTime = cmp.Or(c.LookbackTime, DefaultLookbackTime)
	c.RecentEvents = cmp.Or(c.RecentEvents, DefaultRecentEvents)
	c.RecentBytes = cmp.Or(c.RecentBytes, DefaultRecentBytes)
	c.Interactions = cmp.Or(c.Interactions, DefaultInteractions)
	c.Replay = cmp.Or(c.Replay, DefaultReplay)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

// Hub follows the topics, keeps what is live, and gives every stream the events
// it wants. All its readers share one copy of each event; none of them can make
// it wait.
type Hub struct {
	bus     *bus.Bus
	cfg     HubConfig
	log     *slog.Logger
	metrics *metrics
	ready   chan struct{} // closed when what stood on the topics at start is in memory
	stopped chan struct{} // closed when Run returns

	mu      sync.RWMutex
	recent  *recent // nil until Run has seen the topics
	live    *live
	wake    chan struct{} // closed when an event arrives that somebody waits for
	waiting bool
}

// NewHub makes a Hub that reads from b once it runs.
func NewHub(b *bus.Bus, cfg HubConfig) *Hub {
	cfg = cfg.withDefaults()
	return &Hub{
		bus: b, cfg: cfg, log: cfg.Logger.With("component", "dashboards"), metrics: newMetrics(cfg.Metrics),
		ready: make(chan struct{}), stopped: make(chan struct{}),
		live: newLive(cfg.Interactions), wake: make(chan struct{}),
	}
}

// Ready is closed when the hub shows all that stood on the topics when it began.
func (h *Hub) Ready() <-chan struct{} { return h.ready }

// Run follows the topics until ctx ends. It is called once.
func (h *Hub) Run(ctx context.Context) error {
	defer close(h.stopped)
	early, from, end, err := h.begin(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	h.mu.Lock()
	h.recent = newRecent(h.cfg.RecentEvents, h.cfg.RecentBytes, from)
	h.mu.Unlock()
	work, ctx := errgroup.WithContext(ctx)
	for t, f := range feeds() {
		for p, offset := range from[t] {
			work.Go(func() error { return f.follow(ctx, h, p, early[t][p], offset) })
		}
	}
	work.Go(func() error { h.catchUp(ctx, end); return nil })
	if err := work.Wait(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("dashboards hub: %w", err)
	}
	return nil
}

// begin decides where to start on each partition, early enough to know repeats,
// and from where on to show; and says where they end now.
func (h *Hub) begin(ctx context.Context) (early, from, end Position, err error) {
	early, from, end = make(Position, topicCount), make(Position, topicCount), make(Position, topicCount)
	for t, spec := range Topics() {
		first, last, err := h.bus.Bounds(ctx, spec.Name)
		if err != nil {
			return nil, nil, nil, fmt.Errorf("dashboards hub: %w", err)
		}
		early[t], from[t], end[t] = make([]int64, len(first)), make([]int64, len(first)), last
		for p := range first {
			from[t][p] = max(first[p], last[p]-int64(h.cfg.Lookback))
			early[t][p] = max(first[p], from[t][p]-repeatWithin)
		}
	}
	return early, from, end, nil
}

// catchUp closes ready when the hub has reached end. Offsets that compaction
// removed never come, so a second in which nothing comes will do as well.
func (h *Hub) catchUp(ctx context.Context, end Position) {
	began, idle, seen := time.Now(), time.Now(), uint64(0)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		h.mu.RLock()
		next, there := h.recent.next(), h.recent.head.covers(end)
		h.mu.RUnlock()
		if next != seen {
			seen, idle = next, time.Now()
		}
		if there || time.Since(idle) > time.Second {
			h.log.Info("live view is ready", "events", next-1, "took", time.Since(began).Round(time.Millisecond))
			close(h.ready)
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// take adds an event to what is recent and live, and wakes who waits for it.
func (h *Hub) take(e *Event, published time.Time, apply func(*live)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.recent.add(e) {
		return
	}
	if time.Since(published) < h.cfg.LookbackTime || e.at.topic == journeysTopic {
		apply(h.live)
	}
	h.live.addAgents(e)
	if time.Since(published) < pushWithin {
		if e.pushed = h.live.push(e, time.Now()); e.pushed != nil {
			h.recent.bytes += len(e.pushed.frame)
		}
	}
	if h.waiting {
		close(h.wake)
		h.wake, h.waiting = make(chan struct{}), false
	}
}

// feed is one topic as the hub reads it: followed from a start on, or a piece
// of it read again for somebody who resumes. Both begin early enough to know
// repeats.
type feed struct {
	follow func(ctx context.Context, h *Hub, partition int, early, from int64) error
	read   func(ctx context.Context, h *Hub, partition int, early, from, to int64, seen *lately) ([]*Event, error)
}

func feeds() [topicCount]feed {
	return [topicCount]feed{
		interactionsTopic: feedOf(interactionsTopic, event.Interactions().Spec, eventOfInteraction, (*live).interaction),
		featuresTopic:     feedOf(featuresTopic, event.AnalysedTurns().Spec, eventOfFeatures, (*live).features),
		journeysTopic:     feedOf(journeysTopic, event.Journeys().Spec, eventOfJourney, (*live).journey),
		alertsTopic:       feedOf(alertsTopic, event.Alerts().Spec, eventOfAlert, (*live).alert),
		suggestionsTopic:  feedOf(suggestionsTopic, event.Suggestions().Spec, eventOfSuggestion, (*live).suggestion),
		feedbackTopic:     feedOf(feedbackTopic, event.Feedbacks().Spec, eventOfFeedback, (*live).feedback),
		partialsTopic:     feedOf(partialsTopic, event.PartialTurns().Spec, eventOfPartial, func(*live, event.Turn, *Event) {}),
	}
}

func feedOf[T any](topic int, spec event.Spec, eventOf func(T) Event, apply func(*live, T, *Event)) feed {
	src := event.Source[T]{Spec: spec}
	understand := func(r bus.Record[T], seen *lately) *Event {
		e := eventOf(r.Value)
		e.Topic, e.at = spec.Name, place{topic, r.Partition, r.Offset}
		if !r.Deleted && !seen.repeats(e.id, r.Offset) {
			e.Data = oneLine(r.Bytes)
		}
		return &e
	}
	return feed{
		follow: func(ctx context.Context, h *Hub, partition int, early, from int64) error {
			seen := newLately()
			return bus.Follow(ctx, h.bus, src, partition, early, func(r bus.Record[T]) error {
				e := understand(r, seen)
				if r.Offset < from {
					return nil
				}
				h.take(e, r.Time, func(l *live) {
					switch {
					case r.Deleted:
						l.forget(r.Key)
					case !e.silent():
						apply(l, r.Value, e)
					}
				})
				return nil
			})
		},
		read: func(ctx context.Context, h *Hub, partition int, early, from, to int64, seen *lately) ([]*Event, error) {
			var events []*Event
			err := readSpan(ctx, h.bus, src, partition, early, to, func(r bus.Record[T]) {
				if e := understand(r, seen); r.Offset >= from {
					events = append(events, e)
				}
			})
			h.mu.RLock()
			defer h.mu.RUnlock()
			for _, e := range events {
				h.live.addAgents(e)
			}
			return events, err
		},
	}
}
