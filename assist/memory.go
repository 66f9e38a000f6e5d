package assist

import "time"

// remembers is how long an id is known: a little longer than the topics that it
// is restored from keep it.
const remembers = 8 * 24 * time.Hour

// memory knows the ids of what was done lately, in two generations.
type memory struct {
	turned     time.Time
	young, old map[string]struct{}
}

func newMemory() *memory {
	return &memory{young: map[string]struct{}{}}
}

// add notes id at a time and tells whether it is new.
func (m *memory) add(id string, at time.Time) bool {
	if m.turned.IsZero() {
		m.turned = at
	}
	if at.Sub(m.turned) > remembers {
		m.old, m.young, m.turned = m.young, map[string]struct{}{}, at
	}
	_, young := m.young[id]
	_, old := m.old[id]
	m.young[id] = struct{}{}
	return !young && !old
}
