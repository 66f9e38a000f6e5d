package dashboards

import "github.com/prometheus/client_golang/prometheus"

// metrics count streams by kind, "sse" or "ws"; never by who reads what.
type metrics struct {
	streams             *prometheus.GaugeVec
	sent, reset, behind *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	counter := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "throughline", Subsystem: "dashboards", Name: name, Help: help}, []string{"kind"})
	}
	m := &metrics{
		streams: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "throughline", Subsystem: "dashboards", Name: "streams",
			Help: "Streams that are open."}, []string{"kind"}),
		sent:   counter("sent_total", "Events sent to streams."),
		reset:  counter("resets_total", "Streams that could not resume exactly and were told so."),
		behind: counter("behind_total", "Streams ended because their reader was too slow; they resume by id."),
	}
	if reg != nil {
		reg.MustRegister(m.streams, m.sent, m.reset, m.behind)
	}
	return m
}
