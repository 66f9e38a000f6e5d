package outgoing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"throughline/bus"
	"throughline/event"
)

// batch bounds what one partition holds of one target at once, and so what is
// sent again after a crash.
const batch = 16

// Teller tells the configured targets.
type Teller struct{ targets []*target }

// target is a Target with what it takes to reach it.
type target struct {
	Target
	screen  string
	keys    [][]byte
	client  *http.Client
	breaker *breaker
	log     *slog.Logger
	metrics *metrics
	all     []string // names of every target, where this one tells of those that nobody has

	mu      sync.Mutex
	waiting map[string]time.Time // when what is in hand was published, by id
}

// New checks the targets.
func New(cfg Config) (*Teller, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	var problems []error
	if u, err := url.Parse(cfg.Screen); cfg.Screen != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		problems = append(problems, errors.New("outgoing.screen: write it like https://throughline.example.com"))
	}
	t := &Teller{}
	metrics := newMetrics(t)
	for _, given := range cfg.Targets {
		problems = append(problems, given.settle()...)
		if slices.ContainsFunc(t.targets, func(o *target) bool { return o.Name == given.Name }) {
			problems = append(problems, fmt.Errorf("outgoing.targets %q: name stands twice", given.Name))
		}
		made := &target{Target: given, screen: cfg.Screen, client: newClient(given), breaker: newBreaker(given.Rate, given.Concurrency),
			log: cfg.Logger.With("component", "outgoing", "target", given.Name), metrics: metrics, waiting: map[string]time.Time{}}
		for _, s := range given.Secrets {
			key, _ := parseSecret(s) // settle has told what is wrong with it
			made.keys = append(made.keys, key)
		}
		t.targets = append(t.targets, made)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	for _, to := range t.targets {
		t.targets[0].all = append(t.targets[0].all, to.Name) // one tells, or all would
	}
	if cfg.Metrics != nil && len(t.targets) > 0 {
		cfg.Metrics.MustRegister(metrics)
	}
	return t, nil
}

// Stages are one a target, so that one that is down holds up nobody else.
func (t *Teller) Stages() []bus.Stage {
	stages := make([]bus.Stage, len(t.targets))
	for i, to := range t.targets {
		stages[i] = to.stage()
	}
	return stages
}

func (t *target) stage() bus.Stage {
	s := bus.Stage{
		Name:     "outgoing-" + t.Name,
		Open:     t.open,
		MaxBatch: batch,
		FromNow:  !t.History,
	}
	if slices.Contains(t.Events, event.Alerts().Name) {
		s.In = append(s.In, bus.Batch(event.Alerts().Source, (*shard).alerts))
	}
	if slices.Contains(t.Events, event.Suggestions().Name) {
		s.In = append(s.In, bus.Batch(event.Suggestions().Source, (*shard).suggestions))
	}
	return s
}

func (t *target) open(context.Context, *bus.Bus, int) (any, error) {
	return &shard{target: t, settled: map[string]error{}}, nil
}
