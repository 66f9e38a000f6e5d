package bus

import "github.com/prometheus/client_golang/prometheus"

// metrics are counted per topic and stage; never per customer or interaction.
type metrics struct {
	produced, produceRetries, dropped *prometheus.CounterVec
	fetchRetries, skipped             *prometheus.CounterVec
	handled, retries, dead            *prometheus.CounterVec
	lag                               *prometheus.GaugeVec
	handleSeconds                     *prometheus.HistogramVec
	age                               *prometheus.HistogramVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "throughline", Subsystem: "bus", Name: name, Help: help}, labels)
	}
	m := &metrics{
		produced:       counter("produced_total", "Events acknowledged by the brokers.", "topic"),
		produceRetries: counter("produce_retries_total", "Requests to write that were repeated.", "topic"),
		dropped:        counter("dropped_total", "Events of lossy topics dropped because the queue was full.", "topic"),
		fetchRetries:   counter("fetch_retries_total", "Requests to read that were repeated.", "topic"),
		skipped:        counter("skipped_total", "Events that retention removed before they were read.", "topic"),
		handled:        counter("handled_total", "Events handled.", "stage", "topic"),
		retries:        counter("retries_total", "Handlings repeated after a transient error.", "stage", "topic"),
		dead:           counter("dead_total", "Events that could not be handled and were set aside.", "stage", "topic"),
		lag: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "throughline", Subsystem: "bus", Name: "lag_events",
			Help: "Events on the topic that the stage has not handled."}, []string{"stage", "topic", "partition"}),
		handleSeconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "throughline", Subsystem: "bus", Name: "handle_seconds",
			Help: "Time to handle one batch and publish its results.", Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14)}, []string{"stage", "topic"}),
		age: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "throughline", Subsystem: "bus", Name: "age_seconds",
			Help: "Age of an event, since it was published, when its results are published.", Buckets: prometheus.ExponentialBuckets(0.001, 2, 16)}, []string{"stage", "topic"}),
	}
	if reg != nil {
		reg.MustRegister(m.produced, m.produceRetries, m.dropped, m.fetchRetries, m.skipped,
			m.handled, m.retries, m.dead, m.lag, m.handleSeconds, m.age)
	}
	return m
}
