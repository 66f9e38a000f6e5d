package transcribe

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are counted for the process; never per call, leg or person.
type metrics struct {
	legs        prometheus.Gauge
	finalWait   prometheus.Histogram
	backlog     *prometheus.GaugeVec
	shed        prometheus.Counter
	lost        *prometheus.CounterVec
	undecodable prometheus.Counter
}

func newMetrics(reg prometheus.Registerer, t *Transcriber) *metrics {
	const space, system = "throughline", "transcribe"
	m := &metrics{
		legs: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: space, Subsystem: system, Name: "open_legs",
			Help: "Legs whose audio is being heard."}),
		finalWait: prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: space, Subsystem: system, Name: "final_seconds",
			Help:    "From the end of speech, as its audio was stored, until its final turn was stored.",
			Buckets: []float64{0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.85, 1, 1.25, 1.5, 2, 3, 5, 10, 30, 60, 300}}),
		backlog: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: space, Subsystem: system, Name: "backlog_seconds",
			Help: "How long the newest audio that was handled had waited."}, []string{"partition"}),
		shed: prometheus.NewCounter(prometheus.CounterOpts{Namespace: space, Subsystem: system, Name: "partials_shed_total",
			Help: "Partial turns that a newer one replaced before they were stored."}),
		lost: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: space, Subsystem: system, Name: "without_words_total",
			Help: "Final turns told without their words, by why."}, []string{"reason"}),
		undecodable: prometheus.NewCounter(prometheus.CounterOpts{Namespace: space, Subsystem: system, Name: "undecodable_chunks_total",
			Help: "Audio chunks whose codec is not known here."}),
	}
	if reg != nil {
		reg.MustRegister(m.legs, m.finalWait, m.backlog, m.shed, m.lost, m.undecodable,
			prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: space, Subsystem: system, Name: "load_ratio",
				Help: "Share of the workers' time that finals take; partials thin out as it grows and stop at 0.95."}, t.load))
	}
	return m
}

// load is the engine's, 0 while there is none.
func (t *Transcriber) load() float64 {
	select {
	case <-t.loaded:
		return t.engine.Load()
	default:
		return 0
	}
}

func (m *metrics) handled(partition int, waited time.Duration) {
	m.backlog.WithLabelValues(strconv.Itoa(partition)).Set(max(waited.Seconds(), 0))
}
