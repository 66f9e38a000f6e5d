package journey

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"throughline/event"
)

// line is a turn of a written conversation.
type line struct {
	interaction string
	channel     event.Channel
	role        event.Role
	text        string
	intent      string
	entity      event.Entity
	redacted    string
}

const (
	c = event.Customer
	a = event.Agent
)

// tell applies lines, a minute apart, and gives the state at the end.
func tell(t *testing.T, lines []line) event.Journey {
	t.Helper()
	s := NewShard(Config{})
	var j event.Journey
	for n, l := range lines {
		f := said(n, l.interaction, l.channel, l.role, day.Add(time.Duration(n)*time.Minute), 0)
		f.Turn.Text = l.text
		if l.intent != "" {
			f.Intents = []event.Label{{Name: l.intent, Probability: 0.9}}
		}
		if l.entity.Type != "" {
			f.Entities = []event.Entity{l.entity}
		}
		if l.redacted != "" {
			at := strings.Index(l.text, "[")
			f.Turn.Redacted = []event.Redaction{{Type: l.redacted, Start: at, End: at + strings.Index(l.text[at:], "]") + 1}}
		}
		m, err := s.Turn(context.Background(), f)
		j = last(t, m, err)
	}
	return j
}

func TestContinuity(t *testing.T) {
	order := event.Entity{Type: "ORDER", Text: "4839201", Value: "4839201"}
	chat := []line{
		{"w", event.WhatsApp, c, "my refund is missing", "refund_request", event.Entity{}, ""},
		{"w", event.WhatsApp, a, "May I have your order number?", "", event.Entity{}, ""},
		{"w", event.WhatsApp, c, "order 4839201", "", order, ""},
	}
	call := func(more ...line) []line {
		return append(append(slices.Clone(chat), line{"v", event.Voice, c, "hello", "greeting", event.Entity{}, ""}), more...)
	}
	for name, d := range map[string]struct {
		lines  []line
		pickup int // −1: not picked up
		reasks int
	}{
		"at once": {call(line{"v", event.Voice, a, "I see it is about your refund, I have it here.", "", event.Entity{}, ""}), 0, 0},
		"after two turns": {call(line{"v", event.Voice, a, "How are you today?", "", event.Entity{}, ""},
			line{"v", event.Voice, a, "What can I do for you?", "", event.Entity{}, ""},
			line{"v", event.Voice, a, "Ah, the money back for the shoes.", "", event.Entity{}, ""}), 2, 0},
		"never": {call(line{"v", event.Voice, a, "We close at six.", "", event.Entity{}, ""}), -1, 0},
		"asked again on the phone": {call(line{"v", event.Voice, a, "Your refund, yes. What is your order number, please?", "", event.Entity{}, ""}),
			0, 1},
		"asked twice again": {call(line{"v", event.Voice, a, "Could you give me the order number?", "", event.Entity{}, ""},
			line{"v", event.Voice, a, "Sorry, could you repeat that order number?", "", event.Entity{}, ""}), -1, 2},
		"confirming is no asking":                        {call(line{"v", event.Voice, a, "Is it order number 4839201 about the refund?", "", order, ""}), 0, 0},
		"something else is asked":                        {call(line{"v", event.Voice, a, "For the refund, what is your account number?", "", event.Entity{}, ""}), 0, 0},
		"without a change of channel nothing is carried": {append(slices.Clone(chat), line{"w", event.WhatsApp, a, "about the refund", "", event.Entity{}, ""}), -1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			j := tell(t, d.lines)
			i := j.Interactions[len(j.Interactions)-1]
			got := -1
			if i.Pickup != nil {
				got = *i.Pickup
			}
			if got != d.pickup || j.Reasks != d.reasks {
				t.Errorf("picked up after %d (want %d), asked again %d times (want %d); %+v", got, d.pickup, j.Reasks, d.reasks, i)
			}
		})
	}
}

