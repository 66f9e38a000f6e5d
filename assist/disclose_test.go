package assist

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"throughline/event"
)

func TestSaid(t *testing.T) {
	const phrase = "this call is being recorded for quality"
	for name, c := range map[string]struct {
		heard string
		want  bool
	}{
		"word for word":     {"This call is being recorded for quality.", true},
		"in the middle":     {"Hello, before we start, this call is being recorded for quality, all right?", true},
		"misheard":          {"this call is being recordet for qualities", true},
		"a word in between": {"this call is being um recorded for quality", true},
		"a word is missing": {"this call is recorded for quality", true},
		"with apostrophe":   {"It’s so that this call is being recorded for quality", true},
		"negated":           {"this call is not being recorded for quality", false},
		"negated, short":    {"this call isn't being recorded for quality", false},
		"half":              {"this call is about your quality", false},
		"other order":       {"quality for recorded being is call this", false},
		"nothing":           {"", false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := said(heard(c.heard), heard(phrase)); got != c.want {
				t.Errorf("said %v, want %v", got, c.want)
			}
		})
	}
	for name, c := range map[string]struct{ phrase, negated string }{
		"English":      {"this call has been recorded for training", "this call hasn't been recorded for training"},
		"German":       {"dieses Gespräch wird zur Qualitätssicherung aufgezeichnet", "dieses Gespräch wird nicht zur Qualitätssicherung aufgezeichnet"},
		"German, none": {"wir zeichnen Teile von diesem Gespräch auf", "wir zeichnen Teile von keinem Gespräch auf"},
		"Spanish":      {"esta llamada está siendo grabada", "esta llamada no está siendo grabada"},
		"French":       {"cet appel est enregistré pour la qualité", "cet appel n'est pas enregistré pour la qualité"},
		"Portuguese":   {"esta chamada está sendo gravada", "esta chamada não está sendo gravada"},
		"Italian":      {"questa chiamata è registrata per la qualità", "questa chiamata non è registrata per la qualità"},
		"Dutch":        {"dit gesprek wordt opgenomen voor kwaliteit", "dit gesprek wordt niet opgenomen voor kwaliteit"},
	} {
		if !said(heard(c.phrase), heard(c.phrase)) || said(heard(c.negated), heard(c.phrase)) {
			t.Errorf("%s: the phrase is not met by itself, or met by its opposite", name)
		}
	}
	if said(heard("this call is recorded"), heard("this call is not recorded")) {
		t.Error("a phrase with a negation is met without it")
	}
}

const recording = `rules:
  - name: recording
    on: interaction
    when: interaction.change == "started"
    disclose: {say: [this call is recorded, we record this call], within: 60s, severity: critical, title: "Not disclosed on ${interaction.channel}"}
`

// scene plays a call to a shard, and notes what it publishes.
type scene struct {
	t     *testing.T
	shard *shard
	j     event.Journey
	sent  []event.Message
}

func newScene(t *testing.T) *scene {
	s := &scene{t: t, shard: newShard(desk(t, recording)), j: event.Journey{ID: "j1", Tenant: "default", Customer: "c1",
		Interactions: []event.InteractionState{{ID: "i1", Channel: event.Voice, Agent: "a9", Started: at}}}}
	s.shard.opened = at
	s.shard.end = func(context.Context) (int64, error) { return 0, nil }
	return s
}

func (s *scene) publish(j event.Journey) []event.Message {
	s.j.Version++
	s.j.Updated = j.Updated
	msgs := s.shard.decide(j, unexpected(s.t))
	s.sent = append(s.sent, msgs...)
	return msgs
}

func (s *scene) change(c event.Change, after time.Duration) []event.Message {
	j := s.j
	j.Updated, j.Cause = at.Add(after), event.Cause{Type: "interaction", ID: event.ID("x", string(c), after.String()), Interaction: "i1", Change: c}
	if c.Terminal() {
		s.j.Interactions[0].Ended = j.Updated
	}
	return s.publish(j)
}

