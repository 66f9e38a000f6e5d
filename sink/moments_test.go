package sink_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"throughline/event"
	"throughline/moment"
)

// TestMomentsComeBackAsTheyWereSeen stores journeys of every shape and reads
// what policy saw of them: a back-test must decide on the very same values.
func TestMomentsComeBackAsTheyWereSeen(t *testing.T) {
	h := open(t)
	defer h.run(t)()
	rnd := rand.New(rand.NewPCG(1, 2))
	want := map[string]moment.Moment{}
	var msgs []event.Message
	const n = 300
	for i := range n {
		j := journeyOf(rnd, i)
		want[j.Cause.ID] = *moment.Of(j)
		msgs = append(msgs, event.Journeys().Message(j))
	}
	h.publish(t, msgs...)
	h.eventually(t, n, "SELECT count() FROM moments")
	seen := 0
	err := h.store.Moments(context.Background(), slices.Concat(moment.Facts(), moment.Columns()), "tenant = 'it''s'", func(m *moment.Moment) error {
		seen++
		got, want := normal(*m), normal(want[m.Cause])
		for _, c := range slices.Concat(moment.Facts(), moment.Columns()) {
			if !reflect.DeepEqual(c.Of(&got), c.Of(&want)) {
				t.Errorf("%s: %s is stored as %v and was seen as %v", m.Cause, c.Name(), c.Of(&got), c.Of(&want))
			}
		}
		return nil
	})
	if err != nil || seen != n {
		t.Fatalf("read %d of %d: %v", seen, n, err)
	}
	stop := fmt.Errorf("enough")
	if err := h.store.Moments(context.Background(), moment.Facts(), "1", func(*moment.Moment) error { return stop }); err != stop {
		t.Errorf("an error of the visitor came back as %v", err)
	}
}

// TestMomentsAreDocumented compares the table's columns and comments with what
// rules see.
func TestMomentsAreDocumented(t *testing.T) {
	h := open(t)
	for _, c := range slices.Concat(moment.Facts(), moment.Columns()) {
		var comment string
		if err := h.query.QueryRow(context.Background(), "SELECT comment FROM system.columns WHERE database = 'throughline' AND table = 'moments' AND name = ?", c.Name()).Scan(&comment); err != nil {
			t.Errorf("%s: %v", c.Name(), err)
		}
		if !strings.EqualFold(comment, c.About) {
			t.Errorf("%s: comment is %q, rules are told %q", c.Name(), comment, c.About)
		}
	}
}

// normal makes empty lists alike, and times comparable.
func normal(m moment.Moment) moment.Moment {
	for _, c := range slices.Concat(moment.Facts(), moment.Columns()) {
		switch v := c.Into(&m).(type) {
		case *[]string:
			if len(*v) == 0 {
				*v = nil
			}
		case *time.Time:
			*v = v.UTC()
		}
	}
	return m
}

func journeyOf(rnd *rand.Rand, i int) event.Journey {
	float := func() float64 { return (rnd.Float64() - 0.5) * math.Pow(10, float64(rnd.IntN(8)-4)) }
	word := func() string { return []string{"", "a", "it's", "ü \\ \"x\"", "x,y", "\n\t", "日本"}[rnd.IntN(7)] }
	moments := func() time.Time {
		return []time.Time{{}, time.Now(), time.Date(2150, 1, 1, 0, 0, 0, 999_999_999, time.UTC), time.Date(1999, 12, 31, 23, 59, 59, 1_000_001, time.FixedZone("", -3600))}[rnd.IntN(4)]
	}
	j := event.Journey{ID: fmt.Sprint("j", i), Tenant: "it's", Customer: fmt.Sprint("c", i%9), Version: uint64(i), State: event.JourneyOpen, Opened: moments(), Updated: moments(),
		Cause: event.Cause{Type: "interaction", ID: fmt.Sprint("x", i), Interaction: "i1", Change: event.Started}, Tags: []string{word(), word()}, Turns: rnd.IntN(9),
		Sentiment: event.JourneySentiment{Overall: float(), Last: float(), Trend: float(), Volatility: float(), Shift: word()}, Opted: map[string]bool{"train": true, "market": false}}
	j.Interactions = []event.InteractionState{{ID: "i1", Channel: event.Voice, Direction: "outbound", Started: moments(), Agent: word(), Reasks: 2, Sentiment: float()}, {ID: "i2", Channel: event.SMS}}
	if rnd.IntN(2) == 0 {
		pickup := rnd.IntN(4)
		j.Interactions[0].Pickup = &pickup
		j.Scores.Satisfaction = &event.Score{Value: float()}
		j.Facts = []event.Fact{{Kind: "promised", About: word()}, {Kind: "answered", About: "order number"}}
	}
	if rnd.IntN(2) == 0 {
		j.Cause = event.Cause{Type: "turn", ID: fmt.Sprint("x", i), Features: &event.Features{Turn: event.Turn{ID: fmt.Sprint("t", i), Interaction: "i2", Role: event.Customer, Text: word(), At: moments(), Historic: rnd.IntN(2) == 0},
			Sentiment: &event.Sentiment{Score: float(), Magnitude: float()}, Intents: []event.Label{{Name: word()}}, OutOfScope: float(), Model: "m"}}
	}
	return j
}
