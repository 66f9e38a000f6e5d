package journey

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"throughline/event"
)

// TestNameAfterRelease learns late, and after a restart, that a number had passed
// to somebody else: whoever has it keeps the name that they gave.
func TestNameAfterRelease(t *testing.T) {
	given := day.Add(100 * time.Hour)
	w := newWorld(t, Config{}, nil)
	start := func(interaction, name string, at time.Time) {
		w.publish(event.Interactions().Message(event.Interaction{ID: "x" + interaction, Tenant: "default", Customer: "n", Interaction: interaction, Channel: event.Voice, Change: event.Started, Name: name, At: at}))
	}
	start("old1", "Person Before", day)
	start("new1", "Person Now", given.Add(time.Hour))
	w.settle(late)
	for p := range partitions {
		w.open(p)
	}
	w.told = nil
	w.release("n", "", given)
	w.settle(late)
	if j := w.journey("n"); talksOf(j) != "new1" || j.Name != "Person Now" {
		t.Errorf("%s is called %q, want new1 and the name they gave", talksOf(j), j.Name)
	}
	for _, j := range w.told {
		if j.ResolvedBy == byRelease && j.Name != "" {
			t.Errorf("the journey of the person before is under the name %q", j.Name)
		}
	}
}

// TestReusedNumberLeaksNothing gives a number to somebody else and looks, in
// every state published from then on, for anything of the person before.
func TestReusedNumberLeaksNothing(t *testing.T) {
	given := day.Add(100 * time.Hour)
	for name, heir := range map[string]string{"known again": "new", "gone": ""} {
		t.Run(name, func(t *testing.T) {
			for seed := uint64(0); seed < 6; seed++ {
				var r *rand.Rand
				if seed > 0 {
					r = rand.New(rand.NewPCG(seed, 3))
				}
				w := newWorld(t, Config{}, r)
				w.change("n", "old1", event.WhatsApp, event.Started, day)
				old := said(1, "old1", event.WhatsApp, event.Customer, day, -0.7, "refund_request")
				old.Turn.Customer, old.Turn.Text = "n", "SECRET of the person before"
				old.Entities = []event.Entity{{Type: "ORDER", Text: "SECRET17", Value: "SECRET17"}}
				w.publish(event.AnalysedTurns().Message(old))
				w.publish(event.Consents().Message(event.Consent{ID: "k", Tenant: "default", Customer: "n", Purpose: event.Market, Allowed: true, At: day}))
				w.say("whatsapp-id", 2, "old2", event.WhatsApp, event.Customer, day.Add(time.Hour), -0.2, "complaint")
				w.merge("whatsapp-id", "n", day.Add(time.Minute)) // was one with the person before
				w.settle(time.Time{})
				w.told = nil

				w.release("n", heir, given)
				w.settle(time.Time{})
				// A word of before comes late; then somebody else writes and calls.
				word := said(3, "old1", event.WhatsApp, event.Customer, day.Add(time.Minute), -0.5, "complaint")
				word.Turn.Customer, word.Turn.Text = "n", "SECRET that came late"
				w.publish(event.AnalysedTurns().Message(word))
				w.change("n", "new1", event.WhatsApp, event.Started, given.Add(time.Hour))
				w.say("n", 4, "new1", event.WhatsApp, event.Customer, given.Add(time.Hour), 0.3, "order_status")
				w.settle(late)
				j := w.journey("n")
				data, err := json.Marshal(j)
				if err != nil {
					t.Fatal(err)
				}
				if talksOf(j) != "new1" || j.Turns != 1 || len(j.Past) != 0 || len(j.Facts) != 0 || len(j.Merged) != 0 || len(j.Opted) != 0 ||
					strings.Contains(string(data), "SECRET") || strings.Contains(string(data), `"old`) || strings.Contains(string(data), "refund") {
					t.Fatalf("seed %d: %s %v %v %v %v the new person's state is %s", seed, talksOf(j), j.Past, j.Facts, j.Merged, j.Opted, data)
				}
				// Everything told once the handle passed, but for the closing itself.
				for k := slices.IndexFunc(w.told, func(j event.Journey) bool { return !j.Since.IsZero() && j.ResolvedBy != byRelease }); k < len(w.told); k++ {
					if s := w.told[k]; s.Customer == "n" && s.ResolvedBy != byRelease {
						if d, err := json.Marshal(s); err != nil || strings.Contains(string(d), "SECRET") || strings.Contains(string(d), "old1") {
							t.Fatalf("seed %d: a state after the release says %s", seed, d)
						}
					}
				}
				if heir == "" {
					continue
				}
				h := w.journey(heir)
				if talksOf(h) != "old1 old2" || h.Turns != 3 || !h.Opted["market"] || slices.Contains(h.Merged, "n") {
					t.Errorf("seed %d: the person before has %q, %d turns, consents %v, merged %v; want their own three turns", seed, talksOf(h), h.Turns, h.Opted, h.Merged)
				}
				if h.Interactions[0].Ended.IsZero() {
					t.Error("what was open when the number passed on is not closed")
				}
			}
		})
	}
}
