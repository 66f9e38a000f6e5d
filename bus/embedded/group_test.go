package embedded_test

import (
	"context"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"throughline/bus/embedded"
)

// orderedRange is kafka-go's range balancer, made to see partitions in order:
// it deals them out in the order in which the broker happens to list them,
// and kfake lists each topic's in another order every time.
type orderedRange struct{ kafka.RangeGroupBalancer }

func (r orderedRange) AssignGroups(members []kafka.GroupMember, partitions []kafka.Partition) kafka.GroupMemberAssignments {
	ordered := slices.Clone(partitions)
	slices.SortFunc(ordered, func(a, b kafka.Partition) int { return a.ID - b.ID })
	return r.RangeGroupBalancer.AssignGroups(members, ordered)
}

// A stage that joins two topics by key relies on the member that reads
// partition n of one reading partition n of the other.
func TestOrderedRangeKeepsTopicsTogether(t *testing.T) {
	b := open(t, embedded.Config{})
	c := client(t, b.Addr())
	topics := []string{"features", "feedback"}
	for _, topic := range topics {
		createTopic(t, c, topic, 5, nil)
	}
	watch := newAssignments()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var members sync.WaitGroup
	defer members.Wait()
	defer cancel()
	stops := map[string]context.CancelFunc{}
	for _, member := range []string{"a", "b"} {
		mctx, stop := context.WithCancel(ctx)
		stops[member] = stop
		members.Go(func() { joinGroup(mctx, t, b.Addr(), member, topics, watch) })
	}
	eventually(t, "two members share the partitions", func() bool { return watch.shared(topics, 5, "a", "b") })
	stops["a"]()
	watch.set("a", nil)
	eventually(t, "the one left has all", func() bool { return watch.shared(topics, 5, "b") })
}

type assignments struct {
	mu sync.Mutex
	of map[string]map[string][]int // member, topic, partitions
}

func newAssignments() *assignments { return &assignments{of: map[string]map[string][]int{}} }

func (a *assignments) set(member string, topics map[string][]int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.of[member] = topics
}

// shared says whether the members hold every partition of the topics between
// them, each the same partitions of all topics and at least one.
func (a *assignments) shared(topics []string, partitions int, members ...string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	var all []int
	for _, m := range members {
		own := a.of[m][topics[0]]
		for _, topic := range topics[1:] {
			if !slices.Equal(own, a.of[m][topic]) {
				return false
			}
		}
		if len(own) == 0 {
			return false
		}
		all = append(all, own...)
	}
	slices.Sort(all)
	want := make([]int, partitions)
	for i := range want {
		want[i] = i
	}
	return slices.Equal(all, want)
}

func joinGroup(ctx context.Context, t *testing.T, addr, member string, topics []string, watch *assignments) {
	g, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: "journey", Brokers: []string{addr}, Topics: topics,
		GroupBalancers: []kafka.GroupBalancer{orderedRange{}},
		SessionTimeout: 6 * time.Second, HeartbeatInterval: 100 * time.Millisecond, RebalanceTimeout: 2 * time.Second,
		JoinGroupBackoff: 100 * time.Millisecond,
	})
	if err != nil {
		t.Error(err)
		return
	}
	defer g.Close()
	for {
		generation, err := g.Next(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			continue
		}
		got := map[string][]int{}
		for topic, parts := range generation.Assignments {
			for _, p := range parts {
				got[topic] = append(got[topic], p.ID)
			}
		}
		for _, own := range maps.All(got) {
			slices.Sort(own)
		}
		watch.set(member, got)
		generation.Start(func(ctx context.Context) { <-ctx.Done() })
	}
}
