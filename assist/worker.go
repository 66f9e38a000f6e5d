package assist

import (
	"context"
	"slices"
	"time"

	"throughline/bus"
	"throughline/event"
	"throughline/moment"
)

// Stage decides on each change of a journey, and on deadlines.
func (d *Desk) Stage() bus.Stage {
	return bus.Stage{
		Name: "assist",
		In:   []bus.Input{bus.Batch(moment.Changes(), (*shard).journeys)},
		Out:  []event.Spec{event.Alerts().Spec, event.Suggestions().Spec, event.Disclosures().Spec},
		Open: d.open,
		Tick: func(ctx context.Context, state any, now time.Time) ([]event.Message, error) {
			return state.(*shard).tick(ctx, now)
		},
		TickEvery: 5 * time.Second,
	}
}

// shard decides for the customers of one partition. What it remembers stands on
// the topics it writes, so "once" and deadlines hold over restarts.
type shard struct {
	desk   *Desk
	done   *memory // ids of alerts, suggestions and disclosures
	owes   *ledger
	opened time.Time
	next   int64                                // offset after the last journey that was handled
	end    func(context.Context) (int64, error) // offset after the last journey that is there
}

func newShard(d *Desk) *shard {
	return &shard{desk: d, done: newMemory(), owes: newLedger(), opened: time.Now()}
}

func (d *Desk) open(ctx context.Context, b *bus.Bus, partition int) (any, error) {
	s := newShard(d)
	s.end = func(ctx context.Context) (int64, error) {
		_, end, err := b.Bounds(ctx, event.Journeys().Name)
		if err != nil {
			return 0, err
		}
		return end[partition], nil
	}
	if _, err := bus.Replay(ctx, b, event.Alerts().Source, partition, func(r bus.Record[event.Alert]) error {
		s.done.add(r.Value.ID, r.Time)
		return nil
	}); err != nil {
		return nil, err
	}
	if _, err := bus.Replay(ctx, b, event.Suggestions().Source, partition, func(r bus.Record[event.Suggestion]) error {
		s.done.add(r.Value.ID, r.Time)
		return nil
	}); err != nil {
		return nil, err
	}
	_, err := bus.Replay(ctx, b, event.Disclosures().Source, partition, func(r bus.Record[event.Disclosure]) error {
		s.done.add(r.Value.ID, r.Time)
		s.owes.put(r.Value)
		return nil
	})
	s.owes.forget(s.opened)
	d.enter(partition, s)
	return s, err
}

func (s *shard) journeys(ctx context.Context, recs []bus.Record[moment.Change]) ([]event.Message, error) {
	var out []event.Message
	for _, r := range recs {
		s.next = r.Offset + 1
		if !r.Deleted {
			out = append(out, s.decide(r.Value.Journey, func(d Decision) {
				s.desk.log.WarnContext(ctx, "a rule could not be evaluated", "rule", d.Rule, "journey", r.Value.ID, "error", d.Err())
			})...)
		}
	}
	return out, nil
}

// decide gives what is to be done on one change of a journey; failed is told of
// each rule that could not be evaluated. What is shown elsewhere is decided there.
func (s *shard) decide(j event.Journey, failed func(Decision)) []event.Message {
	if j.Elsewhere() {
		return nil
	}
	m := moment.Of(j)
	var out []event.Message
	for _, d := range s.desk.For(j.Tenant).Decide(m) {
		if d.Err() != nil {
			failed(d)
			continue
		}
		for _, a := range d.Alerts {
			if s.first(a.ID) {
				out = append(out, event.Alerts().Message(a))
			}
		}
		if d.Suggestion != nil && s.first(d.Suggestion.ID) {
			out = append(out, event.Suggestions().Message(*d.Suggestion))
		}
		if d.Disclosure != nil && s.first(d.Disclosure.ID) {
			s.owes.put(*d.Disclosure)
			out = append(out, event.Disclosures().Message(*d.Disclosure))
			out = append(out, s.recall(j, d.Disclosure.Interaction)...)
		}
	}
	if j.Cause.Features != nil {
		t := j.Cause.Features.Turn
		out = append(out, s.settle(s.hear(t.Interaction, t.ID, t.Text, t.Role, m.Now))...)
	}
	settled := s.owes.pass(m)
	for _, o := range s.desk.others(s) {
		settled = append(settled, o.owes.pass(m)...)
	}
	return append(out, s.settle(settled)...)
}

// first tells whether nobody here has done what has this id, for whoever asks
// first. An interaction is decided on in another partition than before once its
// customer has become another's.
func (s *shard) first(id string) bool {
	s.desk.acting.Lock()
	defer s.desk.acting.Unlock()
	return s.done.add(id, time.Now()) && !slices.ContainsFunc(s.desk.others(s), func(o *shard) bool { return o.done.has(id) })
}

// hear takes in words, also for what was required before a merge.
func (s *shard) hear(interaction, turn, text string, role event.Role, at time.Time) []event.Disclosure {
	met := s.owes.hear(interaction, turn, text, role, at)
	for _, o := range s.desk.others(s) {
		met = append(met, o.owes.hear(interaction, turn, text, role, at)...)
	}
	return met
}

// recall hears again what was said before the disclosure was required: the
// first words can be understood before it is known that the call began.
func (s *shard) recall(j event.Journey, interaction string) []event.Message {
	var out []event.Message
	for _, t := range j.Recent {
		if t.Interaction == interaction && t.ID != j.Cause.ID {
			out = append(out, s.settle(s.hear(interaction, t.ID, t.Text, t.Role, t.At))...)
		}
	}
	return out
}

// settle publishes what became of disclosures.
func (s *shard) settle(changed []event.Disclosure) []event.Message {
	var out []event.Message
	for _, o := range changed {
		if o.State == event.DisclosureMissed {
			if a := missedAlert(o); s.first(a.ID) {
				out = append(out, event.Alerts().Message(a))
			}
		}
		out = append(out, event.Disclosures().Message(o))
	}
	return out
}

// tick finds deadlines that passed in silence. It waits until nothing that was
// said before can still be on its way: after a restart the words come late.
func (s *shard) tick(ctx context.Context, now time.Time) ([]event.Message, error) {
	s.owes.forget(now)
	if !s.owes.overdue(now) || now.Sub(s.opened) < hearing {
		return nil, nil
	}
	end, err := s.end(ctx)
	idle := s.next == 0 && now.Sub(s.opened) > 2*hearing // nothing has come since the start: nothing waits
	if err != nil || s.next < end && !idle {
		return nil, err
	}
	return s.settle(s.owes.expire(now)), nil
}
