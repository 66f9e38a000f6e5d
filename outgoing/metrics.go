package outgoing

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"throughline/bus"
)

// metrics are by target; never by customer.
type metrics struct {
	teller   *Teller
	attempts *prometheus.CounterVec
	aside    *prometheus.CounterVec
	unknown  prometheus.Counter
	seconds  *prometheus.HistogramVec
	oldest   *prometheus.Desc
	breaker  *prometheus.Desc
}

func newMetrics(t *Teller) *metrics {
	name := func(n string) string { return prometheus.BuildFQName("throughline", "outgoing", n) }
	return &metrics{
		teller: t,
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{Name: name("attempts_total"),
			Help: "Requests to outgoing targets by what came of them: accepted, refused, failed, held (429) or gone (410)."}, []string{"target", "result"}),
		aside: prometheus.NewCounterVec(prometheus.CounterOpts{Name: name("set_aside_total"),
			Help: "Events that a target will not be told of, now on the dead-letter topic."}, []string{"target"}),
		unknown: prometheus.NewCounter(prometheus.CounterOpts{Name: name("unknown_target_total"),
			Help: "Webhook actions of the policy that name a target which is not configured: nobody is told."}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name("attempt_seconds"),
			Help: "Time of one request.", Buckets: prometheus.ExponentialBuckets(0.005, 2, 12)}, []string{"target"}),
		oldest:  prometheus.NewDesc(name("oldest_seconds"), "Age, since it was published, of the oldest event that is being delivered; 0: none.", []string{"target"}, nil),
		breaker: prometheus.NewDesc(name("breaker"), "0 closed, 1 open: probing after pauses, 2 the target said 410 Gone: set its url anew and restart.", []string{"target"}, nil),
	}
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	m.attempts.Describe(ch)
	m.aside.Describe(ch)
	m.unknown.Describe(ch)
	m.seconds.Describe(ch)
	ch <- m.oldest
	ch <- m.breaker
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	m.attempts.Collect(ch)
	m.aside.Collect(ch)
	m.unknown.Collect(ch)
	m.seconds.Collect(ch)
	for _, t := range m.teller.targets {
		ch <- prometheus.MustNewConstMetric(m.oldest, prometheus.GaugeValue, t.oldest(time.Now()).Seconds(), t.Name)
		ch <- prometheus.MustNewConstMetric(m.breaker, prometheus.GaugeValue, t.breaker.state(), t.Name)
	}
}

// waits notes what is in hand, until forget.
func (t *target) waits(lanes map[string][]Notice) (forget func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, lane := range lanes {
		for _, n := range lane {
			t.waiting[n.ID] = n.since
		}
	}
	return func() {
		for _, lane := range lanes {
			t.arrived(lane...)
		}
	}
}

// arrived notes that these are in hand no more.
func (t *target) arrived(all ...Notice) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, n := range all {
		delete(t.waiting, n.ID)
	}
}

func (t *target) oldest(now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	var age time.Duration
	for _, at := range t.waiting {
		age = max(age, now.Sub(at))
	}
	return age
}

// note counts an attempt, and logs what people must act on.
func (t *target) note(ctx context.Context, n Notice, v verdict, took time.Duration) {
	t.metrics.attempts.WithLabelValues(t.Name, string(v.result)).Inc()
	t.metrics.seconds.WithLabelValues(t.Name).Observe(took.Seconds())
	switch v.result {
	case gone:
		t.log.ErrorContext(ctx, "the target wants no more events; they wait in Kafka until url is set anew and the process restarted", "event", n.ID, "error", v.err)
	case failed:
		t.log.WarnContext(ctx, "delivery failed, trying again", "event", n.ID, "error", v.err)
	}
}

// passOver counts what no target will ever be told of: a policy may be put in
// force that names one which the settings have not.
func (t *target) passOver(ctx context.Context, n Notice) {
	if n.target != "" && len(t.all) > 0 && !slices.Contains(t.all, n.target) {
		t.metrics.unknown.Inc()
		t.log.WarnContext(ctx, "a webhook action names a target that is not in outgoing.targets; nobody is told", "named", n.target, "rule", n.Rule.Name, "event", n.ID)
	}
}

// setAside is the error that sends n to the dead-letter topic.
func (t *target) setAside(n Notice, why, last error) error {
	t.metrics.aside.WithLabelValues(t.Name).Inc()
	if last != nil {
		why = fmt.Errorf("%w: %w", why, last)
	}
	return bus.Permanent(fmt.Errorf("target %s: event %s: %w", t.Name, n.ID, why))
}
