package demo

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"throughline/event"
)

// all is a round of the bundled day of which everything arrived.
func all(t testing.TB) (day, *ledger, findings) {
	d := bundledDay(t)
	people := newCast(d, time.Now(), 0)
	l := newLedger()
	f := findings{features: map[string]int{}, statuses: map[status]int{}, changes: map[[2]string]int{}, optedOut: map[string]bool{}, uttered: map[[2]string]int{}}
	journeys := map[string][]string{}
	for _, c := range d.Conversations {
		customer, interaction := "c_"+c.Who, "i_"+c.ID
		journeys[customer] = append(journeys[customer], string(c.Channel))
		f.changes[[2]string{interaction, "started"}]++
		f.optedOut[customer] = c.OptsOut
		for _, rule := range c.Expect {
			f.advice = append(f.advice, adviceRow{ID: rule + c.ID, Customer: customer, Rule: rule, What: "alert"})
			l.advised(rule + c.ID)
		}
		for i, s := range c.Steps {
			id := people.messageID(c, i)
			switch {
			case s.said():
				_, secrets := people.people[c.Who].words(s.Says)
				l.sending(message{ID: id, Conversation: c.ID, Person: c.Who, Channel: c.Channel, Kind: s.kind(), Role: s.role(), Secrets: secrets})
				l.accepted(id, "", "", "")
				l.seen(event.Turn{ID: "t_" + id, Provider: id, Interaction: interaction, Customer: customer}, time.Now())
				row := turnRow{Provider: id, ID: "t_" + id, Customer: customer, Interaction: interaction, Kind: string(s.kind())}
				for _, x := range secrets {
					row.Redacted = append(row.Redacted, x.Type)
				}
				f.turns = append(f.turns, row)
				f.features["t_"+id]++
				for _, name := range s.Statuses {
					l.sentStatus(id, name)
					f.statuses[status{"t_" + id, name}]++
				}
				if c.Channel == event.WebChat && s.role() != event.Customer {
					l.showed(id)
				}
			case s.Event != "":
				l.sentChange(c.ID, s.Event)
				f.changes[[2]string{interaction, string(s.Event)}]++
			case s.End != "":
				l.sentChange(c.ID, event.Ended)
				f.changes[[2]string{interaction, "ended"}]++
			}
		}
	}
	for _, c := range d.Calls {
		customer, interaction := "c_"+c.Who, "i_"+c.ID
		l.told(pushed{Customer: customer, Interaction: interaction, Channel: event.Voice, Open: make([]struct{}, 1), Interactions: make([]struct{}, 2)})
		l.rang(c.ID)
		journeys[customer] = append(journeys[customer], string(event.Voice))
		f.calls = append(f.calls, callRow{Session: people.session(c), Interaction: interaction, Customer: customer, Started: 1, Ended: 1})
		for _, who := range sides() {
			f.uttered[[2]string{interaction, string(who)}] = 3
		}
	}
	for customer, channels := range journeys {
		f.journeys = append(f.journeys, journeyRow{ID: "j", Customer: customer, Channels: channels})
	}
	return d, l, f
}

func TestAllThere(t *testing.T) {
	r := judge(all(t))
	if !r.OK || len(r.Missing) > 0 {
		t.Fatalf("all is there, and it is missing %v", r.Missing)
	}
	if r.Stored.Turns != r.Sent.Messages || r.Streamed.Turns != r.Sent.Messages || r.Stored.Features != r.Sent.Messages ||
		r.Stored.Ended != r.Sent.Conversations || r.Stored.OptedOut != 1 || r.Journeys.Spanning != 2 || r.Journeys.Calls != 1 || r.Journeys.Told != 1 || r.Secrets.Planted < 12 {
		t.Errorf("counted %+v", r)
	}
	if !strings.Contains(r.summary(), "all there") {
		t.Errorf("people are told %s", r.summary())
	}
}

