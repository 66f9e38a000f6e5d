package score

import (
	"math"

	"throughline/event"
)

// EffortVersion names the weights below; it changes whenever one of them does.
const EffortVersion = "effort-1"

// load is what makes a journey hard: how much of it there is, and its weight.
type load struct {
	name   string
	weight float64 // of the first unit
	amount func(t *tally) float64
}

// loads are the burdens that the literature on customer effort counts: coming
// back about the same thing, changing channels, repeating information, being
// handed on, waiting (Dixon, Freeman and Toman, Stop Trying to Delight Your
// Customers, HBR 2010). The weights are ours.
func loads() []load {
	return []load{
		{"contacts", 0.22, func(t *tally) float64 { return float64(max(0, t.contacts-1)) }},
		{"channel changes", 0.16, func(t *tally) float64 { return float64(t.switches) }},
		{"asked again", 0.20, func(t *tally) float64 { return float64(t.reasks) }},
		{"transfers", 0.24, func(t *tally) float64 { return float64(t.transfers) }},
		{"hold time", 0.05, func(t *tally) float64 { return t.holdMinutes }},
		{"said again", 0.08, func(t *tally) float64 { return float64(t.repeats) }},
		{"returns", 0.18, func(t *tally) float64 { return float64(t.returns) }},
		{"pickup", 0.06, func(t *tally) float64 { return float64(t.pickup) }},
		{"lost contacts", 0.20, func(t *tally) float64 { return float64(t.lost) }},
		{"customer turns", 0.012, func(t *tally) float64 { return float64(t.customer) }},
		{"customer words", 0.0008, func(t *tally) float64 { return float64(t.words) }},
		{"time", 0.10, func(t *tally) float64 { return math.Log1p(t.hours / 24) }},
	}
}

// effort is 100·(1 − e^−Σ weight·amount): every burden adds, none can be made up
// for, and the scale ends at 100. Nil until the customer has said something or
// come twice. Each factor's push is its share of the value, in points.
func (m *Model) effort(t *tally) *event.Score {
	if t.customer == 0 && t.contacts < 2 {
		return nil
	}
	var part [12]float64
	sum := 0.0
	for k := range m.loads {
		part[k] = m.loads[k].weight * max(0, m.loads[k].amount(t))
		sum += part[k]
	}
	s := &event.Score{Value: round(100 * (1 - math.Exp(-sum))), Model: EffortVersion}
	if sum > 0 {
		for k := range m.loads {
			part[k] *= s.Value / sum
		}
		s.Moved = strongest(part[:len(m.loads)], func(k int) string { return m.loads[k].name }, 1)
	}
	return s
}
