package ingest

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"throughline/problem"
)

// The defaults of DoorConfig.
const (
	DefaultDeadline    = 5 * time.Second
	DefaultMaxInFlight = 512
)

// DoorConfig bounds what HTTP may ask of us. The zero value works.
type DoorConfig struct {
	Deadline    time.Duration `yaml:"deadline" default:"5s" doc:"a request that is not stored by then is answered 503, for the sender to retry"`
	MaxInFlight int           `yaml:"max_in_flight" default:"512" doc:"requests handled at once; more wait for their turn until their deadline"`

	Metrics prometheus.Registerer `yaml:"-"` // nil: not registered
	Logger  *slog.Logger          `yaml:"-"` // nil: slog.Default()
}

// Door stands before the HTTP handlers of all channels: a bounded number of
// requests at once, a deadline, a span that begins the trace, metrics, and
// refusals as problem details.
type Door struct {
	deadline time.Duration
	slots    chan struct{}
	log      *slog.Logger
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

// NewDoor makes a Door.
func NewDoor(cfg DoorConfig) *Door {
	cfg.Deadline = cmp.Or(max(cfg.Deadline, 0), DefaultDeadline)
	cfg.MaxInFlight = cmp.Or(max(cfg.MaxInFlight, 0), DefaultMaxInFlight)
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	d := &Door{
		deadline: cfg.Deadline, slots: make(chan struct{}, cfg.MaxInFlight), log: cfg.Logger.With("component", "ingest"),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "throughline", Subsystem: "ingest", Name: "requests_total",
			Help: "Requests of sources, by route and status."}, []string{"route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "throughline", Subsystem: "ingest", Name: "request_seconds",
			Help: "Time until a request was answered.", Buckets: prometheus.ExponentialBuckets(0.00025, 2, 16)}, []string{"route"}),
	}
	if cfg.Metrics != nil {
		cfg.Metrics.MustRegister(d.requests, d.seconds)
	}
	return d
}

// Handler is one HTTP operation. It answers itself, or returns why it cannot.
type Handler func(w http.ResponseWriter, r *http.Request) error

// Wrap makes an http.Handler of h. Route names it in spans and metrics.
func (d *Door) Wrap(route string, h Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		ctx, span := otel.Tracer("throughline/ingest").Start(ctx, route, trace.WithSpanKind(trace.SpanKindServer))
		defer span.End()
		ctx, cancel := context.WithTimeout(ctx, d.deadline)
		defer cancel()
		rec := &statusRecorder{ResponseWriter: w, status: http.StatusOK}
		if err := d.pass(ctx, rec, r, h); err != nil {
			d.refuse(ctx, rec, route, err)
		}
		d.requests.WithLabelValues(route, strconv.Itoa(rec.status)).Inc()
		d.seconds.WithLabelValues(route).Observe(time.Since(began).Seconds())
		if span.IsRecording() {
			span.SetAttributes(attribute.String("http.route", route), attribute.Int("http.response.status_code", rec.status))
			if rec.status >= 500 {
				span.SetStatus(codes.Error, http.StatusText(rec.status))
			}
		}
	})
}

func (d *Door) pass(ctx context.Context, w http.ResponseWriter, r *http.Request, h Handler) error {
	select {
	case d.slots <- struct{}{}:
		defer func() { <-d.slots }()
	case <-ctx.Done():
		return problem.Unavailable(time.Second, "Too many requests are being handled; send it again.", ctx.Err())
	}
	return h(w, r.WithContext(ctx))
}

// refuse answers err and logs what an operator must know: never the caller's
// mistakes, which the metrics count.
func (d *Door) refuse(ctx context.Context, w http.ResponseWriter, route string, err error) {
	p := asProblem(err)
	if p.Status >= 500 {
		d.log.ErrorContext(ctx, "request was not stored", "route", route, "status", p.Status, "error", p.Cause)
	}
	problem.Write(w, p)
}

// asProblem gives the errors of Accept their status. Whatever is not the
// caller's fault is a 503, so that the sender keeps the message and retries.
func asProblem(err error) *problem.Problem {
	if p, ok := errors.AsType[*problem.Problem](err); ok {
		return p
	}
	if e, ok := errors.AsType[*ArrivalError](err); ok {
		return problem.New(http.StatusNotFound, e.Err.Error())
	}
	if errors.Is(err, ErrNotReady) {
		return problem.Unavailable(time.Second, "The service is starting; send it again.", err)
	}
	return problem.Unavailable(2*time.Second, "It could not be stored now; send it again.", err)
}

type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (s *statusRecorder) WriteHeader(status int) {
	s.status = status
	s.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController and WebSocket upgrades reach the connection.
func (s *statusRecorder) Unwrap() http.ResponseWriter { return s.ResponseWriter }
