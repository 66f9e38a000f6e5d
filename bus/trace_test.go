package bus_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"throughline/bus"
	"throughline/bus/embedded"
	"throughline/event"
)

// TestTraceCrossesTheHops follows one event over two stages: their spans belong
// to the trace that its sender began, each below the one before.
func TestTraceCrossesTheHops(t *testing.T) {
	spans := tracetest.NewSpanRecorder()
	before := otel.GetTracerProvider()
	otel.SetTracerProvider(trace.NewTracerProvider(trace.WithSpanProcessor(spans)))
	defer otel.SetTracerProvider(before)
	broker, err := embedded.Open(embedded.Config{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	b, err := bus.Dial(bus.Config{Brokers: []string{broker.Addr()}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close(context.Background())
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	done := make(chan struct{})
	ended := make(chan error, 2)
	sctx, stop := context.WithCancel(ctx)
	for _, s := range []bus.Stage{
		{Name: "first", In: []bus.Input{bus.Each(event.Alerts().Source, func(_ context.Context, a event.Alert) ([]event.Message, error) {
			return []event.Message{event.Suggestions().Message(event.Suggestion{ID: a.ID, Customer: a.Customer})}, nil
		})}, Out: []event.Spec{event.Suggestions().Spec}},
		{Name: "second", In: []bus.Input{bus.Each(event.Suggestions().Source, func(context.Context, event.Suggestion) ([]event.Message, error) {
			close(done)
			return nil, nil
		})}},
	} {
		go func() { ended <- b.Run(sctx, s) }()
	}
	if err := b.Ensure(ctx, event.Alerts().Spec, event.Suggestions().Spec); err != nil {
		t.Fatal(err)
	}
	pctx, root := otel.Tracer("test").Start(ctx, "sender")
	if err := b.Publish(pctx, event.Alerts().Message(event.Alert{ID: "a", Customer: "c"})); err != nil {
		t.Fatal(err)
	}
	root.End()
	select {
	case <-done:
	case <-ctx.Done():
		t.Fatal("the event did not pass")
	}
	stop()
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	parent := root.SpanContext().SpanID()
	for _, name := range []string{"first process", "second process"} {
		found := false
		for _, s := range spans.Ended() {
			if s.Name() == name {
				found = true
				if s.SpanContext().TraceID() != root.SpanContext().TraceID() || s.Parent().SpanID() != parent {
					t.Errorf("span %q does not continue the trace", name)
				}
				parent = s.SpanContext().SpanID()
			}
		}
		if !found {
			t.Errorf("no span %q", name)
		}
	}
}