func TestAnswered(t *testing.T) {
	ask := func(text string) line { return line{"w", event.WhatsApp, a, text, "", event.Entity{}, ""} }
	answer := func(text, kind, value string) line {
		e := event.Entity{}
		if kind != "" {
			e = event.Entity{Type: kind, Text: value, Value: value}
		}
		return line{"w", event.WhatsApp, c, text, "", e, ""}
	}
	hidden := func(text, kind string) line {
		return line{"w", event.WhatsApp, c, text, "", event.Entity{}, kind}
	}
	for name, d := range map[string]struct {
		lines []line
		want  string
	}{
		"said unasked":                    {[]line{answer("order 4839201 is late", "ORDER", "4839201")}, "order number=4839201"},
		"a bare number where it is asked": {[]line{ask("Can I have your order number?"), answer("4839201", "", "")}, "order number=4839201"},
		"a bare number unasked":           {[]line{answer("4839201", "", "")}, ""},
		"date of birth":                   {[]line{ask("What is your date of birth?"), answer("the 4th of May 1980", "DATE", "1980-05-04")}, "date of birth=1980-05-04"},
		"a date is no date of birth":      {[]line{answer("it came on the 4th", "DATE", "2026-11-04")}, ""},
		"mail stands as its placeholder":  {[]line{ask("What's your email address?"), hidden("it is [MAIL_3fa91c02] thanks", "MAIL")}, "mail address=[MAIL_3fa91c02]"},
		"the last answer counts":          {[]line{answer("order 11111", "ORDER", "11111"), answer("no, order 22222", "ORDER", "22222")}, "order number=22222"},
		"account":                         {[]line{ask("Please tell me your customer number."), answer("AB-1234", "", "")}, "account number=AB-1234"},
		"an agent's own words":            {[]line{ask("Your order number is 4839201.")}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, f := range tell(t, d.lines).Facts {
				if f.Kind == answered {
					got = append(got, f.About+"="+f.Value)
				}
			}
			if strings.Join(got, " ") != d.want {
				t.Errorf("answered %q, want %q", got, d.want)
			}
		})
	}
}

func TestPromises(t *testing.T) {
	for text, want := range map[string]string{
		"I will call you back tomorrow.":                                  "call back",
		"We'll refund the full amount by Friday.":                         "refund",
		"Your refund will be credited within three days.":                 "refund",
		"You will receive your refund by Friday.":                         "refund",
		"I'm going to send you a new one today.":                          "replacement",
		"I'll also email you the label.":                                  "send",
		"I'll make sure to follow up on this with you.":                   "update",
		"Someone will get back to you.":                                   "update",
		"Let me escalate this to my supervisor.":                          "escalation",
		"We are going to send an engineer.":                               "technician",
		"I won't be able to refund that.":                                 "",
		"I will not call you.":                                            "",
		"Should I call you back?":                                         "",
		"You will call us back, I hope.":                                  "",
		"Let me check.":                                                   "",
		"The weather will be fine.":                                       "",
		"I have asked our payments team to release it today.":             "",
		"I will definitely let you know, and I will waive the fee.":       "price update",
		"I understand. I will look into it and our team will contact you": "fix update",
	} {
		got := strings.Join(promises(text, "en"), " ")
		if got != want {
			t.Errorf("%q promises %q, want %q", text, got, want)
		}
	}
}

// TestPromiseAtTheEnd: a long call ends with what will be done, and that is known
// to whoever comes next, however often numbers were said before.
func TestPromiseAtTheEnd(t *testing.T) {
	var lines []line
	for n := range 3 * maxFacts {
		number := fmt.Sprint(4839200 + n)
		lines = append(lines, line{"v", event.Voice, c, "order " + number, "", event.Entity{Type: "ORDER", Text: number, Value: number}, ""})
	}
	for range 2 * maxPromise {
		lines = append(lines, line{"v", event.Voice, a, "We will send you the form.", "", event.Entity{}, ""})
	}
	lines = append(lines, line{"v", event.Voice, a, "Thank you. I will call you back tomorrow.", "", event.Entity{}, ""})
	j := tell(t, lines)
	var got []string
	for _, f := range j.Facts {
		if f.Kind == promised {
			got = append(got, f.About)
		}
	}
	if len(got) != maxPromise || got[maxPromise-1] != "call back" {
		t.Errorf("promised are %q, want %d with the call back last", got, maxPromise)
	}
	if n := len(j.Interactions[0].Basis.Facts); n != maxFacts+maxPromise {
		t.Errorf("%d facts are noted, want %d", n, maxFacts+maxPromise)
	}
}

