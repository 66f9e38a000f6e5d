package calls

import (
	"github.com/prometheus/client_golang/prometheus"

	"throughline/media/rtpstream"
)

// metrics are counted per source and outcome; never per customer or call.
type metrics struct {
	begun, refused *prometheus.CounterVec
	finished       *prometheus.CounterVec
	problems       *prometheus.CounterVec
	withheld       *prometheus.CounterVec
	packets        *prometheus.CounterVec
	retries        prometheus.Counter
	lost           prometheus.Counter
}

func newMetrics(reg prometheus.Registerer, d *Door) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "throughline", Subsystem: "calls", Name: name, Help: help}, labels)
	}
	gauge := func(name, help string, f func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "throughline", Subsystem: "calls", Name: name, Help: help}, f)
	}
	single := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "throughline", Subsystem: "calls", Name: name, Help: help})
	}
	m := &metrics{
		begun:    counter("begun_total", "Calls that were taken.", "source"),
		refused:  counter("refused_total", "Calls that were refused, because as many as allowed were going on or because of a stop.", "source"),
		finished: counter("finished_total", "Calls that came to an end, by how: ended, failed or abandoned.", "source", "change"),
		problems: counter("leg_problems_total", "Legs without audio, whose audio stopped, or whose audio cannot be decoded.", "source", "problem"),
		withheld: counter("withheld_seconds_total", "Audio that was not kept, by why: pause, consent, or buffer where Kafka was away too long.", "why"),
		packets:  counter("rtp_packets_total", "RTP packets by what became of them; missing ones were given up on.", "what"),
		retries:  single("publish_retries_total", "Publishes that were repeated."),
		lost:     single("unpublished_total", "Events that no retry could store."),
	}
	if reg != nil {
		reg.MustRegister(m.begun, m.refused, m.finished, m.problems, m.withheld, m.packets, m.retries, m.lost,
			gauge("open", "Calls going on.", func() float64 { return float64(d.Open()) }),
			gauge("buffered_bytes", "Audio waiting for Kafka.", func() float64 { return float64(d.buffered.Load()) }))
	}
	return m
}

// rtp counts what a leg's receiver saw since it was last asked.
func (m *metrics) rtp(now, before rtpstream.Stats) {
	for what, n := range map[string]int64{
		"received": now.Packets - before.Packets, "missing": now.Missing - before.Missing, "late": now.Late - before.Late,
		"repeated": now.Repeated - before.Repeated, "reordered": now.Reordered - before.Reordered, "foreign": now.Foreign - before.Foreign,
		"malformed": now.Malformed - before.Malformed, "undecoded": now.Undecoded - before.Undecoded,
	} {
		if n > 0 {
			m.packets.WithLabelValues(what).Add(float64(n))
		}
	}
}
