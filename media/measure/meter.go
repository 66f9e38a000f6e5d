package measure

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"
)

// Side is a party of a call.
type Side uint8

// Mixed is both parties on one channel: a mono recording.
const (
	Customer Side = 0
	Agent    Side = 1
	Mixed    Side = 2
)

// String names the side as reports do.
func (s Side) String() string {
	switch s {
	case Customer:
		return "customer"
	case Agent:
		return "agent"
	}
	return "mixed"
}

// Interruption is simultaneous speech that one party began over the other.
type Interruption struct {
	By     Side          `json:"by"`
	Begin  time.Duration `json:"begin"`
	End    time.Duration `json:"end"`     // of the simultaneous speech
	CutOff bool          `json:"cut_off"` // the other party fell silent first
}

// Party is what was measured of one side. A nil field is not known, or not known yet.
type Party struct {
	Talk        time.Duration `json:"talk"`         // speech, pauses left out
	Turns       int           `json:"turns"`        // utterances, backchannels among them
	Share       *float64      `json:"share"`        // of both parties' talk, 0 to 1
	Speed       *float64      `json:"speed"`        // words per minute of speech
	Loudness    *float64      `json:"loudness"`     // mean over seconds of speech, 0 to 100; see Loudness
	LoudnessMax *float64      `json:"loudness_max"` // the loudest second
	Interrupts  *int          `json:"interrupts"`   // interruptions this side began
	CutOffs     *int          `json:"cut_offs"`     // of those, the ones that silenced the other
	Overtalk    *float64      `json:"overtalk"`     // share of this side's turns begun over the other (Medallia, Voci)
}

// Report holds the measures of a call up to a moment. As JSON, durations are nanoseconds.
type Report struct {
	Params         Params         `json:"params"`
	Duration       time.Duration  `json:"duration"`
	Hold           time.Duration  `json:"hold"`
	NonTalk        time.Duration  `json:"non_talk"` // hold, and silences of both parties above the threshold
	Silences       int            `json:"silences"` // those silences
	LongestSilence time.Duration  `json:"longest_silence"`
	Talk           time.Duration  `json:"talk"`           // time in which anybody spoke
	Overtalk       *time.Duration `json:"overtalk"`       // time in which both spoke
	OvertalkShare  *float64       `json:"overtalk_share"` // of Talk
	Interruptions  []Interruption `json:"interruptions"`
	Customer       *Party         `json:"customer"` // nil for a mixed channel
	Agent          *Party         `json:"agent"`
	Mixed          *Party         `json:"mixed"` // nil for a call of two channels
	// Unknown names the fields that this kind of call cannot give, and Why says why.
	Unknown []string `json:"unknown,omitempty"`
	Why     string   `json:"why,omitempty"`
}

// party is what a meter keeps of one side.
type party struct {
	speech   intervals
	words    int
	spoken   time.Duration
	levels   int
	levelSum float64
	levelMax float64
}

// Meter collects a call. It is for one goroutine. Its memory grows with the number of utterances,
// by 16 octets each.
type Meter struct {
	params Params
	mono   bool
	sides  [3]party
	hold   intervals
}

// NewMeter gives a meter for a call of two channels, or of one when mono.
func NewMeter(p Params, mono bool) *Meter {
	return &Meter{params: p.withDefaults(), mono: mono}
}

// party finds a side; a side that the call cannot have is an error.
func (m *Meter) party(s Side) (*party, error) {
	if (s == Mixed) != m.mono || s > Mixed {
		return nil, fmt.Errorf("measure side: %v does not exist in a call with mono %v", s, m.mono)
	}
	return &m.sides[s], nil
}

// Speech says that a side spoke from begin up to end, on the call's timeline. While it speaks, the
// same begin may be reported with a growing end. Intervals may come in any order.
func (m *Meter) Speech(s Side, begin, end time.Duration) error {
	p, err := m.party(s)
	if err != nil {
		return err
	}
	p.speech = p.speech.add(Interval{max(begin, 0), end})
	return nil
}

// Hold says that the call was on hold.
func (m *Meter) Hold(begin, end time.Duration) {
	m.hold = m.hold.add(Interval{max(begin, 0), end})
}

// Words says how many words a side spoke in how much speech.
func (m *Meter) Words(s Side, words int, spoken time.Duration) error {
	p, err := m.party(s)
	if err != nil {
		return err
	}
	if words > 0 && spoken > 0 {
		p.words += words
		p.spoken += spoken
	}
	return nil
}

