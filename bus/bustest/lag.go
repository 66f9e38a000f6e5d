package bustest

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"throughline/bus"
	"throughline/event"
)

// testLag: how far a stage is behind is told while one event holds it up, and by
// nobody once it has stopped.
func testLag(t *testing.T, b Broker) {
	reg := prometheus.NewRegistry()
	c := dialWith(t, b, bus.Config{Metrics: reg})
	in := topic(t, "in", false)
	ensure(t, c, in.Spec)
	told := func(stage string) (events float64, partitions int) {
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			for _, m := range f.GetMetric() {
				if f.GetName() == "throughline_bus_lag_events" && m.GetLabel()[1].GetValue() == stage {
					events, partitions = events+m.GetGauge().GetValue(), partitions+1
				}
			}
		}
		return events, partitions
	}
	var away atomic.Bool
	var held atomic.Int32
	away.Store(true)
	stop := run(t, c, bus.Stage{Name: in.Name, In: []bus.Input{bus.Each(in.Source, func(context.Context, item) ([]event.Message, error) {
		if away.Load() {
			held.Add(1)
			return nil, errors.New("the store is away")
		}
		return nil, nil
	})}})
	publish(t, c, in.Message(item{Key: "k", N: 0}))
	eventually(t, "the stage is held up", func() bool { return held.Load() > 0 })
	for n := range 3 { // each read by itself
		publish(t, c, in.Message(item{Key: "k", N: n + 1}))
		eventually(t, "the lag grows", func() bool { events, _ := told(in.Name); return events == float64(n+2) })
	}
	for n := range 7 { // more than are read ahead
		publish(t, c, in.Message(item{Key: "k", N: n + 4}))
	}
	eventually(t, "the lag grows further", func() bool { events, _ := told(in.Name); return events == 11 })
	away.Store(false)
	eventually(t, "the lag is gone", func() bool { events, partitions := told(in.Name); return events == 0 && partitions > 0 })
	stop()
	if _, partitions := told(in.Name); partitions != 0 {
		t.Errorf("a stage that has stopped tells of %d partitions", partitions)
	}
}