func TestStitching(t *testing.T) {
	type talk struct {
		id, kase, intent string
		at               time.Duration
		solved           bool
	}
	const h, d = time.Hour, 24 * time.Hour
	for name, e := range map[string]struct {
		talks []talk
		want  string // codes, a journey in brackets
	}{
		"time":                                {[]talk{{"a", "", "complaint", 0, false}, {"b", "", "order_status", 20 * h, false}}, "[first time]"},
		"silence":                             {[]talk{{"a", "", "complaint", 0, false}, {"b", "", "order_status", 5 * d, false}}, "[first] [first]"},
		"resolved, then something else":       {[]talk{{"a", "", "complaint", 0, true}, {"b", "", "order_status", 2 * h, false}}, "[first] [first]"},
		"resolved, then the same":             {[]talk{{"a", "", "complaint", 0, true}, {"b", "", "complaint", 2 * d, false}}, "[first reopened]"},
		"resolved, the same much later":       {[]talk{{"a", "", "complaint", 0, true}, {"b", "", "complaint", 20 * d, false}}, "[first] [first]"},
		"still open after a week":             {[]talk{{"a", "", "complaint", 0, false}, {"b", "", "complaint", 9 * d, false}}, "[first intent]"},
		"still open after three weeks":        {[]talk{{"a", "", "complaint", 0, false}, {"b", "", "complaint", 21 * d, false}}, "[first] [first]"},
		"the same case after three weeks":     {[]talk{{"a", "K7", "complaint", 0, true}, {"b", "K7", "order_status", 21 * d, false}}, "[first case]"},
		"another case within the hour":        {[]talk{{"a", "K7", "complaint", 0, false}, {"b", "K8", "order_status", h, false}}, "[first] [first]"},
		"two cases in turns":                  {[]talk{{"a", "K7", "", 0, false}, {"b", "K8", "", h, false}, {"c", "K7", "", 2 * h, false}, {"d", "K8", "", 3 * h, false}}, "[first case] [first case]"},
		"what was open wins over what is new": {[]talk{{"a", "", "complaint", 0, false}, {"b", "", "order_status", 5 * d, true}, {"c", "", "complaint", 9 * d, false}}, "[first] [first intent]"},
	} {
		t.Run(name, func(t *testing.T) {
			// In any order of arrival.
			for seed := range uint64(5) {
				w := newWorld(t, Config{}, nil)
				order := rand.New(rand.NewPCG(seed, 9)).Perm(len(e.talks))
				for _, k := range order {
					l := e.talks[k]
					at := day.Add(l.at)
					w.publish(event.Interactions().Message(event.Interaction{ID: "s" + l.id, Tenant: "default", Customer: "c1", Interaction: l.id, Channel: event.Voice, Change: event.Started, At: at, Case: l.kase}))
					w.settle(time.Time{})
					if l.intent != "" {
						w.say("c1", k*10, l.id, event.Voice, event.Customer, at.Add(time.Minute), -0.5, l.intent)
					}
					if l.solved {
						w.say("c1", k*10+1, l.id, event.Voice, event.Customer, at.Add(2*time.Minute), 0.9, "thanks")
					}
					w.settle(time.Time{})
					w.publish(event.Interactions().Message(event.Interaction{ID: "e" + l.id, Tenant: "default", Customer: "c1", Interaction: l.id, Channel: event.Voice, Change: event.Ended, At: at.Add(3 * time.Minute)}))
				}
				w.settle(time.Time{})
				got := map[string][]string{}
				var ids []string
				shard := w.shards[partitionOf("c1")]
				for _, g := range shard.cfg.stitch("c1", "default", shard.customers["c1"].talks()) {
					for _, i := range g.talks {
						got[g.id] = append(got[g.id], i.JoinedBy)
					}
					ids = append(ids, g.id)
				}
				var journeys []string
				for _, id := range ids {
					journeys = append(journeys, fmt.Sprint(got[id]))
				}
				if strings.Join(journeys, " ") != e.want {
					t.Fatalf("order %v: %v, want %s", order, journeys, e.want)
				}
				// Of every id that was ever told the last word is that it stands, or
				// that another took it over.
				state := map[string]event.Journey{}
				for _, j := range w.told {
					state[j.ID] = j
				}
				for id, j := range state {
					if stands := slices.Contains(ids, id); stands != (j.Within == "") {
						t.Errorf("order %v: journey %s stands: %v, but its last word is within %q", order, id, stands, j.Within)
					}
				}
			}
		})
	}
}