// Level gives the level of one second of a side's speech, in dB of full scale (root mean square).
func (m *Meter) Level(s Side, dbfs float64) error {
	p, err := m.party(s)
	if err != nil {
		return err
	}
	if math.IsNaN(dbfs) {
		return nil
	}
	l := Loudness(dbfs)
	p.levels++
	p.levelSum += l
	p.levelMax = max(p.levelMax, l)
	return nil
}

// Loudness maps a speech level to 0–100: 100 × (1 + level/60), held within the ends. Full scale is
// 100 and −60 dB, where speech drowns in line noise, is 0. The nominal level of telephone speech,
// −26 dB (ITU-T P.56, G.100.1), gives 57.
func Loudness(dbfs float64) float64 {
	return min(max(100*(1+dbfs/60), 0), 100)
}

// Report computes the measures up to the moment at, the call's length so far.
func (m *Meter) Report(at time.Duration) Report {
	r := Report{Params: m.params, Duration: at, Hold: m.hold.total()}
	anyone := m.sides[Customer].speech.union(m.sides[Agent].speech).union(m.sides[Mixed].speech)
	r.Talk = anyone.total()
	r.NonTalk = r.Hold
	for _, s := range anyone.union(m.hold).complement(at) {
		if s.Duration() <= m.params.NonTalk {
			continue
		}
		r.NonTalk += s.Duration()
		r.Silences++
		r.LongestSilence = max(r.LongestSilence, s.Duration())
	}
	if m.mono {
		p := m.describe(Mixed)
		r.Mixed = &p
		r.Unknown = []string{"customer", "agent", "overtalk", "overtalk_share", "interruptions"}
		r.Why = "both parties share one channel"
		return r
	}
	m.compare(&r)
	return r
}

// describe gives what a side alone can tell.
func (m *Meter) describe(s Side) Party {
	p := &m.sides[s]
	out := Party{Talk: p.speech.total(), Turns: len(p.speech.joined(m.params.Join))}
	if p.spoken >= m.params.Spoken {
		out.Speed = known(float64(p.words) / p.spoken.Minutes())
	}
	if p.levels > 0 {
		out.Loudness = known(p.levelSum / float64(p.levels))
		out.LoudnessMax = known(p.levelMax)
	}
	return out
}

func known[T any](v T) *T { return &v }

// compare fills in what takes two sides.
func (m *Meter) compare(r *Report) {
	customer, agent := m.describe(Customer), m.describe(Agent)
	overtalk := m.sides[Customer].speech.intersection(m.sides[Agent].speech).total()
	r.Overtalk = &overtalk
	if r.Talk > 0 {
		r.OvertalkShare = known(float64(overtalk) / float64(r.Talk))
	}
	if sum := customer.Talk + agent.Talk; sum > 0 {
		customer.Share = known(float64(customer.Talk) / float64(sum))
		agent.Share = known(float64(agent.Talk) / float64(sum))
	}
	c := m.sides[Customer].speech.joined(m.params.Join)
	a := m.sides[Agent].speech.joined(m.params.Join)
	m.interruptions(r, &customer, Customer, c, a)
	m.interruptions(r, &agent, Agent, a, c)
	slices.SortFunc(r.Interruptions, func(a, b Interruption) int { return cmp.Compare(a.Begin, b.Begin) })
	r.Customer, r.Agent = &customer, &agent
}

// interruptions finds the utterances of one side that were begun over the other's.
func (m *Meter) interruptions(r *Report, p *Party, by Side, own, other intervals) {
	p.Interrupts, p.CutOffs = known(0), known(0)
	over := 0
	for _, u := range own {
		for len(other) > 0 && other[0].End <= u.Begin {
			other = other[1:]
		}
		if len(other) == 0 || u.Begin-other[0].Begin < m.params.Lead || u.Duration() <= m.params.Backchannel {
			continue
		}
		end := min(u.End, other[0].End)
		if end-u.Begin < m.params.Overlap {
			continue
		}
		over++
		*p.Interrupts++
		i := Interruption{By: by, Begin: u.Begin, End: end, CutOff: other[0].End < u.End}
		if i.CutOff {
			*p.CutOffs++
		}
		r.Interruptions = append(r.Interruptions, i)
	}
	if len(own) > 0 {
		p.Overtalk = known(float64(over) / float64(len(own)))
	}
}
