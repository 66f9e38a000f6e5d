package dashboards_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"throughline/dashboards"
	"throughline/event"
)

// TestContextIsPushed rings the phone of a customer who wrote before: the agent
// has the context before the first word, and the advice as soon as it is there.
func TestContextIsPushed(t *testing.T) {
	h := open(t)
	s := h.serve(t, "")
	now := time.Now().UTC()
	j := thread(now)
	rings := func(change event.Change, agent string) event.Message {
		j.Version++
		k := len(j.Interactions) - 1
		j.Interactions[k].ID, j.Interactions[k].Agent, j.Interactions[k].Queue, j.Interactions[k].Channel = "i_rings", agent, "returns", event.Voice
		j.Cause = event.Cause{Type: "interaction", ID: "x" + agent, Change: change, Interaction: "i_rings"}
		return event.Journeys().Message(j)
	}
	byQueue, byAgent := s.stream(t, "?topics=context&queue=returns", ""), s.stream(t, "?topics=context,journeys&agent=7", "")
	other := s.stream(t, "?topics=context&queue=billing", "")
	all := s.stream(t, "?topics=journeys", "")
	for _, c := range []*client{byQueue, byAgent, other, all} {
		if _, err := c.next(); err != nil { // hello
			t.Fatal(err)
		}
	}
	contextOf := func(c *client) dashboards.Context {
		t.Helper()
		for {
			e, err := c.next()
			if err != nil {
				t.Fatal(err)
			}
			if e.name != dashboards.ContextEvent {
				continue
			}
			var got dashboards.Context
			if err := json.Unmarshal([]byte(e.data), &got); err != nil {
				t.Fatal(err)
			}
			return got
		}
	}
	h.publish(t, rings(event.Started, ""))
	got := contextOf(byQueue)
	if got.Interaction != "i_rings" || got.Channel != event.Voice || got.Journey != j.ID || len(got.Open) != 2 || len(got.Promises) != 1 || len(got.Answered) != 1 || got.Next != nil {
		t.Errorf("pushed at the ring: %+v", got)
	}
	suggest := func(id string) event.Message {
		return event.Suggestions().Message(event.Suggestion{ID: id, Tenant: "default", Customer: j.Customer, Interaction: "i_rings", At: now, Rank: 0.9, Title: "Release the refund"})
	}
	h.publish(t, suggest("s1"))
	if got = contextOf(byQueue); got.Next == nil || got.Next.ID != "s1" {
		t.Errorf("advice before the first word: next is %+v", got.Next)
	}
	h.publish(t, rings(event.Joined, "7"))
	if got = contextOf(byAgent); got.Interaction != "i_rings" || got.Next == nil {
		t.Errorf("pushed to the agent who took the call: %+v", got)
	}
	contextOf(byQueue) // who watches the queue hears of it too
	// They talk; what is advised now is a suggestion like any other.
	f := analysed(1, 0)
	f.Turn.Customer, f.Turn.Interaction = j.Customer, "i_rings"
	h.publish(t, event.AnalysedTurns().Message(f))
	eventually(t, "the first word", func() bool { return s.seen(t) == 1 })
	h.publish(t, suggest("s2"))
	eventually(t, "the second suggestion", func() bool {
		var c dashboards.Context
		return s.get(t, "/v1/customers/"+j.Customer+"/context", &c) == 200 && len(c.Suggestions) == 2
	})
	h.publish(t, rings(event.Started, "9"))
	if got = contextOf(byQueue); len(got.Suggestions) != 2 {
		t.Errorf("%d suggestions, want 2 with the next start and none between", len(got.Suggestions))
	}
	// Nobody else was told; who does not ask for contexts gets none.
	h.publish(t, event.Interactions().Message(event.Interaction{ID: "x", Tenant: "default", Customer: "c9", Interaction: "i9", Change: event.Started, At: now, Queue: "billing"}))
	for range 3 {
		e, err := all.next()
		if err != nil || e.name != "journeys" {
			t.Fatalf("a stream of journeys carries %q, %v", e.name, err)
		}
	}
	_ = other.body.Close()
	if e, err := other.next(); err == nil && e.name == dashboards.ContextEvent {
		t.Error("a context came to another queue")
	}
}

// TestReusedNumberShowsNothingOfBefore asks every way for a customer whose number
// was somebody else's.
func TestReusedNumberShowsNothingOfBefore(t *testing.T) {
	h := open(t)
	s := h.serve(t, "")
	now := time.Now().UTC()
	hello := s.stream(t, "", "")
	first, err := hello.next()
	if err != nil {
		t.Fatal(err)
	}
	before := thread(now.Add(-time.Hour))
	c := before.Customer
	h.publish(t, event.Interactions().Message(event.Interaction{ID: "x1", Tenant: "default", Customer: c, Interaction: "i_before", Change: event.Started, At: now.Add(-time.Hour)}),
		event.Journeys().Message(before), fall(now.Add(-time.Hour)),
		event.Suggestions().Message(event.Suggestion{ID: "s1", Tenant: "default", Customer: c, At: now.Add(-time.Hour), Title: "of before"}))
	after := event.Journey{ID: "j_new", Tenant: "default", Customer: c, Version: 20, Since: now.Add(-time.Minute), State: event.JourneyOpen, Opened: now, Updated: now,
		Cause: event.Cause{Type: "interaction", ID: "x2", Change: event.Started, Interaction: "i_new"}, Interactions: []event.InteractionState{{ID: "i_new", Channel: event.Voice, Started: now, Last: now}}}
	moved := before
	moved.Into, moved.Version, moved.ResolvedBy = "c_elsewhere", 19, "released"
	h.publish(t, event.Journeys().Message(moved), event.Journeys().Message(after))
	h.caughtUp(t, s)
	var got dashboards.Context
	eventually(t, "the new person", func() bool {
		got = dashboards.Context{}
		return s.get(t, "/v1/customers/"+c+"/context", &got) == 200 && got.Journey == "j_new"
	})
	if len(got.Alerts)+len(got.Suggestions)+len(got.Past)+len(got.Promises)+len(got.Answered)+len(got.Consent) != 0 || len(got.Interactions) != 1 || got.Next != nil {
		t.Errorf("the context of the new person is %+v", got)
	}
	again := s.stream(t, "?customer="+c, first.id)
	for {
		e, err := again.next()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(e.data, "j_new") {
			break
		}
		if e.name != "hello" {
			t.Errorf("the stream of the new person carries %s of before: %.120s", e.name, e.data)
		}
	}
}
