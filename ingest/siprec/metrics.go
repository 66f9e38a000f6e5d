package siprec

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	answers   *prometheus.CounterVec
	seconds   prometheus.Histogram
	orphans   *prometheus.CounterVec
	metadata  *prometheus.CounterVec
	srtp      prometheus.Counter
	snapshots prometheus.Counter
}

func newMetrics(reg prometheus.Registerer, s *Server) *metrics {
	opts := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Namespace: "throughline", Subsystem: "siprec", Name: name, Help: help}
	}
	m := &metrics{
		answers: prometheus.NewCounterVec(opts("answers_total", "SIP requests answered, by method and status."), []string{"method", "status"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "throughline", Subsystem: "siprec", Name: "answer_seconds",
			Help: "Time from an INVITE to its answer.", Buckets: prometheus.ExponentialBuckets(0.0002, 2, 14)}),
		orphans:   prometheus.NewCounterVec(opts("orphans_total", "Calls given up on, by why: the session timer, no audio, or no ACK."), []string{"why"}),
		metadata:  prometheus.NewCounterVec(opts("metadata_total", "Recording metadata that came, by whether it could be read."), []string{"outcome"}),
		snapshots: prometheus.NewCounter(opts("snapshots_asked_total", "Requests of ours for metadata that was missing.")),
		srtp:      prometheus.NewCounter(opts("srtp_rejected_total", "Packets that were forged, repeated or of another key.")),
	}
	if reg != nil {
		reg.MustRegister(m.answers, m.seconds, m.orphans, m.metadata, m.srtp, m.snapshots,
			prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "throughline", Subsystem: "siprec", Name: "dialogs",
				Help: "Recording sessions going on."}, func() float64 { return float64(s.Dialogs()) }))
	}
	return m
}

func (m *metrics) answered(method string, status int, took time.Duration) {
	m.answers.WithLabelValues(method, strconv.Itoa(status)).Inc()
	if method == "INVITE" {
		m.seconds.Observe(took.Seconds())
	}
}
