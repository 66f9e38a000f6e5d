package journey

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"throughline/event"
)

func talksOf(j event.Journey) string {
	var ids []string
	for _, i := range j.Interactions {
		ids = append(ids, i.ID)
	}
	return strings.Join(ids, " ")
}

// late is long after everything that the tests let happen.
var late = day.Add(40 * 24 * time.Hour)

func TestMergeUndoChainCycle(t *testing.T) {
	minute := func(n int) time.Time { return day.Add(time.Duration(n) * time.Minute) }
	words := func(w *world) {
		w.say("a", 1, "ia", event.WhatsApp, event.Customer, minute(1), -0.5, "refund_request")
		w.say("b", 2, "ib", event.Voice, event.Customer, minute(2), 0.1)
		w.say("c", 3, "ic", event.Email, event.Customer, minute(3), 0.4)
	}
	type want struct{ into, talks string }
	for name, c := range map[string]struct {
		identities func(w *world)
		want       map[string]want
	}{
		"merge": {func(w *world) { w.merge("a", "b", minute(10)) },
			map[string]want{"a": {"b", "ia"}, "b": {"", "ia ib"}, "c": {"", "ic"}}},
		"undo": {func(w *world) { w.merge("a", "b", minute(10)); w.undo("a", "b", minute(11)) },
			map[string]want{"a": {"", "ia"}, "b": {"", "ib"}, "c": {"", "ic"}}},
		"undo that is heard of first": {func(w *world) { w.undo("a", "b", minute(11)); w.merge("a", "b", minute(10)) },
			map[string]want{"a": {"", "ia"}, "b": {"", "ib"}}},
		"merged again": {func(w *world) {
			w.merge("a", "b", minute(10))
			w.undo("a", "b", minute(11))
			w.merge("a", "b", minute(12))
		}, map[string]want{"a": {"b", "ia"}, "b": {"", "ia ib"}}},
		"chain": {func(w *world) { w.merge("a", "b", minute(10)); w.merge("b", "c", minute(11)) },
			map[string]want{"a": {"b", "ia"}, "b": {"c", "ib"}, "c": {"", "ia ib ic"}}},
		"chain, upper link first": {func(w *world) { w.merge("b", "c", minute(11)); w.merge("a", "b", minute(12)) },
			map[string]want{"a": {"b", "ia"}, "b": {"c", "ib"}, "c": {"", "ia ib ic"}}},
		"chain cut in the middle": {func(w *world) {
			w.merge("a", "b", minute(10))
			w.merge("b", "c", minute(11))
			w.undo("b", "c", minute(12))
		}, map[string]want{"a": {"b", "ia"}, "b": {"", "ia ib"}, "c": {"", "ic"}}},
		"moved to another": {func(w *world) { w.merge("a", "b", minute(10)); w.merge("a", "c", minute(11)) },
			map[string]want{"a": {"c", "ia"}, "b": {"", "ib"}, "c": {"", "ia ic"}}},
		"the older merge comes last": {func(w *world) { w.merge("a", "c", minute(11)); w.merge("a", "b", minute(10)) },
			map[string]want{"a": {"c", "ia"}, "b": {"", "ib"}, "c": {"", "ia ic"}}},
		"a ring of two": {func(w *world) { w.merge("a", "b", minute(10)); w.merge("b", "a", minute(11)) },
			map[string]want{"a": {"", "ia ib"}, "b": {"a", "ib"}}},
		"a ring of three": {func(w *world) {
			w.merge("a", "b", minute(10))
			w.merge("b", "c", minute(11))
			w.merge("c", "a", minute(12))
		}, map[string]want{"a": {"", "ia ib ic"}, "b": {"c", "ib"}, "c": {"a", "ic"}}},
		"two into one": {func(w *world) { w.merge("a", "c", minute(10)); w.merge("b", "c", minute(11)) },
			map[string]want{"a": {"c", "ia"}, "b": {"c", "ib"}, "c": {"", "ia ib ic"}}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, order := range []string{"words first", "identities first"} {
				w := newWorld(t, Config{}, nil)
				if order == "words first" {
					words(w)
					w.settle(time.Time{})
				}
				c.identities(w)
				if order != "words first" {
					w.settle(time.Time{})
					words(w)
				}
				w.settle(time.Time{})
				for id, want := range c.want {
					j := w.journey(id)
					if j.Into != want.into || talksOf(j) != want.talks {
						t.Errorf("%s: %s is part of %q and holds %q, want %q and %q", order, id, j.Into, talksOf(j), want.into, want.talks)
					}
				}
			}
		})
	}
}

