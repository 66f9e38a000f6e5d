//go:build kafka

package main

import (
	"context"
	"errors"
	"testing"
	"time"

	"throughline/bus/apachekafka"
)

// TestApacheKafkaDemo plays the bundled day through Apache Kafka instead of the
// embedded broker.
func TestApacheKafkaDemo(t *testing.T) {
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
	playOnce(t, "THROUGHLINE_KAFKA_BROKERS="+node.Addr())
}
