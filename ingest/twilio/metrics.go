package twilio

import "github.com/prometheus/client_golang/prometheus"

// metrics never carry a customer, a call or a stream.
type metrics struct {
	messages *prometheus.CounterVec
	refused  *prometheus.CounterVec
	odd      *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer, s *Server) *metrics {
	counter := func(name, help, label string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "throughline", Subsystem: "twilio", Name: name, Help: help}, []string{label})
	}
	m := &metrics{
		messages: counter("messages_total", "Frames by what they are: start, media, bare audio and so on.", "kind"),
		refused:  counter("refused_total", "Connections and calls that were refused, by why.", "why"),
		odd: counter("odd_frames_total", "Frames that are not as they should be, by what became of them: malformed, before_start, second_start, "+
			"foreign_stream, foreign_track, repeated, late and unusable ones are dropped; missing ones never came; reordered ones were put right.", "what"),
	}
	if reg != nil {
		reg.MustRegister(m.messages, m.refused, m.odd,
			prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "throughline", Subsystem: "twilio", Name: "streams", Help: "Open connections."},
				func() float64 { return float64(s.streams.Len()) }))
	}
	return m
}
