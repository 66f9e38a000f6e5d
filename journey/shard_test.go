package journey

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"throughline/event"
)

var day = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)

func said(n int, interaction string, channel event.Channel, role event.Role, at time.Time, score float64, intents ...string) event.Features {
	f := event.Features{ID: fmt.Sprint("f", n), Turn: event.Turn{ID: fmt.Sprint("t", n), Tenant: "default", Customer: "c1", Interaction: interaction, Channel: channel, Role: role, At: at, Text: "words"}}
	f.Sentiment = &event.Sentiment{Score: score, Negative: max(0, -score), Positive: max(0, score), Neutral: 1 - math.Abs(score)}
	for _, i := range intents {
		f.Intents = append(f.Intents, event.Label{Name: i, Probability: 0.9})
	}
	return f
}

func last(t *testing.T, msgs []event.Message, err error) event.Journey {
	t.Helper()
	if err != nil || len(msgs) != 1 {
		t.Fatalf("got %d messages and error %v, want one state", len(msgs), err)
	}
	return msgs[0].Value.(event.Journey)
}

func TestOneJourneyAcrossChannels(t *testing.T) {
	s, ctx := NewShard(Config{}), context.Background()
	apply := func(f event.Features) event.Journey { m, err := s.Turn(ctx, f); return last(t, m, err) }
	apply(said(1, "w", event.WhatsApp, event.Customer, day, -0.2, "order_status"))
	apply(said(2, "w", event.WhatsApp, event.Agent, day.Add(time.Minute), 0.1))
	j := apply(said(3, "v", event.Voice, event.Customer, day.Add(3*time.Hour), -0.8, "complaint", "order_status"))
	if len(j.Interactions) != 2 || j.Interactions[1].Joined != "same customer, 2h59m0s after whatsapp" {
		t.Errorf("interactions %+v", j.Interactions)
	}
	if len(j.Intents) != 2 || j.Intents[0].Name != "order_status" || j.Intents[0].Mentions != 2 || j.Intents[0].Interaction != "w" {
		t.Errorf("intents %+v", j.Intents)
	}
	if j.State != event.JourneyOpen || j.Version != 3 || j.Turns != 3 {
		t.Errorf("state %s version %d turns %d", j.State, j.Version, j.Turns)
	}
	if got, want := j.Sentiment.Overall, -2.5; math.Abs(got-want) > 1e-9 {
		t.Errorf("overall %v, want %v: agents do not count", got, want)
	}
	j = apply(said(4, "m", event.Email, event.Customer, day.Add(4*time.Hour), 0.9, "thanks"))
	if j.State != event.JourneyResolved {
		t.Errorf("after thanks the journey is %s, want resolved", j.State)
	}
	if q := j.Sentiment.Quarters; q[0] == nil || q[1] != nil || q[3] == nil {
		t.Errorf("quarters %v: an empty one is null", q)
	}
}

// TestLikeliestIntentFirst: what a turn most likely wants is what the next agent
// is told to pick up.
func TestLikeliestIntentFirst(t *testing.T) {
	s, ctx := NewShard(Config{}), context.Background()
	f := said(1, "w", event.WhatsApp, event.Customer, day, 0)
	f.Intents = []event.Label{{Name: "refund_request", Probability: 0.97}, {Name: "place_order", Probability: 0.6}, {Name: "complaint", Probability: 0.6}}
	m, err := s.Turn(ctx, f)
	last(t, m, err)
	m, err = s.Turn(ctx, said(2, "w", event.WhatsApp, event.Customer, day.Add(time.Minute), 0, "account_close"))
	var got []string
	for _, o := range last(t, m, err).Intents {
		got = append(got, o.Name)
	}
	if want := []string{"refund_request", "complaint", "place_order", "account_close"}; !slices.Equal(got, want) {
		t.Errorf("open are %q, want %q", got, want)
	}
}

func TestRedeliveryChangesNothing(t *testing.T) {
	s, ctx := NewShard(Config{}), context.Background()
	f := said(1, "w", event.WhatsApp, event.Customer, day, -0.2, "order_status")
	m, err := s.Turn(ctx, f)
	before := last(t, m, err)
	for range 10 {
		if m, err := s.Turn(ctx, f); err != nil || m != nil {
			t.Fatalf("a redelivery gave %v, %v", m, err)
		}
	}
	if got := s.Journey("c1"); got.Version != before.Version || got.Turns != 1 {
		t.Errorf("version %d turns %d after redeliveries", got.Version, got.Turns)
	}
}

