package sink_test

import (
	"context"
	"testing"
	"time"

	"throughline/sink"
	"throughline/sink/embedded"
	"throughline/sink/sinktest"
)

// TestReadyWithItsTables: a server that answers is not enough for who may not
// make the tables there.
func TestReadyWithItsTables(t *testing.T) {
	engine, store := sinktest.Open(t)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := store.Ready(ctx); err != nil {
		t.Errorf("with its tables: %v", err)
	}
	reader, err := sink.Open(sink.Config{URL: "http://" + engine.Addr(), User: embedded.DefaultReader})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if err := reader.Ready(ctx); err != nil {
		t.Errorf("who only asks: %v", err)
	}
	if err := reader.Migrate(ctx); err == nil {
		t.Fatal("a reader may make tables")
	}
	if reader.Ready(ctx) == nil {
		t.Error("who could not make the tables is ready")
	}
}
