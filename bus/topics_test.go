package bus_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"throughline/bus"
	"throughline/event"
)

// TestTopicsMadeByOthers: who may not create topics uses those that are there,
// and is told at once of one that is not.
func TestTopicsMadeByOthers(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, "made", event.Spec{Name: "made"}.Dead().Name))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	cluster.ControlKey(int16(kmsg.CreateTopics), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		req := r.(*kmsg.CreateTopicsRequest)
		resp := req.ResponseKind().(*kmsg.CreateTopicsResponse)
		for _, asked := range req.Topics {
			refused := kmsg.NewCreateTopicsResponseTopic()
			refused.Topic, refused.ErrorCode = asked.Topic, kerr.TopicAuthorizationFailed.Code
			resp.Topics = append(resp.Topics, refused)
		}
		return resp, nil, true
	})
	b, err := bus.Dial(bus.Config{Brokers: cluster.ListenAddrs(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	defer b.Close(ctx)
	if err := b.Ensure(ctx, event.Spec{Name: "made"}); err != nil {
		t.Errorf("topics that are there: %v", err)
	}
	if err := b.Ensure(ctx, event.Spec{Name: "absent"}); err == nil || ctx.Err() != nil || !strings.Contains(err.Error(), "create topic absent") {
		t.Errorf("a topic that is not there: %v", err)
	}
}
