package ingest

import (
	"sync"

	"throughline/event"
)

// token is an id of package event in its fixed size: prefix, "_" and 24 letters.
type token [26]byte

func tokenOf(id string) (t token) {
	if len(id) > len(t) {
		id = event.ID("z", id)
	}
	copy(t[:], id)
	return t
}

func (t token) String() string {
	n := 0
	for n < len(t) && t[n] != 0 {
		n++
	}
	return string(t[:n])
}

// memory remembers which ids were stored lately, and with which interaction, so
// that a redelivery is answered without publishing again. It holds between
// limit and 2×limit of them in two generations: a full young one becomes the
// old one, and the old one is forgotten.
type memory struct {
	mu         sync.RWMutex
	limit      int
	young, old map[token]token
}

func newMemory(limit int) *memory {
	return &memory{limit: limit, young: map[token]token{}}
}

func (m *memory) find(id string) (interaction string, ok bool) {
	k := tokenOf(id)
	m.mu.RLock()
	v, ok := m.young[k]
	if !ok {
		v, ok = m.old[k]
	}
	m.mu.RUnlock()
	return v.String(), ok
}

func (m *memory) put(id, interaction string) {
	k, v := tokenOf(id), tokenOf(interaction)
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, again := m.young[k]; !again && len(m.young) >= m.limit {
		m.old, m.young = m.young, make(map[token]token, m.limit/4)
	}
	m.young[k] = v
}
