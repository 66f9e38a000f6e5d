package webrtc

import (
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"throughline/problem"
)

// metrics never carry a customer, a call, a session or an address.
type metrics struct {
	refused   *prometheus.CounterVec
	finished  *prometheus.CounterVec
	restarts  prometheus.Counter
	answered  prometheus.Histogram
	connected prometheus.Histogram
}

func newMetrics(reg prometheus.Registerer, s *Server) *metrics {
	counter := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Namespace: "throughline", Subsystem: "webrtc", Name: name, Help: help}
	}
	seconds := func(name, help string) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "throughline", Subsystem: "webrtc", Name: name, Help: help,
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 15)})
	}
	m := &metrics{
		refused:   prometheus.NewCounterVec(counter("refused_total", "Requests that were refused, by HTTP status."), []string{"status"}),
		finished:  prometheus.NewCounterVec(counter("sessions_finished_total", "Sessions that came to an end, by how: ended, failed or abandoned."), []string{"change"}),
		restarts:  prometheus.NewCounter(counter("ice_restarts_total", "ICE restarts, such as those of a publisher that changed its network.")),
		answered:  seconds("answer_seconds", "Time from an offer to its answer."),
		connected: seconds("connect_seconds", "Time from an answer to encrypted media."),
	}
	if reg != nil {
		reg.MustRegister(m.refused, m.finished, m.restarts, m.answered, m.connected,
			prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "throughline", Subsystem: "webrtc", Name: "sessions", Help: "Sessions open, connected or not yet."},
				func() float64 { return float64(s.Sessions()) }))
	}
	return m
}

// refuse answers with the problem that err is, and counts it.
func (s *Server) refuse(w http.ResponseWriter, err error) {
	p := problem.Of(err)
	s.metrics.refused.WithLabelValues(strconv.Itoa(p.Status)).Inc()
	if p.Status == http.StatusInternalServerError {
		s.log.Error("request failed", "error", p.Cause)
	}
	problem.Write(w, p)
}