// A stream that broke off and came back may repeat nothing either.
func TestARestartExcusesNoRepeat(t *testing.T) {
	d, l, f := all(t)
	l.messages[l.order[0]].Times = 2
	l.advised(f.advice[0].ID)
	l.counts.Reconnected = 1
	if r := judge(d, l, f); r.OK || len(r.Missing) != 2 || r.Streamed.Several != 1 {
		t.Errorf("after a restart: missing %v, %d repeated", r.Missing, r.Streamed.Several)
	}
}

func TestWhatIsNotAsItMustBe(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		spoil      func(*ledger, *findings)
	}{
		{"a row is missing", "1 of 133 messages are not in ClickHouse", func(_ *ledger, f *findings) { f.turns = f.turns[1:] }},
		{"a row is there twice", "1 messages are in ClickHouse more than once", func(_ *ledger, f *findings) { f.turns = append(f.turns, f.turns[0]) }},
		{"a row that nobody sent", "were never sent", func(_ *ledger, f *findings) { f.turns = append(f.turns, turnRow{Provider: "forged"}) }},
		{"another kind", "stored as another kind", func(_ *ledger, f *findings) { f.turns[0].Kind = "fax" }},
		{"no analysis", "have no analysis", func(_ *ledger, f *findings) { delete(f.features, f.turns[0].ID) }},
		{"two analyses", "is analysed 2 times", func(_ *ledger, f *findings) { f.features[f.turns[0].ID]++ }},
		{"a status is missing", "delivery statuses are not", func(_ *ledger, f *findings) { delete(f.statuses, first(f.statuses)) }},
		{"a status is there twice", "in ClickHouse 2 times", func(_ *ledger, f *findings) { f.statuses[first(f.statuses)]++ }},
		{"no start", "late-parcel started 0 times", func(_ *ledger, f *findings) { delete(f.changes, [2]string{"i_late-parcel", "started"}) }},
		{"no end", "late-parcel ended 0 times", func(_ *ledger, f *findings) { delete(f.changes, [2]string{"i_late-parcel", "ended"}) }},
		{"two ends", "late-parcel ended 2 times", func(_ *ledger, f *findings) { f.changes[[2]string{"i_late-parcel", "ended"}]++ }},
		{"no hold", `0 of 1 changes "held"`, func(_ *ledger, f *findings) { delete(f.changes, [2]string{"i_late-parcel", "held"}) }},
		{"a rule is silent", "rule escalation_threat did not fire in late-parcel", func(_ *ledger, f *findings) {
			f.advice = slices.DeleteFunc(f.advice, func(a adviceRow) bool { return a.Rule == "escalation_threat" })
		}},
		{"a rule fires for another", "rule escalation_threat did not fire", func(_ *ledger, f *findings) {
			for i := range f.advice {
				if f.advice[i].Rule == "escalation_threat" {
					f.advice[i].Customer = "c_calm"
				}
			}
		}},
		{"an alert is not on the stream", "alerts and suggestions were not seen", func(l *ledger, f *findings) { delete(l.advice, f.advice[0].ID) }},
		{"two journeys", "the journey of mixer does not span", func(_ *ledger, f *findings) {
			for i := range f.journeys {
				if f.journeys[i].Customer == "c_mixer" {
					f.journeys[i].Channels = f.journeys[i].Channels[:1]
				}
			}
		}},
		{"a journey without the call", "the journey of mixer does not span", func(_ *ledger, f *findings) {
			for i := range f.journeys {
				f.journeys[i].Channels = slices.DeleteFunc(f.journeys[i].Channels, func(c string) bool { return c == string(event.Voice) })
			}
		}},
		{"a call finds its agent with no context", "nobody was told what is open", func(l *ledger, _ *findings) { l.contexts = nil }},
		{"a call breaks off", "blender-call was not played to its end", func(l *ledger, _ *findings) { delete(l.played, "blender-call") }},
		{"a call is not stored", "started 0 times", func(_ *ledger, f *findings) { f.calls = f.calls[1:] }},
		{"a call never ends", "ended 0 times", func(_ *ledger, f *findings) { f.calls[0].Ended = 0 }},
		{"a call of a stranger", "not the customer of the other channels", func(_ *ledger, f *findings) {
			for i := range f.calls {
				f.calls[i].Customer = "c_stranger"
			}
		}},
		{"one party is not understood", "utterances of the agent", func(_ *ledger, f *findings) { delete(f.uttered, [2]string{"i_blender-call", "agent"}) }},
		{"no consent", "optout opted out and no consent", func(_ *ledger, f *findings) { delete(f.optedOut, "c_optout") }},
		{"not on the stream", "1 of 133 turns were not seen", func(l *ledger, _ *findings) { l.messages[l.order[0]].Times = 0 }},
		{"twice on the stream", "1 turns were seen on the stream more than once", func(l *ledger, _ *findings) { l.messages[l.order[0]].Times = 2 }},
		{"the stream was cut", "could not be resumed", func(l *ledger, _ *findings) { l.counts.Resets = 1 }},
		{"a secret on the stream", "found in stream, 1 times", func(l *ledger, _ *findings) { l.watch([]byte("card 5555 5555 5555 4444")) }},
		{"a secret in a table", "found in clickhouse turns.text, 2 times", func(_ *ledger, f *findings) { f.leaks = []Leak{{"clickhouse turns.text", 2}} }},
		{"a secret not marked", "planted CARD were not marked", func(_ *ledger, f *findings) {
			for i := range f.turns {
				f.turns[i].Redacted = slices.DeleteFunc(f.turns[i].Redacted, func(s string) bool { return s == "CARD" })
			}
		}},
		{"not accepted", "1 of 133 messages were not accepted", func(l *ledger, _ *findings) { l.messages[l.order[0]].Accepted = false }},
		{"not sent", "messages of the script were not sent", func(l *ledger, _ *findings) { l.order = l.order[1:] }},
		{"an answer is not shown", "answers in chats were not shown", func(l *ledger, _ *findings) { delete(l.shown, first(l.shown)) }},
		{"an answer is shown twice", "answers in chats were not shown", func(l *ledger, _ *findings) { l.shown[first(l.shown)]++ }},
		{"a message strays", "in another interaction", func(l *ledger, _ *findings) { l.messages[l.order[0]].Interaction = "i_other" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, l, f := all(t)
			tt.spoil(l, &f)
			r := judge(d, l, f)
			if r.OK || !strings.Contains(strings.Join(r.Missing, "\n"), tt.want) {
				t.Errorf("ok is %v, missing %q", r.OK, r.Missing)
			}
		})
	}
}

// first is a key of m, the same every time.
func first[K comparable, V any](m map[K]V) K {
	keys := slices.Collect(maps.Keys(m))
	slices.SortFunc(keys, func(a, b K) int { return strings.Compare(text(a), text(b)) })
	return keys[0]
}

func text(v any) string {
	if s, ok := v.(status); ok {
		return s.Message + s.Status
	}
	return v.(string)
}

func TestTheReportHoldsNobodysWords(t *testing.T) {
	d, l, f := all(t)
	f.turns = nil
	r := judge(d, l, f)
	said := strings.Join(r.Missing, "\n") + r.summary()
	for _, n := range l.needles {
		if strings.Contains(said, n) {
			t.Error("a planted secret stands in the report")
		}
	}
}

func TestPercentile(t *testing.T) {
	values := make([]float64, 100)
	for i := range values {
		values[i] = float64(i + 1)
	}
	for p, want := range map[float64]float64{50: 50, 99: 99, 100: 100, 0: 1} {
		if got := percentile(values, p); got != want {
			t.Errorf("p%g is %g, want %g", p, got, want)
		}
	}
	if got := percentile([]float64{7}, 99); got != 7 {
		t.Errorf("of one value it is %g", got)
	}
}
