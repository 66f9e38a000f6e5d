package moment

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"throughline/event"
)

func TestOfChoosesTheInteraction(t *testing.T) {
	j := event.Journey{Interactions: []event.InteractionState{{ID: "i1"}, {ID: "i2"}, {ID: "i3"}}}
	for name, c := range map[string]struct {
		cause event.Cause
		want  string
	}{
		"a turn of the second":    {event.Cause{Type: "turn", Features: &event.Features{Turn: event.Turn{Interaction: "i2"}}}, "i2"},
		"a change of the first":   {event.Cause{Type: "interaction", Interaction: "i1", Change: event.Delivery}, "i1"},
		"time":                    {event.Cause{Type: "time"}, "i3"},
		"of one no longer listed": {event.Cause{Type: "interaction", Interaction: "i0"}, "i3"},
	} {
		j.Cause = c.cause
		if got := Of(j).Interaction.ID; got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestOfIsBounded(t *testing.T) {
	f := event.Features{Turn: event.Turn{Text: strings.Repeat("ü", MaxText), At: time.Date(2026, 1, 2, 3, 4, 5, 678_900_000, time.FixedZone("", 3600))}}
	for range 100 {
		f.Intents = append(f.Intents, event.Label{Name: "x"})
	}
	m := Of(event.Journey{Cause: event.Cause{Type: "turn", Features: &f}})
	if len(m.Turn.Intents) != MaxList || len(m.Turn.Text) > MaxText || !utf8.ValidString(m.Turn.Text) {
		t.Errorf("%d intents and %d bytes", len(m.Turn.Intents), len(m.Turn.Text))
	}
	if want := time.Date(2026, 1, 2, 2, 4, 5, 678_000_000, time.UTC); m.Now != want || m.Turn.At != want {
		t.Errorf("now %s, at %s, want %s", m.Now, m.Turn.At, want)
	}
	if !m.Journey.Opened.Equal(time.Unix(0, 0)) {
		t.Errorf("a time that is unknown is %s", m.Journey.Opened)
	}
}

// TestChangeShowsTheSame reads a journey whole and as a change.
func TestChangeShowsTheSame(t *testing.T) {
	pickup := 2
	whole := event.Journey{ID: "j", Tenant: "t", Customer: "c", Version: 9, Into: "d", Opened: time.Unix(5, 0), Turns: 3, Reasks: 1, Tags: []string{"x"},
		Curve: []event.Point{{N: 1}}, Keep: &event.Keep{Version: 4}, Recent: []event.TurnDigest{{ID: "t0"}}, Opted: map[string]bool{"train": true}, Past: make([]event.PastJourney, 2),
		Interactions: []event.InteractionState{{ID: "i", Pickup: &pickup}}, Intents: []event.OpenIntent{{Name: "refund"}}, Facts: []event.Fact{{Kind: "promised", About: "call back"}},
		Scores: event.Scores{Churn: &event.Score{Value: 0.5}}, Cause: event.Cause{Type: "turn", Features: &event.Features{Turn: event.Turn{ID: "t1", Interaction: "i", Text: "words"}}}}
	encoded, err := json.Marshal(whole)
	if err != nil {
		t.Fatal(err)
	}
	var back event.Journey
	var change Change
	if err := errors.Join(json.Unmarshal(encoded, &back), json.Unmarshal(encoded, &change)); err != nil {
		t.Fatal(err)
	}
	if got, want := Of(change.Journey), Of(back); !reflect.DeepEqual(got, want) || !change.Elsewhere() || len(change.Recent) != 1 {
		t.Errorf("a change shows %+v, the journey %+v", got, want)
	}
	if change.Journey.Keep != nil || change.Journey.Curve != nil {
		t.Error("the memory of the journey stage was decoded")
	}
}

// TestColumns writes each column's value and finds it where the rule would.
func TestColumns(t *testing.T) {
	seen := map[string]bool{}
	m := &Moment{}
	for _, c := range slices.Concat(Columns(), Facts()) {
		if seen[c.Name()] || c.About == "" || c.Field == "" {
			t.Errorf("column %q stands twice, or is not explained", c.Name())
		}
		seen[c.Name()] = true
		value := reflect.ValueOf(c.Into(m)).Elem()
		switch value.Kind() {
		case reflect.String:
			value.SetString(c.Name())
		case reflect.Bool:
			value.SetBool(true)
		}
		if !reflect.DeepEqual(c.Of(m), value.Interface()) {
			t.Errorf("%s: wrote %v, read %v", c.Name(), value, c.Of(m))
		}
	}
	if m.Turn.Role != "turn_role" || m.Journey.State != "journey_state" || !m.Historic || m.Tenant != "tenant" {
		t.Errorf("columns lie elsewhere: %+v", m)
	}
}
