package dashboards_test

import (
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"throughline/dashboards"
	"throughline/event"
)

// BenchmarkPublishToStream publishes 200 events a second and reads them on 50
// streams: from the moment an event is given to Publish until a client has
// read it.
//
//	go test ./dashboards -bench PublishToStream -benchtime 2000x
func BenchmarkPublishToStream(b *testing.B) {
	const rate, readers = 200, 50
	h := open(b)
	s := h.serve(b, "")
	began := make([]time.Time, b.N)
	var took [readers][]time.Duration
	var work sync.WaitGroup
	for r := range readers {
		c := s.stream(b, "?topics=features", "")
		if _, err := c.next(); err != nil {
			b.Fatal(err)
		}
		work.Go(func() {
			for range b.N {
				g, err := c.next()
				if err != nil {
					b.Error(err)
					return
				}
				var n int
				if _, err := fmt.Sscanf(strings.TrimPrefix(g.data, `{"id":"f`), "%d", &n); err != nil {
					b.Error(err)
					return
				}
				took[r] = append(took[r], time.Since(began[n]))
			}
		})
	}
	b.ResetTimer()
	tick := time.NewTicker(time.Second / rate)
	defer tick.Stop()
	for n := range b.N {
		<-tick.C
		m := event.AnalysedTurns().Message(analysed(n, 0.1))
		began[n] = time.Now()
		work.Go(func() { h.publish(b, m) })
	}
	work.Wait()
	all := slices.Concat(took[:]...)
	slices.Sort(all)
	if len(all) == 0 {
		b.Fatal("nothing was read")
	}
	b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "ms-p50")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "ms-p99")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkFanOut is the cost of one event for one more subscriber, without
// network and Kafka's share: 64 readers walk over what one publisher stores.
func BenchmarkFanOut(b *testing.B) {
	for _, readers := range []int{1, 64} {
		b.Run(fmt.Sprintf("readers=%d", readers), func(b *testing.B) {
			h := open(b)
			s := h.serve(b, "", func(c *dashboards.HubConfig, _ *dashboards.Config) { c.RecentEvents, c.RecentBytes = b.N+1, 1<<31-1 })
			var work sync.WaitGroup
			id := ""
			{
				c := s.stream(b, "", "")
				hello, err := c.next()
				if err != nil {
					b.Fatal(err)
				}
				id = hello.id
				c.body.Close()
			}
			for from := 0; from < b.N; from += 2000 {
				h.publish(b, features(from, min(from+2000, b.N))...)
			}
			eventually(b, "all events", func() bool { return s.seen(b) == int64(b.N) })
			b.ResetTimer()
			for range readers {
				work.Go(func() {
					w := &counting{want: b.N, done: make(chan struct{}), ResponseRecorder: httptest.NewRecorder()}
					r := httptest.NewRequest("GET", "/v1/stream?topics=features&last_event_id="+id, nil)
					go s.api.ServeHTTP(w, r)
					<-w.done
				})
			}
			work.Wait()
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(readers), "ns/event/reader")
		})
	}
}

// counting is a reader that takes everything at once.
type counting struct {
	*httptest.ResponseRecorder
	want int
	done chan struct{}
}

func (c *counting) Write(p []byte) (int, error) {
	if strings.HasPrefix(string(p[:min(len(p), 7)]), "event: ") && !strings.HasPrefix(string(p[:min(len(p), 12)]), "event: hello") {
		if c.want--; c.want == 0 {
			close(c.done)
		}
	}
	return len(p), nil
}

func (c *counting) Flush() {}

// BenchmarkHub is what an event costs the hub: read from Kafka, understood,
// kept, sealed for the streams.
func BenchmarkHub(b *testing.B) {
	h := open(b)
	for from := 0; from < b.N; from += 2000 {
		h.publish(b, features(from, min(from+2000, b.N))...)
	}
	b.ResetTimer()
	s := h.serve(b, "", func(c *dashboards.HubConfig, _ *dashboards.Config) { c.Lookback = b.N })
	b.StopTimer()
	if n := s.seen(b); n != int64(b.N) {
		b.Fatalf("%d events of %d", n, b.N)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkContext answers what an agent must know of a customer, from memory.
func BenchmarkContext(b *testing.B) {
	h := open(b)
	s := h.serve(b, "")
	h.publish(b, messages(time.Now())...)
	eventually(b, "the journey", func() bool { return s.get(b, "/v1/customers/c_scene_0/context", nil) == 200 })
	b.ResetTimer()
	for b.Loop() {
		w := httptest.NewRecorder()
		s.api.ServeHTTP(w, httptest.NewRequest("GET", "/v1/customers/c_scene_0/context", nil))
		if w.Code != 200 {
			b.Fatal(w.Code)
		}
	}
}

// BenchmarkPush is the time from the start of an interaction, as it is published,
// to the customer's context on the agent's stream.
func BenchmarkPush(b *testing.B) {
	h := open(b)
	s := h.serve(b, "")
	c := s.stream(b, "?topics=context&agent=7", "")
	if _, err := c.next(); err != nil {
		b.Fatal(err)
	}
	j := thread(time.Now().UTC())
	last := &j.Interactions[len(j.Interactions)-1]
	var took []time.Duration
	for n := range b.N {
		last.ID, last.Agent = fmt.Sprint("i_", n), "7"
		j.Version++
		j.Cause = event.Cause{Type: "interaction", ID: fmt.Sprint("x", n), Change: event.Started, Interaction: last.ID}
		began := time.Now()
		h.publish(b, event.Journeys().Message(j))
		if _, err := c.next(); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms-p50")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ms-p99")
}