// TestJoinedLikeOne checks that a merged customer's journey counts exactly as if
// one customer had said everything.
func TestJoinedLikeOne(t *testing.T) {
	play := func(a, b string, merge bool) event.Journey {
		w := newWorld(t, Config{}, nil)
		w.say(a, 1, "ia", event.WhatsApp, event.Customer, day, -0.5, "refund_request")
		w.say(b, 2, "ib", event.Voice, event.Customer, day.Add(time.Hour), -0.8, "refund_request")
		w.say(b, 3, "ib", event.Voice, event.Agent, day.Add(2*time.Hour), 0)
		w.say(a, 4, "ia", event.WhatsApp, event.Customer, day.Add(3*time.Hour), 0.9, "thanks")
		if merge {
			w.merge(a, b, day.Add(90*time.Minute))
		}
		w.settle(time.Time{})
		j := w.journey(b)
		j.ID, j.Customer, j.Tenant, j.Version, j.Keep, j.Cause, j.Merged = "", "", "", 0, nil, event.Cause{}, nil
		for k := range j.Interactions {
			i := &j.Interactions[k]
			i.Of, i.Basis, i.Joined = "", nil, strings.TrimSuffix(i.Joined, "; joined by crm: same person")
		}
		return j
	}
	joined, one := play("a", "b", true), play("b", "b", false)
	x, err := json.Marshal(joined)
	if err != nil {
		t.Fatal(err)
	}
	y, err := json.Marshal(one)
	if err != nil {
		t.Fatal(err)
	}
	if string(x) != string(y) {
		t.Errorf("joined: %s\none:    %s", x, y)
	}
	if joined.State != event.JourneyResolved || joined.Turns != 4 || joined.Intents[0].Mentions != 2 {
		t.Errorf("the joined journey is %+v", joined)
	}
}

// TestCauseTravels checks that policy can decide on the joined journey: the
// features of the turn arrive with it, and with nothing else.
func TestCauseTravels(t *testing.T) {
	w := newWorld(t, Config{}, nil)
	w.merge("a", "b", day)
	w.say("a", 1, "ia", event.WhatsApp, event.Customer, day.Add(time.Hour), -0.5, "refund_request")
	w.settle(time.Time{})
	var decided []string
	for _, j := range w.told {
		if j.Cause.Features != nil {
			decided = append(decided, j.Customer+" "+j.Cause.Features.ID)
		}
	}
	if !slices.Equal(decided, []string{"b f1"}) {
		t.Errorf("features travel with the states of %q, want those of b alone", decided)
	}
}

// TestAnyOrder plays the same events in many interleavings over three shards,
// with shards that are killed between storing and committing: the journeys come
// out the same.
func TestAnyOrder(t *testing.T) {
	people := []string{"a", "b", "c", "d", "e"}
	play := func(seed uint64, events *rand.Rand) *world {
		var r *rand.Rand
		if seed > 0 {
			r = rand.New(rand.NewPCG(seed, 7))
		}
		w := newWorld(t, Config{}, r)
		for n := range 60 {
			who := people[events.IntN(len(people))]
			at := day.Add(time.Duration(n*n) * 3 * time.Minute)
			talk := fmt.Sprint(who, n/12)
			channel := []event.Channel{event.Voice, event.WhatsApp}[n/12%2]
			w.change(who, talk, channel, event.Started, at) // told more than once, heard of once
			switch events.IntN(14) {
			case 0:
				w.change(who, talk, channel, event.Ended, at)
			case 1:
				into := people[events.IntN(len(people))]
				if into != who {
					w.link(who, into, at, events.IntN(3) == 0)
				}
			case 2:
				w.publish(event.Consents().Message(event.Consent{ID: fmt.Sprint("k", n), Tenant: "default", Customer: who, Purpose: event.Record, Allowed: events.IntN(2) == 0, At: at}))
			case 3:
				if n == 47 {
					w.release(who, "", at)
				}
			default:
				role := []event.Role{event.Customer, event.Customer, event.Agent}[events.IntN(3)]
				w.say(who, n, talk, channel, role, at, 2*events.Float64()-1, []string{"thanks", "complaint", "order_status", "refund_request"}[events.IntN(4)])
			}
		}
		w.settle(late)
		return w
	}
	for script := range uint64(6) {
		want := play(0, rand.New(rand.NewPCG(script, 1)))
		for seed := uint64(1); seed <= 3; seed++ {
			got := play(seed, rand.New(rand.NewPCG(script, 1)))
			if a, b := want.shown(), got.shown(); a != b {
				t.Fatalf("script %d, interleaving %d: the journeys differ:\n%s", script, seed, difference(a, b))
			}
		}
	}
}

func difference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for k := range min(len(x), len(y)) {
		if x[k] != y[k] {
			from := max(0, k-12)
			return strings.Join(x[from:min(len(x), k+4)], "\n") + "\n--- against\n" + strings.Join(y[from:min(len(y), k+4)], "\n")
		}
	}
	return "one is longer"
}