func TestNewJourneyAfterResolvedOrLongSilence(t *testing.T) {
	for name, gap := range map[string]time.Duration{"silence": 100 * time.Hour, "resolved": 30 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			s, ctx := NewShard(Config{}), context.Background()
			m, err := s.Turn(ctx, said(1, "w", event.WhatsApp, event.Customer, day, -0.4, "refund_request"))
			first := last(t, m, err)
			if name == "resolved" {
				m, err = s.Change(ctx, event.Interaction{ID: "e", Tenant: "default", Customer: "c1", Interaction: "w", Channel: event.WhatsApp, Change: event.Ended, At: day.Add(time.Hour), Reason: "idle"})
				last(t, m, err)
				if m, err = s.Tick(ctx, day.Add(24*time.Hour)); err != nil || m != nil {
					t.Fatalf("resolved too early: %v %v", m, err)
				}
				m, err = s.Tick(ctx, day.Add(26*time.Hour))
				if j := last(t, m, err); j.State != event.JourneyResolved {
					t.Fatalf("after the silence the journey is %s", j.State)
				}
			}
			m, err = s.Turn(ctx, said(2, "v", event.Voice, event.Customer, day.Add(gap), 0))
			j := last(t, m, err)
			if j.ID == first.ID || len(j.Past) != 1 || j.Past[0].ID != first.ID || j.Past[0].Intents[0] != "refund_request" {
				t.Errorf("journey %s after %s, past %+v", j.ID, first.ID, j.Past)
			}
			if j.Version <= first.Version {
				t.Errorf("version fell from %d to %d: the compacted key is the customer", first.Version, j.Version)
			}
		})
	}
}

// TestRestoreIsTheSame checks that a shard rebuilt from what it published goes
// on exactly as the one that never stopped, at every moment.
func TestRestoreIsTheSame(t *testing.T) {
	ctx := context.Background()
	r := rand.New(rand.NewPCG(1, 2))
	steady, topic := NewShard(Config{}), map[string][]byte{}
	rebuilt := func() *Shard {
		s := NewShard(Config{})
		for k, v := range topic {
			var j event.Journey
			if err := json.Unmarshal(v, &j); err != nil {
				t.Fatal(err)
			}
			s.Restore(k, j, false)
		}
		return s
	}
	for n := range 400 {
		f := said(n, fmt.Sprint("i", r.IntN(5)), event.WhatsApp, []event.Role{event.Customer, event.Agent}[r.IntN(2)], day.Add(time.Duration(n)*time.Hour/2), 2*r.Float64()-1, []string{"thanks", "complaint", "order_status"}[r.IntN(3)])
		f.Turn.Customer = fmt.Sprint("c", r.IntN(4))
		other := rebuilt()
		a, errA := steady.Turn(ctx, f)
		b, errB := other.Turn(ctx, f)
		x, y := last(t, a, errA), last(t, b, errB)
		jx, err := json.Marshal(x)
		if err != nil {
			t.Fatal(err)
		}
		jy, err := json.Marshal(y)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(jx, jy) {
			t.Fatalf("turn %d: rebuilt state differs:\n%s\n%s", n, jx, jy)
		}
		topic[x.Customer] = jx
	}
}

func TestCurveKeepsSums(t *testing.T) {
	j := &event.Journey{Opened: day}
	want := 0.0
	for n := range 500 {
		score := math.Round(1e4*math.Sin(float64(n))) / 1e4
		want += score
		j.Curve = shorten(insert(j.Curve, pointOf(day.Add(time.Duration(n*7919%500)*time.Minute), event.Sentiment{Score: score}), earlier), maxPoints)
	}
	got, count := 0.0, 0
	for k, p := range j.Curve {
		got += p.Sum
		count += p.N
		if k > 0 && p.At.Before(j.Curve[k-1].At) {
			t.Fatal("the curve is not in order")
		}
	}
	if len(j.Curve) > maxPoints || count != 500 || math.Abs(got-want) > 1e-9 {
		t.Errorf("%d points, %d turns, sum %v (want %v)", len(j.Curve), count, got, want)
	}
}

