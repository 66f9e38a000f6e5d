package score

import (
	"math"
	"slices"

	"throughline/event"
)

// The features, as positions of a Vector. Counts are squashed to n/(n+half), so
// that the first times weigh most and nothing grows without bound.
const (
	mood      = iota // −1…1, the customer's mean sentiment
	last             // −1…1, the customer's last scored turn
	answers          // −1…1, mean tone of the centre's last scored turns: bad news is not good news
	thanks           // 0 or 1, the customer's last turn gives thanks
	upset            // 0…1, turns that read as anger or disgust, half at 2
	open             // 0…1, open intents, half at 2
	closed           // 0 or 1, intents were named and none is open any more
	repeats          // 0…1, times an open intent was said again, half at 2
	pressing         // 0 or 1, complained, threatened or asked for somebody else
	leaving          // 0 or 1, spoke of leaving
	contacts         // 0…1, interactions beyond the first, half at 2
	switches         // 0…1, changes of channel, half at 1
	reasks           // 0…1, times asked again for what is known, half at 2
	transfers        // 0…1, half at 1
	holding          // 0…1, minutes on hold, half at 5; a hold of unknown length counts one
	pickup           // 0…1, agent turns until the open intent was picked up, the worst of all, half at 3
	talking          // 0…1, customer turns, half at 10
	waiting          // 0…1, hours since the journey opened, half at 24
	returns          // 0…1, earlier journeys about an intent of this one, half at 1
	before           // −1…1, sentiment of the journey before
	lost             // 0…1, contacts abandoned or failed and messages not delivered, half at 1
	cut              // 0…1, times the agent interrupted, half at 3
	silence          // 0…1, the largest share of a call in which nobody talked
	size
)

// Vector holds the features of a journey, each bounded as named.
type Vector [size]float64

// Names are the features' names as event.Factor carries them, in the order of a Vector.
func Names() []string {
	return []string{"mood", "last turn", "answers", "thanks", "upset", "open intents", "all closed", "said again",
		"pressing", "leaving", "contacts", "channel changes", "asked again", "transfers", "hold time", "pickup",
		"turns", "time", "returns", "journey before", "lost contacts", "interrupted", "silence"}
}

// tally is what is counted of a journey before anything is squashed.
type tally struct {
	customer, centre, words     int
	contacts, switches          int
	reasks, transfers, pickup   int
	lost, cuts                  int
	upset, repeats, open        int
	returns                     int
	holdMinutes, hours, silence float64
	pressing, leaving, intents  bool
}

func (c Config) count(j *event.Journey) tally {
	t := tally{contacts: len(j.Interactions), hours: max(0, j.Updated.Sub(j.Opened).Hours())}
	for k := range j.Interactions {
		i := &j.Interactions[k]
		if k > 0 && i.Channel != j.Interactions[k-1].Channel {
			t.switches++
		}
		t.customer += i.Customer
		t.words += i.Words
		t.upset += i.Upset
		t.reasks += i.Reasks
		t.transfers += i.Transfers
		if i.Pickup != nil {
			t.pickup = max(t.pickup, *i.Pickup)
		}
		if i.Outcome == event.Abandoned || i.Outcome == event.Failed {
			t.lost++
		}
		if i.Delivered == "failed" {
			t.lost++
		}
		hold := float64(i.Holds) // minutes, until the call's measures say better
		if call := i.Measures; call != nil {
			if call.HoldMS != nil {
				hold = float64(*call.HoldMS) / 60e3
			}
			if call.AgentInterrupts != nil {
				t.cuts += *call.AgentInterrupts
			}
			if call.NonTalkMS != nil && call.DurationMS > 0 {
				t.silence = max(t.silence, min(1, float64(*call.NonTalkMS)/float64(call.DurationMS)))
			}
		}
		t.holdMinutes += hold
	}
	t.centre = j.Turns - t.customer
	for k := range j.Intents {
		o := &j.Intents[k]
		t.intents = true
		t.pressing = t.pressing || slices.Contains(c.Pressing, o.Name)
		t.leaving = t.leaving || slices.Contains(c.Leaving, o.Name)
		if o.Closed.IsZero() {
			t.open++
			t.repeats += max(0, o.Mentions-1)
		}
	}
	for k := range j.Past {
		if slices.ContainsFunc(j.Past[k].Intents, func(name string) bool {
			return slices.ContainsFunc(j.Intents, func(o event.OpenIntent) bool { return o.Name == name })
		}) {
			t.returns++
		}
	}
	return t
}

// Features of a journey, for fitting.
func (c Config) Features(j *event.Journey) Vector {
	c = c.withDefaults()
	t := c.count(j)
	return c.features(j, &t)
}

func (c Config) features(j *event.Journey, t *tally) Vector {
	v := Vector{
		mood: j.Sentiment.Overall / 5, last: j.Sentiment.Last, answers: tone(j.Recent),
		upset: squash(t.upset, 2), open: squash(t.open, 2), closed: yes(t.intents && t.open == 0), repeats: squash(t.repeats, 2),
		pressing: yes(t.pressing), leaving: yes(t.leaving),
		contacts: squash(t.contacts-1, 2), switches: squash(t.switches, 1), reasks: squash(t.reasks, 2),
		transfers: squash(t.transfers, 1), holding: squash(t.holdMinutes, 5), pickup: squash(t.pickup, 3),
		talking: squash(t.customer, 10), waiting: squash(t.hours, 24), returns: squash(t.returns, 1),
		lost: squash(t.lost, 1), cut: squash(t.cuts, 3), silence: t.silence,
	}
	for k := len(j.Recent) - 1; k >= 0; k-- {
		if d := &j.Recent[k]; d.Role == event.Customer {
			v[thanks] = yes(d.Intent == c.Thanks)
			break
		}
	}
	if n := len(j.Past); n > 0 {
		v[before] = j.Past[n-1].Sentiment / 5
	}
	for k := range v {
		v[k] = min(1, max(-1, v[k]))
		if math.IsNaN(v[k]) {
			v[k] = 0
		}
	}
	return v
}

// answersAtMost is how many of the centre's last scored turns make the tone of its answers.
const answersAtMost = 3

func tone(recent []event.TurnDigest) float64 {
	sum, n := 0.0, 0
	for k := len(recent) - 1; k >= 0 && n < answersAtMost; k-- {
		if d := &recent[k]; d.Score != nil && (d.Role == event.Agent || d.Role == event.Bot) {
			sum += *d.Score
			n++
		}
	}
	return sum / float64(max(1, n))
}

func squash[N int | float64](n N, half float64) float64 {
	x := max(0, float64(n))
	return x / (x + half)
}

func yes(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
