package nlp

import (
	"throughline/bus"
	"throughline/event"
)

// Stage reads each turn once and writes its features.
func (m *Model) Stage() bus.Stage {
	return bus.Stage{
		Name: "nlp",
		In:   []bus.Input{bus.Each(event.Turns(), m.Understand)},
		Out:  []event.Spec{event.AnalysedTurns().Spec},
	}
}
