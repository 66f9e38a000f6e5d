//go:build kafka

package bus_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"throughline/bus/apachekafka"
	"throughline/bus/bustest"
)

func TestApacheKafka(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Minute)
	defer cancel()
	node, err := apachekafka.Start(ctx, t.TempDir())
	if errors.Is(err, apachekafka.ErrUnavailable) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer node.Stop()
	bustest.Run(t, node)
}
