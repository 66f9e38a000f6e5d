package bus

import (
	"context"

	"github.com/segmentio/kafka-go"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// A trace follows an event over the topics in the W3C traceparent header.

type headerCarrier []kafka.Header

func (c *headerCarrier) Get(key string) string {
	for _, h := range *c {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

func (c *headerCarrier) Set(key, value string) {
	*c = append(*c, kafka.Header{Key: key, Value: []byte(value)})
}

func (c *headerCarrier) Keys() []string {
	keys := make([]string, len(*c))
	for i, h := range *c {
		keys[i] = h.Key
	}
	return keys
}

func injectTrace(ctx context.Context) []kafka.Header {
	var c headerCarrier
	propagation.TraceContext{}.Inject(ctx, &c)
	return c
}

// startSpan continues the trace of r in stage. Attributes follow the OpenTelemetry
// messaging conventions; the key is left out, since it names a customer.
func startSpan(ctx context.Context, stage string, r raw) (context.Context, func(error)) {
	c := headerCarrier(r.headers)
	ctx = propagation.TraceContext{}.Extract(ctx, &c)
	ctx, span := otel.Tracer("throughline/bus").Start(ctx, stage+" process", trace.WithSpanKind(trace.SpanKindConsumer))
	if span.IsRecording() {
		span.SetAttributes(
			attribute.String("messaging.system", "kafka"),
			attribute.String("messaging.operation.type", "process"),
			attribute.String("messaging.destination.name", r.topic),
			attribute.Int("messaging.destination.partition.id", r.partition),
			attribute.Int64("messaging.kafka.offset", r.offset),
			attribute.String("messaging.consumer.group.name", stage))
	}
	return ctx, func(err error) {
		if err != nil {
			span.SetStatus(codes.Error, err.Error())
		}
		span.End()
	}
}
