package bus

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// lookEvery is the time between looks at where a partition ends while the stage is
// held up and nothing is read.
const lookEvery = 5 * time.Second

// readAhead reads an input's partition until ctx ends: one answer is read while
// the one before is handled.
func (r *partitionRun) readAhead(ctx context.Context, readers *sync.WaitGroup, i int, in chan<- fetched) {
	behind := r.lags[i]
	f := &fetcher{bus: r.bus, topic: r.stage.In[i].topic.Name, partition: r.partition, next: r.from[i], seen: behind.read}
	ahead := make(chan fetched, 1)
	readers.Go(func() {
		defer close(ahead)
		f.run(ctx, func(recs []raw, _ int64) bool {
			next := fetched{i, recs}
			select {
			case ahead <- next:
				return true
			default:
			}
			look := time.NewTicker(lookEvery)
			defer look.Stop()
			for {
				select {
				case ahead <- next:
					return true
				case <-look.C:
					if _, end, err := r.bus.askBounds(ctx, f.topic, f.partition); err == nil {
						behind.read(nil, end)
					}
				case <-ctx.Done():
					return false
				}
			}
		})
	})
	readers.Go(func() {
		for a := range ahead {
			select {
			case in <- a:
			case <-ctx.Done():
				return
			}
		}
	})
}

// lag is how many events a stage has not handled of one partition. It is told
// also while one event holds the stage up, which is when people look at it.
type lag struct {
	gauge prometheus.Gauge

	mu        sync.Mutex
	next, end int64
	begun     bool // next is known
}

// newLag begins to tell; forget ends it: then the partition is somebody else's.
func (m *metrics) newLag(stage, topic string, partition int) (l *lag, forget func()) {
	labels := []string{stage, topic, fmt.Sprint(partition)}
	return &lag{gauge: m.lag.WithLabelValues(labels...)}, func() { m.lag.DeleteLabelValues(labels...) }
}

// read notes where the partition ends, and where what was read of it begins.
func (l *lag) read(recs []raw, end int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.end = max(l.end, end)
	if !l.begun {
		if l.next, l.begun = end, true; len(recs) > 0 {
			l.next = recs[0].offset
		}
	}
	l.gauge.Set(float64(max(0, l.end-l.next)))
}

// handled notes that all before next is done.
func (l *lag) handled(next int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next, l.begun = next, true
	l.gauge.Set(float64(max(0, l.end-l.next)))
}
