package journey

import (
	"container/heap"
	"time"
)

// dues is a heap of moments at which a customer's journey wants a look. A
// journey may stand in it more than once; whoever takes it checks again.
type dues struct{ h dueHeap }

type due struct {
	at       time.Time
	customer string
}

func (d *dues) add(at time.Time, customer string) { heap.Push(&d.h, due{at, customer}) }

// take removes and returns the customers whose moment has come.
func (d *dues) take(now time.Time) []string {
	var out []string
	for len(d.h) > 0 && !d.h[0].at.After(now) {
		out = append(out, heap.Pop(&d.h).(due).customer)
	}
	return out
}

type dueHeap []due

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h dueHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *dueHeap) Push(x any)        { *h = append(*h, x.(due)) }
func (h *dueHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
