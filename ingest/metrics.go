package ingest

import (
	"github.com/prometheus/client_golang/prometheus"
)

// metrics are counted per channel and outcome; never per customer or interaction.
type metrics struct {
	arrivals *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer, s *Sessions) *metrics {
	m := &metrics{arrivals: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "throughline", Subsystem: "ingest", Name: "arrivals_total",
		Help: "What came in, by what became of it: stored, duplicate or refused."}, []string{"channel", "what", "outcome"})}
	if reg != nil {
		reg.MustRegister(m.arrivals, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "throughline", Subsystem: "ingest", Name: "open_interactions",
			Help: "Interactions that have not ended."}, func() float64 { return float64(s.Open()) }))
	}
	return m
}

func (m *metrics) arrived(a Arrival, outcome string) {
	what := "turn"
	switch {
	case a.Change != nil:
		what = string(a.Change.Change)
	case a.Consent != nil:
		what = "consent"
	case a.Identity != nil:
		what = "identity"
	}
	m.arrivals.WithLabelValues(string(a.Channel), what, outcome).Inc()
}
