package acoustic

import (
	"math"
)

// Label says what is different about a turn, in words for what anybody could hear.
type Label string

// The labels. Each is relative to the same speaker's earlier turns.
const (
	Louder     Label = "louder"
	Quieter    Label = "quieter"
	Higher     Label = "higher pitch"
	Lower      Label = "lower pitch"
	Livelier   Label = "wider pitch range"
	Flatter    Label = "narrower pitch range"
	Faster     Label = "faster"
	Slower     Label = "slower"
	MorePauses Label = "more pauses"
	FewPauses  Label = "fewer pauses"
)

// Deviation is a difference worth showing.
type Deviation struct {
	Label Label
	Sigma float64 // in standard deviations of the speaker, always positive
}

// Comparison sets a turn against the speaker's turns before it. A nil shift means that there is no
// baseline yet, or that the turn could not be measured.
type Comparison struct {
	PitchShift *float64 // semitones above the speaker's usual pitch
	LevelShift *float64 // dB above the speaker's usual level
	Deviations []Deviation
}

const (
	// settled is how many turns make a baseline.
	settled = 4
	// trust is how many turns the usual spread of a dimension is worth beside the speaker's own. A
	// few turns that happen to be alike would otherwise make every later one remarkable.
	trust = 5
	// memory is how many turns a baseline remembers, in effect: a call drifts, and what was unusual
	// at its beginning may become usual.
	memory = 50
	// notable is how many standard deviations are worth a label.
	notable = 2.0
)

// dimension is one feature with its two labels. usual is the standard deviation within a speaker
// from which the estimate starts: round figures that we chose by measuring calls,
// not published ones.
type dimension struct {
	value     func(Features) (float64, bool)
	usual     float64
	more, few Label
}

func dimensions() [5]dimension {
	of := func(v *float64, scale func(float64) float64) (float64, bool) {
		if v == nil || *v <= 0 {
			return 0, false
		}
		return scale(*v), true
	}
	same := func(v float64) float64 { return v }
	semitones := func(hz float64) float64 { return 12 * math.Log2(hz) }
	return [5]dimension{
		{func(f Features) (float64, bool) { return f.Level, true }, 3, Louder, Quieter},
		{func(f Features) (float64, bool) { return of(f.Pitch, semitones) }, 2.5, Higher, Lower},
		{func(f Features) (float64, bool) { return of(f.PitchRange, same) }, 5, Livelier, Flatter},
		{func(f Features) (float64, bool) { return of(f.SyllableRate, same) }, 1, Faster, Slower},
		{func(f Features) (float64, bool) { return f.PauseShare, true }, 0.08, MorePauses, FewPauses},
	}
}

// moments are a running mean and variance that forget.
type moments struct {
	n              int
	mean, variance float64
}

func (m *moments) add(v float64) {
	m.n++
	alpha := 1 / float64(min(m.n, memory))
	d := v - m.mean
	m.mean += alpha * d
	m.variance = (1 - alpha) * (m.variance + alpha*d*d)
}

// baseline is how a speaker usually speaks.
type baseline struct {
	of [5]moments
}

func (b *baseline) add(f Features) {
	for i, d := range dimensions() {
		if v, ok := d.value(f); ok {
			b.of[i].add(v)
		}
	}
}

// compare is called before the turn itself becomes part of the baseline.
func (b *baseline) compare(f Features) (out Comparison) {
	for i, d := range dimensions() {
		v, ok := d.value(f)
		m := b.of[i]
		if !ok || m.n < settled {
			continue
		}
		shift := v - m.mean
		switch d.more {
		case Higher:
			out.PitchShift = &shift
		case Louder:
			out.LevelShift = &shift
		}
		n := float64(min(m.n, memory))
		sigma := shift / math.Sqrt((n*m.variance+trust*d.usual*d.usual)/(n+trust))
		switch {
		case sigma >= notable:
			out.Deviations = append(out.Deviations, Deviation{d.more, sigma})
		case sigma <= -notable:
			out.Deviations = append(out.Deviations, Deviation{d.few, -sigma})
		}
	}
	return out
}
