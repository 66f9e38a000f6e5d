package scenario

import (
	"context"
	"fmt"
	"time"

	"throughline/assist"
	"throughline/event"
)

// Fold makes journeys of what happens, and marks them; the journey stage's shard
// is one.
type Fold interface {
	Turn(context.Context, event.Features) ([]event.Message, error)
	Change(context.Context, event.Interaction) ([]event.Message, error)
	Tagged(context.Context, event.Alert) ([]event.Message, error)
	Tick(context.Context, time.Time) ([]event.Message, error)
}

// Parts are what the product makes of words.
type Parts struct {
	Understand func(context.Context, event.Turn) (event.Features, error) // through the gate and the models
	Fold       func() (Fold, error)                                      // a new one, without memory
}

// Outcome is something that a rule did at a step.
type Outcome struct {
	Step   int // from 1
	Rule   string
	Action string // alert, suggest, tag …; for a disclosure also required, met, missed or void
}

// began is when every scenario begins: a Thursday morning.
func began() time.Time { return time.Date(2026, 1, 15, 10, 0, 0, 0, time.UTC) }

// tenant and customer of every scenario.
const (
	tenant   = "scenario"
	customer = "c_scenario"
	pause    = 10 * time.Second // between steps
)

// play is one playing of a scenario on one channel.
type play struct {
	parts   Parts
	fold    Fold
	decider *assist.Decider
	name    string
	channel event.Channel

	now      time.Time
	step     int
	last     string                   // the interaction opened last
	channels map[string]event.Channel // of each interaction
	out      []Outcome
}

// Play gives what a policy does in s on a channel, in order.
func Play(ctx context.Context, s Scenario, p *assist.Policy, parts Parts, channel event.Channel) ([]Outcome, error) {
	fold, err := parts.Fold()
	if err != nil {
		return nil, err
	}
	r := &play{parts: parts, fold: fold, decider: assist.NewDecider(p, began()), name: s.Name, channel: channel,
		now: began().Add(-pause), channels: map[string]event.Channel{}}
	for i, step := range s.Steps {
		r.step = i + 1
		if err := r.take(ctx, step); err != nil {
			return nil, fmt.Errorf("scenario %q on %s, step %d: %w", s.Name, channel, i+1, err)
		}
	}
	return r.out, nil
}

// take does one step.
func (r *play) take(ctx context.Context, s Step) error {
	after := s.After
	if after == 0 {
		after = pause
	}
	r.now = r.now.Add(after + s.Wait)
	if err := r.folded(ctx)(r.fold.Tick(ctx, r.now)); err != nil {
		return err
	}
	if err := r.decided(ctx, r.decider.Tick(r.now)); err != nil {
		return err
	}
	switch {
	case s.Wait > 0:
		return nil
	case s.Open != "":
		r.last = s.Open
		r.channels[s.Open] = r.channel
		if s.Channel != "" {
			r.channels[s.Open] = s.Channel
		}
		return r.change(ctx, s.Open, event.Started, s.Direction)
	}
	in := r.last
	if s.In != "" {
		in = s.In
	}
	if s.Change != "" {
		return r.change(ctx, in, s.Change, "")
	}
	return r.speak(ctx, in, s)
}

func (r *play) interaction(name string) string {
	return event.ID("i", r.name, name, string(r.channel))
}

func (r *play) change(ctx context.Context, in string, c event.Change, direction string) error {
	return r.folded(ctx)(r.fold.Change(ctx, event.Interaction{ID: event.ID("x", r.name, string(r.channel), fmt.Sprint(r.step)), Tenant: tenant, Customer: customer,
		Interaction: r.interaction(in), Channel: r.channels[in], Change: c, Direction: direction, At: r.now, Received: r.now, Role: event.Agent}))
}

func (r *play) speak(ctx context.Context, in string, s Step) error {
	role, words := s.speaker()
	t := event.Turn{ID: event.ID("t", r.name, string(r.channel), fmt.Sprint(r.step)), Tenant: tenant, Customer: customer, Interaction: r.interaction(in),
		Channel: r.channels[in], Role: role, Kind: event.Text, At: r.now, Received: r.now, Text: words}
	if role == event.Agent {
		t.Agent = "agent"
	}
	if t.Channel == event.Voice {
		t.Kind = event.Utterance
	}
	f, err := r.parts.Understand(ctx, t)
	if err != nil {
		return err
	}
	if s.Sentiment != nil {
		v := *s.Sentiment
		f.Sentiment = &event.Sentiment{Score: v, Negative: max(0, -v), Positive: max(0, v), Neutral: 1 - max(v, -v), Magnitude: max(v, -v)}
	}
	if s.Intents != nil {
		f.Intents = labels(s.Intents)
	}
	if s.Emotions != nil {
		f.Emotions = labels(s.Emotions)
	}
	return r.folded(ctx)(r.fold.Turn(ctx, f))
}

func labels(names []string) []event.Label {
	out := make([]event.Label, len(names))
	for i, n := range names {
		out[i] = event.Label{Name: n, Probability: 1}
	}
	return out
}

// folded decides on what a fold has published.
func (r *play) folded(ctx context.Context) func([]event.Message, error) error {
	return func(msgs []event.Message, err error) error {
		if err != nil {
			return err
		}
		for _, m := range msgs {
			if j, ok := m.Value.(event.Journey); ok {
				made, err := r.decider.Decide(j)
				if err != nil {
					return err
				}
				if err := r.decided(ctx, made); err != nil {
					return err
				}
			}
		}
		return nil
	}
}

// decided notes what was decided, and gives tags back to the journey.
func (r *play) decided(ctx context.Context, msgs []event.Message) error {
	for _, m := range msgs {
		switch v := m.Value.(type) {
		case event.Alert:
			r.out = append(r.out, Outcome{r.step, v.Rule.Name, string(v.Action)})
			if v.Action == event.ActionTag {
				if err := r.folded(ctx)(r.fold.Tagged(ctx, v)); err != nil {
					return err
				}
			}
		case event.Suggestion:
			r.out = append(r.out, Outcome{r.step, v.Rule.Name, "suggest"})
		case event.Disclosure:
			r.out = append(r.out, Outcome{r.step, v.Rule.Name, string(v.State)})
		}
	}
	return nil
}
