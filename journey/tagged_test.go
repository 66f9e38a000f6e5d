package journey

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"throughline/event"
)

func TestTagged(t *testing.T) {
	s, ctx := NewShard(Config{}), context.Background()
	tag := func(n int, action event.Action, interaction string, tags ...string) []event.Message {
		t.Helper()
		msgs, err := s.Tagged(ctx, event.Alert{ID: fmt.Sprint("a", n), Tenant: "default", Customer: "c1", Interaction: interaction, Action: action, Tags: tags})
		if err != nil {
			t.Fatal(err)
		}
		return msgs
	}
	if msgs := tag(0, event.ActionTag, "w", "vip"); msgs != nil {
		t.Errorf("a customer nobody knows was tagged: %v", msgs)
	}
	m, err := s.Turn(ctx, said(1, "w", event.WhatsApp, event.Customer, day, -0.2, "order_status"))
	before := last(t, m, err)
	j := last(t, tag(1, event.ActionTag, "w", "vip", "fraud"), nil)
	if !slices.Equal(j.Tags, []string{"vip", "fraud"}) || j.Version != before.Version+1 || j.Cause.Type != "tag" || j.Cause.ID != "a1" {
		t.Errorf("tags %v at version %d by %+v", j.Tags, j.Version, j.Cause)
	}
	for n, c := range map[int]struct {
		action event.Action
		tags   []string
	}{1: {event.ActionTag, []string{"vip", "fraud"}}, 2: {event.ActionTag, []string{"fraud"}}, 3: {event.ActionAlert, []string{"loud"}}} {
		if msgs := tag(n, c.action, "w", c.tags...); msgs != nil {
			t.Errorf("%s of %v changed something: %v", c.action, c.tags, msgs)
		}
	}
	// It survives a restart, and another turn.
	again := NewShard(Config{})
	again.Restore(j.Customer, j, false)
	again.Begin(day)
	m, err = again.Turn(ctx, said(2, "w", event.WhatsApp, event.Customer, day.Add(time.Minute), 0))
	if j = last(t, m, err); !slices.Equal(j.Tags, []string{"vip", "fraud"}) {
		t.Errorf("tags %v after a restart", j.Tags)
	}
	for n := range 2 * maxTags {
		tag(100+n, event.ActionTag, "w", fmt.Sprint("tag", n))
	}
	if n := len(s.Journey("c1").Tags); n > maxTags {
		t.Errorf("%d tags", n)
	}
}

// TestTagsOfTheMerged marks what the joined journey is about, through the
// customer that it is now of.
func TestTagsOfTheMerged(t *testing.T) {
	w := newWorld(t, Config{}, nil)
	w.say("c1", 1, "a", event.WhatsApp, event.Customer, day, -0.2, "order_status")
	w.say("c2", 2, "b", event.Voice, event.Customer, day.Add(time.Hour), -0.2, "order_status")
	w.merge("c1", "c2", day.Add(2*time.Hour))
	w.settle(day.Add(3 * time.Hour))
	w.publish(event.Alerts().Message(event.Alert{ID: "a9", Tenant: "default", Customer: "c2", Interaction: "a", Action: event.ActionTag, Tags: []string{"vip"}}))
	w.settle(day.Add(3 * time.Hour))
	if j := w.journey("c2"); !slices.Contains(j.Tags, "vip") {
		t.Errorf("the joined journey has tags %v", j.Tags)
	}
}
