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
	known := m.has(id)
	m.young[id] = struct{}{}
	return !known
}

func (m *memory) has(id string) bool {
	_, young := m.young[id]
	_, old := m.old[id]
	return young || old
}
