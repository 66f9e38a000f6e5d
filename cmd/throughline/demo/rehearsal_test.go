package demo

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"throughline/assist"
	"throughline/event"
	"throughline/governance/redact"
	"throughline/journey"
	"throughline/moment"
	"throughline/nlp"
	"throughline/nlp/floor"
	"throughline/nlp/intent"
)

// TestRehearsal plays the script through the product's own redaction, models,
// journeys and policy, one after the other in this process: what the script
// expects to be taken out and to fire must do so, whoever changed which side.
func TestRehearsal(t *testing.T) {
	d, err := bundled()
	if err != nil {
		t.Fatal(err)
	}
	reader, err := floor.Open()
	if err != nil {
		t.Fatal(err)
	}
	taxonomy, err := intent.Default()
	if err != nil {
		t.Fatal(err)
	}
	owned, err := intent.Own(context.Background(), taxonomy, reader, intent.Options{})
	if err != nil {
		t.Fatal(err)
	}
	policy, err := assist.LoadFile("")
	if err != nil {
		t.Fatal(err)
	}
	gate, err := redact.New(redact.Config{})
	if err != nil {
		t.Fatal(err)
	}
	r := &rehearsal{t: t, cast: newCast(d, time.Now(), 0), gate: gate, model: nlp.New(nlp.Parts{Reader: reader, Intents: owned}),
		shard: journey.NewShard(journey.Config{}), policy: policy, fired: map[string]map[string]bool{}}
	conversations := slices.Clone(d.Conversations)
	slices.SortStableFunc(conversations, func(a, b conversation) int { return cmp.Compare(a.At, b.At) })
	for _, c := range conversations {
		r.play(c)
	}
	for _, c := range d.Conversations {
		t.Logf("%-18s %v", c.ID, slices.Sorted(maps.Keys(r.fired[c.Who])))
		for _, rule := range c.Expect {
			if !r.fired[c.Who][rule] {
				t.Errorf("%s: rule %s does not fire", c.ID, rule)
			}
		}
	}
}

type rehearsal struct {
	t      *testing.T
	cast   cast
	gate   *redact.Redacter
	model  *nlp.Model
	shard  *journey.Shard
	policy *assist.Policy
	fired  map[string]map[string]bool // by person
}

func (r *rehearsal) play(c conversation) {
	ctx, p := context.Background(), r.cast.people[c.Who]
	at := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC).Add(time.Duration(c.At))
	life := event.Interaction{Tenant: "t", Customer: "c_" + c.Who, Interaction: "i_" + c.ID, Channel: c.Channel}
	change := func(i int, kind event.Change, status string) {
		l := life
		l.ID, l.Change, l.At, l.Status = r.cast.messageID(c, i)+string(kind)+status, kind, at, status
		msgs, err := r.shard.Change(ctx, l)
		if err != nil {
			r.t.Fatal(err)
		}
		r.decide(c, msgs)
	}
	change(0, event.Started, "")
	var memory redact.Conversation
	before := nlp.Before{}
	for i, s := range c.Steps {
		at = at.Add(s.In)
		switch {
		case s.Event != "":
			change(i, s.Event, "")
		case s.End != "":
			change(i, event.Ended, "")
		}
		if !s.said() {
			continue
		}
		text, _ := p.words(s.Says)
		out := r.gate.Next(&memory, redact.Said{Tenant: "t", Speaker: string(s.role()), Text: text})
		turn := event.Turn{ID: r.cast.messageID(c, i), Tenant: "t", Customer: life.Customer, Interaction: life.Interaction, Channel: c.Channel,
			Role: s.role(), Agent: s.Agent, Kind: s.kind(), At: at, Text: out.Text}
		for _, x := range out.Replaced {
			turn.Redacted = append(turn.Redacted, event.Redaction{Type: string(x.Type)})
		}
		f, err := r.model.Features(ctx, turn, before)
		if err != nil {
			r.t.Fatal(err)
		}
		before = nlp.Before{}
		if s.role() != event.Customer {
			before = nlp.BeforeOf(turn)
		}
		if s.role() == event.Customer && testing.Verbose() {
			score := "   -  "
			if f.Sentiment != nil {
				score = strings.TrimSpace(time.Duration(f.Sentiment.Score * 1e9).String())
			}
			var names []string
			for _, l := range f.Intents {
				names = append(names, l.Name)
			}
			r.t.Logf("%-18s %2d %s %v %.70q", c.ID, i, score, names, turn.Text)
		}
		msgs, err := r.shard.Turn(ctx, f)
		if err != nil {
			r.t.Fatal(err)
		}
		r.decide(c, msgs)
		for _, status := range s.Statuses {
			change(i, event.Delivery, status)
		}
	}
}

func (r *rehearsal) decide(c conversation, msgs []event.Message) {
	for _, m := range msgs {
		j, ok := m.Value.(event.Journey)
		if !ok {
			continue
		}
		for _, d := range r.policy.Decide(moment.Of(j)) {
			if err := d.Err(); err != nil {
				r.t.Errorf("%s: %v", c.ID, err)
				continue
			}
			if r.fired[c.Who] == nil {
				r.fired[c.Who] = map[string]bool{}
			}
			r.fired[c.Who][d.Rule] = true
		}
	}
}

// TestExactlyWhatIsPlantedIsTakenOut wants every planted secret to be found for
// what it is, in every round's spelling of the day, and nothing else, or the
// report would ask for what nobody could deliver.
func TestExactlyWhatIsPlantedIsTakenOut(t *testing.T) {
	d := bundledDay(t)
	gate, err := redact.New(redact.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for round := range 100 {
		people := newCast(d, time.UnixMilli(1_790_000_000_000+int64(round)*337_017), round)
		for _, c := range d.Conversations {
			var memory redact.Conversation
			for i, s := range c.Steps {
				text, secrets := people.people[c.Who].words(s.Says)
				if !s.said() {
					continue
				}
				out := gate.Next(&memory, redact.Said{Tenant: "t", Speaker: string(s.role()), Text: text})
				var got, want []string
				for _, x := range out.Replaced {
					got = append(got, string(x.Type))
				}
				for _, x := range secrets {
					want = append(want, x.Type)
					for _, n := range x.needles() {
						if strings.Contains(out.Text, n) {
							t.Errorf("%s step %d: a %s stays", c.ID, i+1, x.Type)
						}
					}
				}
				if !slices.Equal(got, want) {
					t.Errorf("%s step %d, order %s: %v are taken out and %v are planted", c.ID, i+1, people.people[c.Who].order, got, want)
				}
			}
		}
	}
}
