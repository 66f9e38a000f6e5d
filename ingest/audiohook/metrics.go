package audiohook

import "github.com/prometheus/client_golang/prometheus"

// metrics never carry a customer, a call or a session.
type metrics struct {
	messages *prometheus.CounterVec
	refused  *prometheus.CounterVec
	faults   prometheus.Counter
	unasked  prometheus.Counter
	apart    prometheus.Counter
	opened   prometheus.Histogram
}

func newMetrics(reg prometheus.Registerer, s *Server) *metrics {
	opts := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Namespace: "throughline", Subsystem: "audiohook", Name: name, Help: help}
	}
	m := &metrics{
		messages: prometheus.NewCounterVec(opts("messages_total", "Messages of Genesys by type; other stands for types of tomorrow."), []string{"type"}),
		refused:  prometheus.NewCounterVec(opts("refused_total", "Connections and sessions that were refused, by why."), []string{"why"}),
		faults:   prometheus.NewCounter(opts("faults_total", "Sessions ended because the client broke the protocol.")),
		unasked:  prometheus.NewCounter(opts("paused_audio_total", "Frames of audio that came while paused, and were thrown away.")),
		apart:    prometheus.NewCounter(opts("positions_apart_total", "Messages whose position was over a second from the audio received.")),
		opened: prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "throughline", Subsystem: "audiohook", Name: "opened_seconds",
			Help: "Time from reading open to having sent opened.", Buckets: prometheus.ExponentialBuckets(0.0001, 2, 14)}),
	}
	if reg != nil {
		reg.MustRegister(m.messages, m.refused, m.faults, m.unasked, m.apart, m.opened,
			prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "throughline", Subsystem: "audiohook", Name: "sessions", Help: "Open connections."},
				func() float64 { return float64(s.sessions.Len()) }))
	}
	return m
}

// kind is a message's type as a label: the types are few, what a client invents is not.
func kind(of string) string {
	switch of {
	case "open", "close", "ping", "paused", "resumed", "discarded", "update", "error":
		return of
	}
	return "other"
}