func TestFirstContact(t *testing.T) {
	yes, no := "true", "false"
	told := func(j event.Journey) string {
		if j.FirstContact == nil {
			return ""
		}
		return fmt.Sprint(*j.FirstContact)
	}
	w := newWorld(t, Config{}, nil)
	w.change("c1", "i1", event.Voice, event.Started, day)
	w.say("c1", 1, "i1", event.Voice, event.Customer, day, -0.2, "order_status")
	w.say("c1", 2, "i1", event.Voice, event.Customer, day.Add(time.Minute), 0.8, "thanks")
	w.settle(time.Time{})
	w.change("c1", "i1", event.Voice, event.Ended, day.Add(2*time.Minute))
	w.settle(day.Add(time.Hour))
	if j := w.journey("c1"); j.State != event.JourneyResolved || j.ResolvedBy != byThanks || told(j) != "" {
		t.Errorf("after an hour: %s by %s, first contact %q: it is not known yet", j.State, j.ResolvedBy, told(j))
	}
	w.settle(day.Add(8 * 24 * time.Hour))
	if j := w.journey("c1"); told(j) != yes {
		t.Errorf("after a week without another contact: %q, want true", told(j))
	}

	w = newWorld(t, Config{}, nil)
	w.say("c1", 1, "i1", event.Voice, event.Customer, day, -0.2, "order_status")
	w.say("c1", 2, "i1", event.Voice, event.Customer, day.Add(time.Minute), 0.8, "thanks")
	w.say("c1", 3, "i2", event.Email, event.Customer, day.Add(48*time.Hour), -0.5, "order_status")
	w.settle(time.Time{})
	if j := w.journey("c1"); told(j) != no || j.State != event.JourneyOpen || len(j.Interactions) != 2 {
		t.Errorf("came back about the same: %q, %s, %d interactions; want false, open, 2", told(j), j.State, len(j.Interactions))
	}
}

// TestLateTurns checks that turns find their place whenever they come.
func TestLateTurns(t *testing.T) {
	play := func(order []int) string {
		w := newWorld(t, Config{}, nil)
		for _, n := range order {
			talk, role := fmt.Sprint("i", n/10), []event.Role{event.Customer, event.Agent}[n%2]
			at := day.Add(time.Duration(n/10)*6*time.Hour + time.Duration(n)*time.Minute)
			w.say("c1", n, talk, []event.Channel{event.Voice, event.WhatsApp}[n/10%2], role, at, float64(n%7)/10-0.3, []string{"complaint", "order_status", "refund_request"}[n%3])
		}
		w.settle(time.Time{})
		return w.shown()
	}
	in := make([]int, 30)
	for n := range in {
		in[n] = n
	}
	want := play(in)
	for seed := range uint64(10) {
		order := rand.New(rand.NewPCG(seed, 5)).Perm(len(in))
		if got := play(order); got != want {
			t.Fatalf("order %v: %s", order, difference(want, got))
		}
	}
}
