package bustest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"throughline/event"
)

// item is the event of the tests.
type item struct {
	Key string `json:"key"`
	N   int    `json:"n"`
	Pad string `json:"pad,omitempty"`
}

func topic(t *testing.T, name string, compact bool) event.Topic[item] {
	safe := strings.NewReplacer("/", ".", " ", "_", "#", "-").Replace(t.Name())
	return event.Topic[item]{
		Source: event.Source[item]{Spec: event.Spec{Name: fmt.Sprintf("%s.%s.%x", safe, name, rand.Uint32()), Compact: compact, Retention: time.Hour}},
		Key:    func(i item) string { return i.Key },
	}
}

// collector keeps what a stage saw, by key.
type collector struct {
	mu   sync.Mutex
	seen map[string][]int
	all  int
}

func (c *collector) take(i item) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil {
		c.seen = map[string][]int{}
	}
	c.seen[i.Key] = append(c.seen[i.Key], i.N)
	c.all++
}

func (c *collector) distinct() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, ns := range c.seen {
		m := map[int]bool{}
		for _, v := range ns {
			m[v] = true
		}
		n += len(m)
	}
	return n
}

// inOrder checks that each key's first sightings come in order; repeats are allowed.
func (c *collector) inOrder(t *testing.T) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, ns := range c.seen {
		next := 0
		for _, n := range ns {
			if n > next {
				t.Fatalf("key %s: saw %d before %d", key, n, next)
			}
			if n == next {
				next++
			}
		}
	}
}
