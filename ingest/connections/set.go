package connections

import "sync"

// Set holds the connections that are open. It is safe for concurrent use.
type Set[C comparable] struct {
	most    int
	running sync.WaitGroup

	mu       sync.Mutex
	draining bool
	open     map[C]bool
}

// NewSet makes a Set of at most so many connections.
func NewSet[C comparable](most int) *Set[C] { return &Set[C]{most: most, open: map[C]bool{}} }

// Enter lets a connection in. It reports false when as many as allowed are there,
// or none is let in any more; otherwise Exit follows.
func (s *Set[C]) Enter(c C) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining || len(s.open) >= s.most {
		return false
	}
	s.open[c] = true
	s.running.Add(1)
	return true
}

// Exit forgets a connection that was let in.
func (s *Set[C]) Exit(c C) {
	s.mu.Lock()
	delete(s.open, c)
	s.mu.Unlock()
	s.running.Done()
}

// Len is how many are open.
func (s *Set[C]) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// Each visits those that are open; visit must not wait, and may not use the Set.
func (s *Set[C]) Each(visit func(C)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.open {
		visit(c)
	}
}

// Drain lets nobody in any more and visits those that are open. The channel that
// it gives is closed when the last has left.
func (s *Set[C]) Drain(visit func(C)) (gone <-chan struct{}) {
	s.mu.Lock()
	s.draining = true
	s.mu.Unlock()
	s.Each(visit)
	done := make(chan struct{})
	go func() { s.running.Wait(); close(done) }()
	return done
}
