package connections

import (
	"slices"
	"testing"
	"time"
)

func TestSet(t *testing.T) {
	s := NewSet[int](2)
	if !s.Enter(1) || !s.Enter(2) || s.Enter(3) {
		t.Error("two are allowed, and two only")
	}
	s.Exit(1)
	if !s.Enter(3) || s.Len() != 2 {
		t.Error("whoever leaves makes room")
	}
	var seen []int
	gone := s.Drain(func(n int) { seen = append(seen, n) })
	slices.Sort(seen)
	if !slices.Equal(seen, []int{2, 3}) {
		t.Errorf("drained %v", seen)
	}
	s.Exit(2)
	if s.Enter(4) {
		t.Error("one was let in while all leave")
	}
	select {
	case <-gone:
		t.Error("gone before the last has left")
	case <-time.After(10 * time.Millisecond):
	}
	s.Exit(3)
	select {
	case <-gone:
	case <-time.After(time.Minute):
		t.Error("the last has left, and nobody is told")
	}
}
