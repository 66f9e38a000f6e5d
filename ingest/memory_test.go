package ingest

import (
	"fmt"
	"strings"
	"testing"

	"throughline/event"
)

func TestMemoryForgetsTheOldestHalf(t *testing.T) {
	m := newMemory(100)
	id := func(i int) string { return event.ID("t", fmt.Sprint(i)) }
	for i := range 1000 {
		m.put(id(i), id(i+1))
		if n := len(m.young) + len(m.old); n > 200 {
			t.Fatalf("holds %d", n)
		}
	}
	for i := 900; i < 1000; i++ {
		if got, ok := m.find(id(i)); !ok || got != id(i+1) {
			t.Errorf("%d is %q, %v", i, got, ok)
		}
	}
	if _, ok := m.find(id(0)); ok {
		t.Error("the first is still known")
	}
	long := strings.Repeat("x", 100)
	m.put(long, "")
	if got, ok := m.find(long); !ok || got != "" {
		t.Errorf("a long id is %q, %v", got, ok)
	}
}
