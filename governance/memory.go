package governance

import (
	"container/list"
	"sync"
	"time"

	"throughline/governance/redact"
)

// memory keeps, for the interactions that are going on, what redaction must
// remember between turns. It is bounded in number and time, and never written
// down: after a restart a number in the middle of being said is not recognised.
type memory struct {
	mu    sync.Mutex
	most  int
	idle  time.Duration
	now   func() time.Time
	held  map[string]*list.Element
	order *list.List // least recently used last
}

// conversation is one interaction's state and the turns that led to it.
type conversation struct {
	key   string
	used  time.Time
	state redact.Conversation
	// A redelivered turn must come out as it did the first time, so the state
	// before each of the last turns is kept beside its id.
	recent [8]before
	next   int
}

type before struct {
	turn  string
	state redact.Conversation
}

func newMemory(most int, idle time.Duration) *memory {
	if most <= 0 {
		most = DefaultConversations
	}
	if idle <= 0 {
		idle = DefaultIdle
	}
	return &memory{most: most, idle: idle, now: time.Now, held: map[string]*list.Element{}, order: list.New()}
}

// with runs f with the state before the turn. What f leaves in it is kept if
// keep says so and the turn is new. Turns of one interaction wait for each other.
func (m *memory) with(key, turn string, keep bool, f func(*redact.Conversation)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	m.sweep(now)
	e, ok := m.held[key]
	if !ok {
		if !keep {
			var c redact.Conversation
			f(&c)
			return
		}
		e = m.order.PushFront(&conversation{key: key})
		m.held[key] = e
	}
	c := e.Value.(*conversation)
	for _, b := range c.recent {
		if b.turn == turn && turn != "" {
			state := b.state
			f(&state)
			return
		}
	}
	state := c.state
	f(&state)
	if !keep {
		return
	}
	c.recent[c.next] = before{turn: turn, state: c.state}
	c.next = (c.next + 1) % len(c.recent)
	c.state, c.used = state, now
	m.order.MoveToFront(e)
}

// sweep drops what is over the bound or has been idle for too long.
func (m *memory) sweep(now time.Time) {
	for e := m.order.Back(); e != nil; e = m.order.Back() {
		c := e.Value.(*conversation)
		if m.order.Len() <= m.most && now.Sub(c.used) <= m.idle {
			return
		}
		m.order.Remove(e)
		delete(m.held, c.key)
	}
}

func (m *memory) forget(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e, ok := m.held[key]; ok {
		m.order.Remove(e)
		delete(m.held, key)
	}
}