// TestLastTurnOfMany: the last words stand for themselves, however soon they
// followed the ones before, and however many there were.
func TestLastTurnOfMany(t *testing.T) {
	s, ctx := NewShard(Config{}), context.Background()
	var j event.Journey
	for n := range 3 * maxPoints {
		at := day.Add(time.Duration(n) * time.Minute)
		if n%2 == 1 {
			at = at.Add(-59 * time.Second)
		}
		score := []float64{0.8, -0.9}[n%2]
		m, err := s.Turn(ctx, said(n, fmt.Sprint("i", n/maxPoints), event.Voice, event.Customer, at, score))
		j = last(t, m, err)
		if i := j.Interactions[len(j.Interactions)-1]; math.Abs(j.Sentiment.Last-score) > 1e-9 || math.Abs(i.LastScore-score) > 1e-9 {
			t.Fatalf("turn %d: last %v of the journey, %v of the interaction, want %v", n, j.Sentiment.Last, i.LastScore, score)
		}
	}
	if j.Sentiment.Scored != 3*maxPoints {
		t.Errorf("%d turns are counted, want %d", j.Sentiment.Scored, 3*maxPoints)
	}
}

// TestWhoHasIt: a call belongs to whoever took it last, though the words of the
// agent before are understood after that, and the start is heard of late.
func TestWhoHasIt(t *testing.T) {
	s, ctx := NewShard(Config{}), context.Background()
	var j event.Journey
	change := func(c event.Change, agent string, at time.Duration) {
		m, err := s.Change(ctx, event.Interaction{ID: "e" + string(c), Customer: "c1", Interaction: "v", Channel: event.Voice, Change: c, Role: event.Agent, Agent: agent, At: day.Add(at)})
		j = last(t, m, err)
	}
	says := func(n int, agent string, at time.Duration) {
		f := said(n, "v", event.Voice, event.Agent, day.Add(at), 0)
		f.Turn.Agent = agent
		m, err := s.Turn(ctx, f)
		j = last(t, m, err)
	}
	for k, step := range []struct {
		does func()
		want string
	}{
		{func() { says(1, "a1", 5*time.Second) }, "a1"},
		{func() { change(event.Started, "a0", 0) }, "a1"},
		{func() { change(event.Transferred, "a2", 60*time.Second) }, "a2"},
		{func() { says(2, "a1", 58*time.Second) }, "a2"},
		{func() { says(3, "a3", 70*time.Second) }, "a3"},
	} {
		step.does()
		if got := j.Interactions[0].Agent; got != step.want {
			t.Errorf("step %d: %s has the call, want %s", k, got, step.want)
		}
	}
}

// TestLateChanges: of holds and queues the last one counts by its own time, not
// the one that came last.
func TestLateChanges(t *testing.T) {
	s, ctx := NewShard(Config{}), context.Background()
	for k, step := range []struct {
		change event.Change
		queue  string
		at     time.Duration
		held   bool
		in     string
	}{
		{event.Started, "first", 0, false, "first"},
		{event.Resumed, "", 30 * time.Second, false, "first"},
		{event.Held, "", 20 * time.Second, false, "first"}, // late
		{event.Transferred, "third", 60 * time.Second, false, "third"},
		{event.Transferred, "second", 50 * time.Second, false, "third"}, // late
		{event.Held, "", 70 * time.Second, true, "third"},
		{event.Resumed, "", 65 * time.Second, true, "third"}, // late
		{event.Ended, "", 80 * time.Second, false, "third"},
		{event.Held, "", 75 * time.Second, false, "third"}, // late
	} {
		m, err := s.Change(ctx, event.Interaction{ID: fmt.Sprint("e", k), Customer: "c1", Interaction: "v", Channel: event.Voice, Change: step.change, Queue: step.queue, At: day.Add(step.at)})
		i := last(t, m, err).Interactions[0]
		if i.Held != step.held || i.Queue != step.in {
			t.Errorf("step %d: held %v in %q, want %v in %q", k, i.Held, i.Queue, step.held, step.in)
		}
	}
}