func (s *scene) says(role event.Role, text string, after time.Duration) []event.Message {
	j, id := s.j, event.ID("t", text, after.String())
	j.Updated, j.Cause = at.Add(after), event.Cause{Type: "turn", ID: id, Features: &event.Features{Turn: event.Turn{ID: id, Interaction: "i1", Channel: event.Voice, Role: role, Text: text, At: at.Add(after)}}}
	return s.publish(j)
}

func (s *scene) clock(t *testing.T, after time.Duration) []event.Message {
	t.Helper()
	msgs, err := s.shard.tick(context.Background(), at.Add(after))
	if err != nil {
		t.Fatal(err)
	}
	s.sent = append(s.sent, msgs...)
	return msgs
}

// restart makes the shard anew from what was published, all but the last skip.
func (s *scene) restart(skip int) {
	d := s.shard
	s.shard = newShard(d.desk)
	s.shard.opened, s.shard.end = at, d.end
	for _, m := range s.sent[:len(s.sent)-skip] {
		s.shard.done.add(idOf(m), at)
		if d, ok := m.Value.(event.Disclosure); ok {
			s.shard.owes.put(d)
		}
	}
}

func (s *scene) states() (states []event.DisclosureState, alerts int) {
	for _, m := range s.sent {
		switch v := m.Value.(type) {
		case event.Disclosure:
			states = append(states, v.State)
		case event.Alert:
			alerts++
		}
	}
	return states, alerts
}

func TestDisclosures(t *testing.T) {
	const required, met, missed, void = event.DisclosureRequired, event.DisclosureMet, event.DisclosureMissed, event.DisclosureVoid
	for name, c := range map[string]struct {
		play   func(*testing.T, *scene)
		want   []event.DisclosureState
		alerts int
	}{
		"said in time": {func(_ *testing.T, s *scene) {
			s.says(event.Agent, "Good morning. This call is recorded.", 5*time.Second)
		}, []event.DisclosureState{required, met}, 0},
		"over two turns": {func(_ *testing.T, s *scene) {
			s.says(event.Agent, "Good morning, this call", 5*time.Second)
			s.says(event.Customer, "hello?", 6*time.Second)
			s.says(event.Agent, "is recorded", 7*time.Second)
		}, []event.DisclosureState{required, met}, 0},
		"by a bot": {func(_ *testing.T, s *scene) { s.says(event.Bot, "we record this call", time.Second) }, []event.DisclosureState{required, met}, 0},
		"by the customer": {func(t *testing.T, s *scene) {
			s.says(event.Customer, "I know, this call is recorded", time.Second)
			s.clock(t, 76*time.Second)
		}, []event.DisclosureState{required, missed}, 1},
		"too late": {func(_ *testing.T, s *scene) {
			s.says(event.Agent, "this call is recorded", 61*time.Second)
			s.says(event.Customer, "so what", 80*time.Second)
		}, []event.DisclosureState{required, missed}, 1},
		"silence": {func(t *testing.T, s *scene) {
			s.clock(t, 60*time.Second)
			s.clock(t, 74*time.Second)
			s.clock(t, 76*time.Second)
			s.clock(t, 90*time.Second)
		}, []event.DisclosureState{required, missed}, 1},
		"hung up before": {func(t *testing.T, s *scene) {
			s.change(event.Ended, 10*time.Second)
			s.clock(t, 90*time.Second)
		}, []event.DisclosureState{required, void}, 0},
		"words come after the end": {func(_ *testing.T, s *scene) {
			s.change(event.Ended, 10*time.Second)
			s.says(event.Agent, "we record this call", 4*time.Second)
		}, []event.DisclosureState{required, void, met}, 0},
		"words come after the deadline": {func(t *testing.T, s *scene) {
			s.clock(t, 80*time.Second)
			s.says(event.Agent, "we record this call", 50*time.Second)
		}, []event.DisclosureState{required, missed, met}, 1},
		"not while journeys wait to be read": {func(t *testing.T, s *scene) {
			s.shard.end = func(context.Context) (int64, error) { return 5, nil }
			s.shard.next = 4
			s.clock(t, 80*time.Second)
		}, []event.DisclosureState{required}, 0},
		"not while a start may have brought nothing yet": {func(t *testing.T, s *scene) {
			s.shard.end = func(context.Context) (int64, error) { return 5, nil }
			s.shard.opened = at.Add(60 * time.Second)
			s.clock(t, 80*time.Second)
		}, []event.DisclosureState{required}, 0},
		"a start that brings nothing": {func(t *testing.T, s *scene) {
			s.shard.end = func(context.Context) (int64, error) { return 5, nil }
			s.shard.opened = at.Add(60 * time.Second)
			s.clock(t, 91*time.Second)
		}, []event.DisclosureState{required, missed}, 1},
		"once over restarts": {func(t *testing.T, s *scene) {
			s.restart(0)
			s.clock(t, 80*time.Second)
			s.restart(0)
			s.clock(t, 85*time.Second)
			s.says(event.Agent, "bye", 95*time.Second)
		}, []event.DisclosureState{required, missed}, 1},
		"met over restarts": {func(t *testing.T, s *scene) {
			s.restart(0)
			s.says(event.Agent, "this call is recorded", 20*time.Second)
			s.restart(0)
			s.clock(t, 80*time.Second)
		}, []event.DisclosureState{required, met}, 0},
		"the started event again": {func(_ *testing.T, s *scene) { s.change(event.Started, 0); s.restart(0); s.change(event.Started, 0) }, []event.DisclosureState{required}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.change(event.Started, 0)
			c.play(t, s)
			states, alerts := s.states()
			if !slices.Equal(states, c.want) || alerts != c.alerts {
				t.Errorf("%v and %d alerts, want %v and %d", states, alerts, c.want, c.alerts)
			}
		})
	}
}

