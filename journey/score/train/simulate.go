package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"throughline/event"
	"throughline/journey"
	"throughline/journey/score"
)

// life is a simulated customer with a want. What the customer feels and does
// follows from these, by the assumptions that MODEL_CARD.md lists.
type life struct {
	chance      *rand.Rand
	voices      voices
	shard       *journey.Shard
	want        string
	temper      float64 // how good-humoured, about −1…1
	patience    float64 // frustration that is borne
	loyalty     float64 // about −2…2
	difficulty  float64 // of the want, 0…1
	frustration float64 // grows by what goes wrong
	progress    float64 // 1: the want is fulfilled
	presses     int     // times complained, threatened or asked for somebody else
	leaving     bool    // spoke of leaving
	at          time.Time
	turns       int
	reasks      []int // by contact; what later stages count, set into the snapshot
	pickups     []int
	state       event.Journey
	moments     []moment
}

// moment is what was known then, and how often the customer had pressed until then.
type moment struct {
	x       score.Vector
	presses int
}

// outcome of a life: what the moments are to foresee.
type outcome struct {
	moments           []moment
	presses           int // in the whole life
	churned, resolved bool
	satisfaction      int // 0…4
}

const customer = "c"

// live plays one customer's journey from the first word to the end.
func live(ctx context.Context, chance *rand.Rand, v voices, wants []string) (outcome, error) {
	l := &life{chance: chance, voices: v, shard: journey.NewShard(journey.Config{}),
		want: wants[chance.IntN(len(wants))], temper: 0.5 * chance.NormFloat64(), patience: 0.4 + chance.Float64(),
		loyalty: chance.NormFloat64(), difficulty: chance.Float64(),
		at: time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)}
	left := false
	if chance.Float64() < 0.2 {
		if err := l.earlier(ctx); err != nil {
			return outcome{}, err
		}
	}
	channels := []event.Channel{event.WhatsApp, event.Voice, event.WebChat, event.Email}
	channel := channels[chance.IntN(len(channels))]
	for contact := 0; contact < 5 && l.progress < 1 && !left; contact++ {
		if contact > 0 {
			l.at = l.at.Add(time.Duration(chance.ExpFloat64() * 15 * float64(time.Hour)))
			l.frustration += 0.22
			if chance.Float64() < 0.4 {
				if next := channels[chance.IntN(len(channels))]; next != channel {
					channel = next
					l.frustration += 0.08
				}
			}
		}
		id := fmt.Sprint("i", contact)
		if err := l.change(ctx, id, channel, event.Started, nil); err != nil {
			return outcome{}, err
		}
		skill := chance.Float64()
		l.reasks, l.pickups = append(l.reasks, 0), append(l.pickups, 0)
		if contact > 0 {
			for range 3 {
				if chance.Float64() < 0.4*(1-skill) {
					l.reasks[contact]++
					l.frustration += 0.1
				}
			}
			l.pickups[contact] = int(3 * (1 - skill) * chance.Float64())
		}
		if err := l.talk(ctx, id, channel, skill); err != nil {
			return outcome{}, err
		}
		end := event.Ended
		if l.progress < 1 && l.frustration > 1.5*l.patience && chance.Float64() < 0.3 {
			end = event.Abandoned
		}
		if err := l.change(ctx, id, channel, end, nil); err != nil {
			return outcome{}, err
		}
		left = chance.Float64() > logistic(2-1.3*l.frustration+0.4*l.loyalty) // not everybody comes back
	}
	o := outcome{moments: l.moments, presses: l.presses, resolved: l.progress >= 1}
	solved := 0.0
	if o.resolved {
		solved = 1
	}
	leaving := 0.0
	if l.leaving {
		leaving = 1
	}
	o.churned = chance.Float64() < logistic(-2.3+1.1*l.frustration-1.1*solved-0.8*l.loyalty+1.2*leaving)
	mood := 2*l.temper + 2.4*solved - 1.8*l.frustration + noise(chance)
	for _, cut := range []float64{-2.2, -1.2, 0, 1.6} {
		if mood > cut {
			o.satisfaction++
		}
	}
	return o, nil
}

// earlier plays a closed journey before this one, every other time about the same want.
func (l *life) earlier(ctx context.Context) error {
	now, name := l.want, "customer pleased"
	if l.chance.Float64() < 0.5 {
		l.want, name = "opening_hours", "customer flat"
	} else {
		l.frustration += 0.3
		name = "customer annoyed"
	}
	defer func() { l.want = now }()
	for _, voice := range []string{l.want, name} {
		if err := l.say(ctx, "past", event.Email, event.Customer, voice); err != nil {
			return err
		}
	}
	if err := l.change(ctx, "past", event.Email, event.Ended, nil); err != nil {
		return err
	}
	l.at = l.at.Add(30 * 24 * time.Hour)
	return nil
}