// TestQuarters: a long utterance counts in the quarter that its middle lies in,
// of the whole call.
func TestQuarters(t *testing.T) {
	s, ctx := NewShard(Config{}), context.Background()
	for n, u := range []struct {
		from, to time.Duration
		score    float64
	}{{0, 2 * time.Second, 0.2}, {20 * time.Second, 50 * time.Second, -0.8}, {76 * time.Second, 80 * time.Second, 0.4}} {
		f := said(n, "v", event.Voice, event.Customer, day.Add(u.from), u.score)
		f.Turn.Kind, f.Turn.StartMS, f.Turn.EndMS = event.Utterance, u.from.Milliseconds(), u.to.Milliseconds()
		m, err := s.Turn(ctx, f)
		last(t, m, err)
	}
	m, err := s.Change(ctx, event.Interaction{ID: "e", Customer: "c1", Interaction: "v", Channel: event.Voice, Change: event.Ended, At: day.Add(100 * time.Second)})
	got := last(t, m, err).Sentiment.Quarters
	for k, want := range []float64{1, -4, math.NaN(), 2} {
		if have := got[k]; math.IsNaN(want) != (have == nil) || have != nil && math.Abs(*have-want) > 1e-9 {
			t.Errorf("quarter %d is %v, want %v", k+1, have, want)
		}
	}
}

func TestShift(t *testing.T) {
	for name, c := range map[string]struct {
		scores []float64
		shift  string
	}{
		"improved": {[]float64{-0.9, -0.5, 0, 0.2, 0.8, 0.9}, "improved"},
		"worsened": {[]float64{0.9, 0.5, 0, -0.2, -0.8, -0.9}, "worsened"},
		"flat":     {[]float64{0.1, 0, 0.1, 0}, ""},
		"too few":  {[]float64{-0.9, 0.9}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			j := &event.Journey{Opened: day}
			for k, v := range c.scores {
				j.Curve = append(j.Curve, pointOf(day.Add(time.Duration(k)*time.Minute), event.Sentiment{Score: v}))
			}
			if got := summarise(j.Curve, day, day); got.Shift != c.shift {
				t.Errorf("shift %q, want %q (%+v)", got.Shift, c.shift, got)
			}
		})
	}
}

func TestCountersOfAnInteraction(t *testing.T) {
	s, ctx := NewShard(Config{}), context.Background()
	f := said(1, "v", event.Voice, event.Customer, day, -0.9, "complaint")
	f.Turn.Text = "this is the third time"
	f.Emotions = []event.Label{{Name: "anger", Probability: 0.7}}
	m, err := s.Turn(ctx, f)
	last(t, m, err)
	for n, c := range []event.Change{event.Held, event.Resumed, event.Held, event.Transferred, event.Transferred} {
		change := event.Interaction{ID: fmt.Sprint("e", n), Customer: "c1", Interaction: "v", Channel: event.Voice, Change: c, At: day.Add(time.Minute)}
		for range 2 { // delivered twice, counted once
			if _, err := s.Change(ctx, change); err != nil {
				t.Fatal(err)
			}
		}
	}
	i := s.Journey("c1").Interactions[0]
	if i.Words != 5 || i.Upset != 1 || i.Holds != 2 || i.Transfers != 2 {
		t.Errorf("words %d, upset %d, holds %d, transfers %d", i.Words, i.Upset, i.Holds, i.Transfers)
	}
}

func TestScoresFollowTheJourney(t *testing.T) {
	s, err := OpenShard(Config{})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	apply := func(f event.Features) event.Journey { m, err := s.Turn(ctx, f); return last(t, m, err) }
	apply(said(1, "w", event.WhatsApp, event.Customer, day, 0.1, "order_status"))
	calm := apply(said(2, "w", event.WhatsApp, event.Agent, day.Add(time.Minute), 0.1)).Scores
	apply(said(3, "v", event.Voice, event.Customer, day.Add(time.Hour), -0.9, "order_status"))
	hard := apply(said(4, "v", event.Voice, event.Customer, day.Add(time.Hour), -0.9, "complaint")).Scores
	if hard.Effort.Value <= calm.Effort.Value || hard.Satisfaction.Value >= calm.Satisfaction.Value || hard.Escalation.Value <= calm.Escalation.Value {
		t.Errorf("calm %+v, hard %+v", calm, hard)
	}
}

func BenchmarkTurn(b *testing.B) {
	s, ctx := NewShard(Config{}), context.Background()
	for n := range b.N {
		f := said(n, "i", event.WhatsApp, event.Customer, day.Add(time.Duration(n)*time.Second), 0.1, "order_status")
		f.Turn.Customer = fmt.Sprint("c", n%1000)
		if _, err := s.Turn(ctx, f); err != nil {
			b.Fatal(err)
		}
	}
}
