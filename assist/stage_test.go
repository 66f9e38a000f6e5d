package assist

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"throughline/bus"
	"throughline/event"
	"throughline/sink/sinktest"
)

// TestStageOverRestarts runs the stage on a broker, a new process for each thing
// that happens, and each thing happens twice: what it says, it says once.
func TestStageOverRestarts(t *testing.T) {
	b, at := sinktest.Bus(t), time.Now().Add(-2*time.Minute)
	d := desk(t, recording+`  - {name: angry, when: turn.sentiment < -0.5, once: journey, alert: {title: x}, tag: [angry], suggest: {title: y}}
`)
	j := event.Journey{ID: "j1", Tenant: "default", Customer: "c1", Interactions: []event.InteractionState{{ID: "i1", Channel: event.Voice, Started: at}}}
	happens := func(after time.Duration, cause event.Cause) {
		t.Helper()
		j.Version++
		j.Updated, j.Cause = at.Add(after), cause
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- b.Run(ctx, d.Stage()) }()
		for range 2 {
			if err := b.Publish(ctx, event.Journeys().Message(j)); err != nil {
				t.Fatal(err)
			}
		}
		// A customer of the same partition whose decision shows that it got here.
		mark := j
		mark.ID, mark.Cause = fmt.Sprint("mark", j.Version), event.Cause{Type: "turn", ID: fmt.Sprint("mark", j.Version), Features: &event.Features{Sentiment: &event.Sentiment{Score: -1}, Turn: event.Turn{Interaction: "other", Role: event.Customer, At: at}}}
		mark.Interactions = []event.InteractionState{{ID: fmt.Sprint("other", j.Version), Channel: event.Voice}}
		if err := b.Publish(ctx, event.Journeys().Message(mark)); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(patience); !slices.ContainsFunc(lying(t, b, event.Suggestions().Source), func(s event.Suggestion) bool { return s.Journey == mark.ID }); {
			if time.Now().After(end) {
				t.Fatal("the stage does not get on")
			}
			time.Sleep(20 * time.Millisecond)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
	}
	turn := func(n int, role event.Role, text string, score float64, after time.Duration) {
		t.Helper()
		id := fmt.Sprint("t", n)
		happens(after, event.Cause{Type: "turn", ID: id, Features: &event.Features{Sentiment: &event.Sentiment{Score: score},
			Turn: event.Turn{ID: id, Interaction: "i1", Role: role, Text: text, At: at.Add(after)}}})
	}
	happens(0, event.Cause{Type: "interaction", ID: "x1", Interaction: "i1", Change: event.Started})
	turn(1, event.Customer, "this call is recorded, you thieves", -0.9, 5*time.Second)
	turn(2, event.Customer, "are you there?", -0.8, 80*time.Second)
	turn(3, event.Agent, "this call is recorded", 0, 20*time.Second) // said in time, understood late
	var got []string
	for _, a := range lying(t, b, event.Alerts().Source) {
		if a.Journey == "j1" {
			got = append(got, string(a.Action))
		}
	}
	for _, d := range lying(t, b, event.Disclosures().Source) {
		got = append(got, string(d.State))
	}
	for _, s := range lying(t, b, event.Suggestions().Source) {
		if s.Journey == "j1" {
			got = append(got, "suggest")
		}
	}
	if want := []string{"alert", "tag", "disclosure", "required", "missed", "met", "suggest"}; !slices.Equal(got, want) {
		t.Errorf("said %v, want %v", got, want)
	}
}

// lying is everything on a topic, partition by partition.
func lying[T any](t *testing.T, b *bus.Bus, src event.Source[T]) (all []T) {
	t.Helper()
	n, err := b.Partitions(context.Background(), src.Name)
	if err != nil {
		t.Fatal(err)
	}
	for p := range n {
		if _, err := bus.Replay(context.Background(), b, src, p, func(r bus.Record[T]) error { all = append(all, r.Value); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	return all
}