// TestMissedIsToldOnceWhereverItStops stops between the alert and the note of it.
func TestMissedIsToldOnceWhereverItStops(t *testing.T) {
	for skip := range 3 {
		s := newScene(t)
		s.change(event.Started, 0)
		msgs := s.clock(t, 80*time.Second)
		if len(msgs) != 2 {
			t.Fatalf("%d messages, want an alert and a disclosure", len(msgs))
		}
		s.restart(skip)
		s.sent = s.sent[:len(s.sent)-skip]
		s.clock(t, 85*time.Second)
		states, alerts := s.states()
		if alerts != 1 || states[len(states)-1] != event.DisclosureMissed {
			t.Errorf("stopped before the last %d: %v and %d alerts, want missed and 1", skip, states, alerts)
		}
	}
}

func TestDisclosureRemembersWhatWasSaidBefore(t *testing.T) {
	s := newScene(t)
	s.j.Recent = []event.TurnDigest{{ID: "t0", Interaction: "i1", Role: event.Bot, At: at, Text: "Hello, this call is recorded."}}
	s.change(event.Started, time.Second)
	if states, _ := s.states(); !slices.Equal(states, []event.DisclosureState{event.DisclosureRequired, event.DisclosureMet}) {
		t.Errorf("%v, want it to be met at once", states)
	}
}

func TestTickTellsWhyItCannotSee(t *testing.T) {
	s := newScene(t)
	s.change(event.Started, 0)
	away := errors.New("broker away")
	s.shard.end = func(context.Context) (int64, error) { return 0, away }
	if _, err := s.shard.tick(context.Background(), at.Add(80*time.Second)); !errors.Is(err, away) {
		t.Errorf("got %v, want %v", err, away)
	}
}

func TestLedgerForgets(t *testing.T) {
	s := newScene(t)
	s.change(event.Started, 0)
	s.says(event.Agent, "this call is recorded", 5*time.Second)
	s.clock(t, 2*time.Hour)
	if n := len(s.shard.owes.byID) + len(s.shard.owes.byInteraction); n != 0 {
		t.Errorf("%d entries are left", n)
	}
}

func FuzzSaid(f *testing.F) {
	f.Add("this call is recorded", "this call is being recorded")
	f.Fuzz(func(t *testing.T, phrase, text string) {
		want := heard(phrase)
		if len(want) == 0 || len(want) > maxWords || len(text) > 2000 {
			return
		}
		if !said(want, want) {
			t.Errorf("%q does not say itself", phrase)
		}
		said(heard(text), want)
	})
}