// talk plays one contact.
func (l *life) talk(ctx context.Context, id string, channel event.Channel, skill float64) (err error) {
	draw := l.chance.Float64
	say := func(role event.Role, voice string) {
		if err == nil {
			err = l.say(ctx, id, channel, role, voice)
		}
	}
	for exchange := 0; exchange < 7 && err == nil; exchange++ {
		over := l.frustration - l.patience
		switch feeling := l.temper + 0.8*l.progress - 1.1*l.frustration + 0.3*l.chance.NormFloat64(); {
		case exchange == 0 || over > 0 && draw() < 0.25:
			say(event.Customer, l.want)
		case feeling < -1.1:
			say(event.Customer, "customer angry")
		case feeling < -0.45:
			say(event.Customer, "customer annoyed")
		case feeling < 0.7:
			say(event.Customer, "customer flat")
		default:
			say(event.Customer, "customer pleased")
		}
		if over > 0 && draw() < 0.12+0.25*min(1, over) {
			say(event.Customer, []string{"complaint", "escalation_threat", "speak_to_human"}[l.chance.IntN(3)])
			l.presses++
		}
		if over > 0.1 && draw() < logistic(-2.5-l.loyalty) {
			say(event.Customer, []string{"churn_intent", "cancel_service", "account_close"}[l.chance.IntN(3)])
			l.leaving = true
		}
		l.look()
		if draw() < 0.03+0.08*l.difficulty {
			if err == nil {
				err = l.change(ctx, id, channel, event.Transferred, nil)
			}
			l.frustration += 0.18
			skill = draw()
		}
		if channel == event.Voice && exchange == 1 && err == nil {
			cuts, minute, quiet := int(4*(1-skill)*draw()), int64(60e3), int64(30e3*draw())
			err = l.change(ctx, id, channel, event.Measured, &event.Measures{DurationMS: minute, AgentInterrupts: &cuts, NonTalkMS: &quiet})
			l.frustration += 0.05*float64(cuts) + 0.1*float64(quiet)/float64(minute)
		}
		if channel == event.Voice && draw() < 0.15 {
			minutes := 3 * l.chance.ExpFloat64()
			hold := int64(minutes * 60e3)
			for _, c := range []event.Change{event.Held, event.Resumed} {
				if err == nil {
					err = l.change(ctx, id, channel, c, &event.Measures{DurationMS: hold * 3, HoldMS: &hold})
				}
			}
			l.at = l.at.Add(time.Duration(hold) * time.Millisecond)
			l.frustration += 0.04 * min(8, minutes)
		}
		switch step := draw(); {
		case step < 0.15+0.55*skill*(1-0.7*l.difficulty):
			l.progress += 0.25 + 0.35*draw()
			if l.progress >= 1 {
				say(event.Agent, "agent solves")
				l.look()
				if draw() < 0.75 {
					say(event.Customer, "customer thanks")
					l.look()
				}
				return err
			}
			say(event.Agent, "agent works")
		case step < 0.8:
			say(event.Agent, "agent asks")
			l.frustration += 0.05
		case draw() < 0.3*skill:
			say(event.Agent, "agent apologises")
			l.frustration = max(0, l.frustration-0.05)
		default:
			say(event.Agent, "agent refuses")
			l.frustration += 0.2
		}
		l.look()
		if l.frustration > 2*l.patience && draw() < 0.2 {
			return err
		}
	}
	return err
}

// look keeps some of the moments, with what later stages count of a contact.
func (l *life) look() {
	if l.chance.Float64() > 0.35 {
		return
	}
	j := l.state
	j.Interactions = append([]event.InteractionState(nil), j.Interactions...)
	for k := range j.Interactions {
		var n int
		if _, err := fmt.Sscanf(j.Interactions[k].ID, "i%d", &n); err == nil && n < len(l.reasks) {
			j.Interactions[k].Reasks, j.Interactions[k].Pickup = l.reasks[n], &l.pickups[n]
		}
	}
	l.moments = append(l.moments, moment{score.Config{}.Features(&j), l.presses})
}

func (l *life) say(ctx context.Context, id string, channel event.Channel, role event.Role, voice string) error {
	some := l.voices[voice]
	s := some[l.chance.IntN(len(some))]
	l.turns++
	l.at = l.at.Add(20 * time.Second)
	f := s.features
	f.ID = fmt.Sprint("f", l.turns)
	f.Turn = event.Turn{ID: fmt.Sprint("t", l.turns), Customer: customer, Interaction: id, Channel: channel, Role: role, At: l.at, Text: s.text}
	msgs, err := l.shard.Turn(ctx, f)
	return l.took(msgs, err)
}

func (l *life) change(ctx context.Context, id string, channel event.Channel, c event.Change, m *event.Measures) error {
	l.turns++
	msgs, err := l.shard.Change(ctx, event.Interaction{ID: fmt.Sprint("c", l.turns), Customer: customer, Interaction: id,
		Channel: channel, Change: c, At: l.at, Measures: m})
	return l.took(msgs, err)
}

func (l *life) took(msgs []event.Message, err error) error {
	for _, m := range msgs {
		if j, ok := m.Value.(event.Journey); ok {
			l.state = j
		}
	}
	return err
}

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// noise is drawn from the logistic distribution, which ordinal models assume.
func noise(chance *rand.Rand) float64 {
	u := chance.Float64()*(1-2e-9) + 1e-9
	return math.Log(u / (1 - u))
}
