package assist

import (
	"context"
	"slices"
	"testing"
	"time"

	"throughline/event"
)

// TestMergeRepeatsNothing decides on a call, and goes on in another partition
// after its customer was found to be another's: what was done is not done again,
// and what had to be said is heard there.
func TestMergeRepeatsNothing(t *testing.T) {
	d := desk(t, `rules:
  - {name: sad, when: turn.sentiment < -0.5, alert: {title: x}, suggest: {title: y}}
  - {name: recording, on: interaction, when: interaction.change == "started", disclose: {say: [this call is recorded], within: 60s, title: z}}
`)
	quiet := func(context.Context) (int64, error) { return 0, nil }
	shards := []*shard{newShard(d), newShard(d)}
	for partition, s := range shards {
		s.opened, s.end = at, quiet
		d.enter(partition, s)
	}
	state := func(customer string, after time.Duration) event.Journey {
		return event.Journey{ID: "j_" + customer, Tenant: "default", Customer: customer, Version: 1, Updated: at.Add(after),
			Interactions: []event.InteractionState{{ID: "i1", Channel: event.Voice, Started: at}}}
	}
	start := func(customer string) event.Journey {
		j := state(customer, 0)
		j.Cause = event.Cause{Type: "interaction", ID: "x1", Interaction: "i1", Change: event.Started}
		return j
	}
	said := func(customer, id string, role event.Role, text string, score float64, after time.Duration) event.Journey {
		j := state(customer, after)
		f := &event.Features{Turn: event.Turn{ID: id, Interaction: "i1", Channel: event.Voice, Role: role, Text: text, At: at.Add(after)}, Sentiment: &event.Sentiment{Score: score}}
		j.Cause = event.Cause{Type: "turn", ID: id, Interaction: "i1", Features: f}
		return j
	}
	became := func(j event.Journey) event.Journey {
		j.Into, j.Cause.Features = "c2", nil
		return j
	}
	for k, c := range []struct {
		in   int
		j    event.Journey
		want []string
	}{
		{0, start("c1"), []string{"required c1"}},
		{0, said("c1", "t1", event.Customer, "terrible", -0.9, 5*time.Second), []string{"alert c1", "suggestion c1"}},
		{0, became(state("c1", 10*time.Second)), nil},
		{0, became(said("c1", "t2", event.Customer, "terrible", -0.9, 20*time.Second)), nil},
		{1, said("c2", "t2", event.Customer, "terrible", -0.9, 20*time.Second), nil},
		{1, said("c2", "t3", event.Agent, "By the way, this call is recorded.", 0, 30*time.Second), []string{"met c1"}},
		{1, start("c2"), nil},
	} {
		var got []string
		for _, m := range shards[c.in].decide(c.j, unexpected(t)) {
			switch v := m.Value.(type) {
			case event.Alert:
				got = append(got, "alert "+m.Key)
			case event.Suggestion:
				got = append(got, "suggestion "+m.Key)
			case event.Disclosure:
				got = append(got, string(v.State)+" "+m.Key)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("step %d: %q, want %q", k, got, c.want)
		}
	}
	for partition, s := range shards {
		if late, err := s.tick(t.Context(), at.Add(2*time.Minute)); err != nil || len(late) != 0 {
			t.Errorf("partition %d tells %v at the deadline (%v)", partition, late, err)
		}
	}
}

// TestPartitionsSideBySide has the shards of two partitions hear, decide and
// expire at once: the race detector watches.
func TestPartitionsSideBySide(t *testing.T) {
	d := desk(t, recording)
	done := make(chan int)
	for partition := range 2 {
		go func() {
			s := newShard(d)
			s.opened, s.end = at, func(context.Context) (int64, error) { return 0, nil }
			d.enter(partition, s)
			told := 0
			for n := range 200 {
				j := event.Journey{ID: "j", Tenant: "default", Customer: "c", Updated: at.Add(time.Duration(n) * time.Second),
					Interactions: []event.InteractionState{{ID: event.ID("i", string(rune('a'+n%20))), Channel: event.Voice, Started: at}}}
				j.Cause = event.Cause{Type: "interaction", ID: event.ID("x", string(rune(n))), Interaction: j.Interactions[0].ID, Change: event.Started}
				told += len(s.decide(j, unexpected(t)))
				late, err := s.tick(t.Context(), j.Updated)
				if err != nil {
					t.Error(err)
				}
				told += len(late)
			}
			done <- told
		}()
	}
	// 20 required, and each of them missed, with one alert.
	if told := <-done + <-done; told != 60 {
		t.Errorf("%d effects of 20 calls, want 60", told)
	}
}
