package transcribe

import (
	"fmt"
	"strconv"
	"time"

	"throughline/event"
	"throughline/media/measure"
)

// call is one interaction with its legs. The shard's lock guards it.
type call struct {
	id, tenant, customer string
	began                time.Time // offset zero, by the source's clock

	legs     []*leg
	end      time.Duration // how far audio has come, in the call's time
	dirty    bool          // something came since it was measured
	measured time.Time     // wall clock
	closed   bool          // its last measures were told
	quietAt  time.Time     // when all legs had ended
}

// zero is the moment that the door counts a chunk's time in the call from.
func zero(a *event.AudioChunk) time.Time {
	return a.At.Add(-time.Duration(a.OffsetMS) * time.Millisecond)
}

// anew is how much later than the call's beginning a chunk's zero must lie to be
// that of another life of the door; within one the two differ by rounding.
const anew = 100 * time.Millisecond

// late is what must be added to a chunk's time in the call. A door that was
// restarted within the call counts from its own beginning again, and what was said
// then would be laid over what was said before.
func (c *call) late(a *event.AudioChunk) time.Duration {
	if d := zero(a).Sub(c.began); d > anew {
		return d
	}
	return 0
}

// reasonMeasures is why a call's measures are told.
const reasonMeasures = "conversation measures"

// message tells the measures as they are now, and whether they are the last:
// all legs have ended and all that they said was told.
func (c *call) message(now time.Time) event.Message {
	c.dirty, c.measured = false, now
	var attrs map[string]string
	if c.closed && c.memory() == remember {
		attrs = map[string]string{"final": "true"}
	}
	return event.Interactions().Message(event.Interaction{
		Attrs:  attrs,
		ID:     event.ID("x", c.id, "measures", strconv.FormatInt(c.end.Milliseconds(), 10), attrs["final"]),
		Tenant: c.tenant, Customer: c.customer, Interaction: c.id, Channel: event.Voice,
		Change: event.Measured, Reason: reasonMeasures, At: c.began.Add(c.end), Received: now, Measures: c.measures(),
	})
}

// whole tells whether the call was heard from its beginning.
func (c *call) whole() bool {
	for _, l := range c.legs {
		if !l.whole {
			return false
		}
	}
	return true
}

// sides gives each leg its place in the conversation. In a call of two legs of
// which one is known, the other is the other side. Where none is known the sides
// have no names: what two people do to each other can still be measured.
func (c *call) sides() (of map[*leg]measure.Side, mono, named bool) {
	of = map[*leg]measure.Side{}
	var unknown []*leg
	places := map[time.Duration]int{} // legs of nobody known, by the door's life
	place := map[*leg]int{}
	seen := [2]bool{}
	for _, l := range c.legs {
		switch l.role {
		case event.Customer:
			of[l] = measure.Customer
		case event.Agent, event.Bot:
			of[l] = measure.Agent
		case event.System:
			continue
		default:
			unknown = append(unknown, l)
			place[l] = places[l.late]
			places[l.late]++
			continue
		}
		seen[of[l]] = true
	}
	named = len(of) > 0
	if !named && len(places) == len(unknown) && len(unknown) > 0 {
		for _, l := range unknown {
			of[l] = measure.Mixed
		}
		return of, true, false
	}
	for _, l := range unknown {
		side := measure.Agent
		if named && seen[measure.Agent] || !named && place[l] == 0 {
			side = measure.Customer
		}
		of[l] = side
	}
	return of, false, named
}

// measures computes the call's measures up to now.
func (c *call) measures() *event.Measures {
	out := &event.Measures{DurationMS: c.end.Milliseconds()}
	if !c.whole() {
		out.Unknown = "the process that heard the call's beginning stopped; the measures it told before stand"
		return out
	}
	of, mono, named := c.sides()
	m := measure.NewMeter(measure.Params{}, mono)
	present := [3]bool{}
	for l, side := range of {
		present[side] = true
		if err := l.report(m, side); err != nil {
			out.Unknown = "sides of the call: " + err.Error()
			return out
		}
	}
	r := m.Report(c.end)
	p := r.Params
	out.Parameters = fmt.Sprintf("non_talk=%v;join=%v;backchannel=%v;lead=%v;interruption=%v;spoken=%v",
		p.NonTalk, p.Join, p.Backchannel, p.Lead, p.Overlap, p.Spoken)
	switch {
	case mono:
		out.TalkMS, out.NonTalkMS = ms(r.Talk), ms(r.NonTalk)
		out.Unknown = "who speaks, interruptions and overtalk: " + r.Why
		return out
	case !present[measure.Customer], !present[measure.Agent]:
		side := measure.Customer
		if present[side] {
			side = measure.Agent
		}
		out.Unknown = "what takes both sides: no audio of the " + side.String() + " has come"
	default:
		out.NonTalkMS, out.OvertalkMS = ms(r.NonTalk), ms(*r.Overtalk)
		// Talk is summed over the sides, so it may exceed the duration.
		out.TalkMS = ms(r.Customer.Talk + r.Agent.Talk)
		both := *r.Customer.Interrupts + *r.Agent.Interrupts
		out.Interruptions = &both
	}
	if !named {
		out.Unknown = "which side is the customer: the source did not say"
		return out
	}
	if present[measure.Customer] {
		out.CustomerTalkMS, out.CustomerWPM, out.CustomerLoudness = ms(r.Customer.Talk), r.Customer.Speed, r.Customer.Loudness
	}
	if present[measure.Agent] {
		out.AgentTalkMS, out.AgentWPM, out.AgentLoudness = ms(r.Agent.Talk), r.Agent.Speed, r.Agent.Loudness
		if present[measure.Customer] {
			out.AgentInterrupts = r.Agent.Interrupts
		}
	}
	return out
}

func ms(d time.Duration) *int64 {
	n := d.Milliseconds()
	return &n
}

// report gives a meter what is known of the leg.
func (l *leg) report(m *measure.Meter, side measure.Side) error {
	for _, i := range l.talk {
		if err := m.Speech(side, i.Begin, i.End); err != nil {
			return err
		}
	}
	if l.speaking {
		i := l.inCall(l.since, max(l.since, l.position()))
		if err := m.Speech(side, i.Begin, i.End); err != nil {
			return err
		}
	}
	for _, v := range l.level {
		if err := m.Level(side, v); err != nil {
			return err
		}
	}
	return m.Words(side, l.words, l.spoken)
}
