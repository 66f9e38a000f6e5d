// Package bustest is the battery of tests that every broker must pass before
// Throughline may run on it: the embedded one and Apache Kafka.
//
// Enters: a running broker. Leaves: verdicts. Only tests import it.
package bustest

import (
	"context"
	"testing"
)

// Broker is a running cluster.
type Broker interface{ Addr() string }

// Breakable is a Broker that a test may kill and bring back at the same address.
type Breakable interface {
	Broker
	Kill()
	Restart(ctx context.Context) error
}

// Run puts b through the battery.
func Run(t *testing.T, b Broker) {
	t.Run("order", func(t *testing.T) { testOrder(t, b) })
	t.Run("chain", func(t *testing.T) { testChain(t, b) })
	t.Run("retry", func(t *testing.T) { testRetry(t, b) })
	t.Run("lag", func(t *testing.T) { testLag(t, b) })
	t.Run("dead", func(t *testing.T) { testDead(t, b) })
	t.Run("delivered again", func(t *testing.T) { testDelivered(t, b) })
	t.Run("batch", func(t *testing.T) { testBatchCulprit(t, b) })
	t.Run("state", func(t *testing.T) { testState(t, b) })
	t.Run("replay", func(t *testing.T) { testReplay(t, b) })
	t.Run("follow", func(t *testing.T) { testFollow(t, b) })
	t.Run("by time", func(t *testing.T) { testOffsetsAt(t, b) })
	t.Run("large", func(t *testing.T) { testLarge(t, b) })
	t.Run("rebalance", func(t *testing.T) { testRebalance(t, b) })
	t.Run("resume", func(t *testing.T) { testResume(t, b) })
	t.Run("needs", func(t *testing.T) { testNeeds(t, b) })
	t.Run("from now", func(t *testing.T) { testFromNow(t, b) })
	t.Run("partitions", func(t *testing.T) { testPartitionMismatch(t, b) })
	t.Run("partitions/shared", func(t *testing.T) { testSharedPartitions(t, b) })
	if breakable, ok := b.(Breakable); ok {
		t.Run("ready", func(t *testing.T) { testReady(t, breakable) })
		t.Run("broken", func(t *testing.T) { testBroken(t, breakable) })
	}
}
