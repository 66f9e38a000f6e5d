package embedded

import (
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// In Apache Kafka a topic with cleanup.policy=compact keeps the latest value
// of each key for ever. kfake would also apply the broker's retention to it
// and lose them, so such a topic is given an endless retention of its own
// when it is created or altered.

const (
	policyKey     = "cleanup.policy"
	policyCompact = "compact"
	endless       = "-1"
)

// endlessKeys are the settings that a purely compacted topic must not bound.
func endlessKeys() [2]string { return [2]string{"retention.ms", "retention.bytes"} }

// keepCompacted rewrites the requests that make or change a topic's policy.
func keepCompacted(c *kfake.Cluster) {
	observe(c, kmsg.CreateTopics, func(r kmsg.Request) {
		req := r.(*kmsg.CreateTopicsRequest)
		for i := range req.Topics {
			keepCreated(&req.Topics[i])
		}
	})
	observe(c, kmsg.AlterConfigs, func(r kmsg.Request) {
		req := r.(*kmsg.AlterConfigsRequest)
		for i := range req.Resources {
			keepAltered(&req.Resources[i])
		}
	})
	observe(c, kmsg.IncrementalAlterConfigs, func(r kmsg.Request) {
		req := r.(*kmsg.IncrementalAlterConfigsRequest)
		for i := range req.Resources {
			keepIncremental(&req.Resources[i])
		}
	})
}

// observe lets fn see, and change, every request of the kind before kfake
// answers it.
func observe(c *kfake.Cluster, key kmsg.Key, fn func(kmsg.Request)) {
	c.ControlKey(int16(key), func(r kmsg.Request) (kmsg.Response, error, bool) {
		fn(r)
		return nil, nil, false
	})
}

func isCompact(name string, value *string) bool {
	return name == policyKey && value != nil && *value == policyCompact
}

func keepCreated(t *kmsg.CreateTopicsRequestTopic) {
	compact := false
	for _, c := range t.Configs {
		compact = compact || isCompact(c.Name, c.Value)
	}
	if !compact {
		return
	}
	for _, key := range endlessKeys() {
		c := kmsg.NewCreateTopicsRequestTopicConfig()
		c.Name, c.Value = key, kmsg.StringPtr(endless)
		t.Configs = append(t.Configs, c) // the last of two settings counts
	}
}

func keepAltered(r *kmsg.AlterConfigsRequestResource) {
	compact := false
	for _, c := range r.Configs {
		compact = compact || isCompact(c.Name, c.Value)
	}
	if !compact || r.ResourceType != kmsg.ConfigResourceTypeTopic {
		return
	}
	for _, key := range endlessKeys() {
		c := kmsg.NewAlterConfigsRequestResourceConfig()
		c.Name, c.Value = key, kmsg.StringPtr(endless)
		r.Configs = append(r.Configs, c)
	}
}

func keepIncremental(r *kmsg.IncrementalAlterConfigsRequestResource) {
	compact := false
	for _, c := range r.Configs {
		compact = compact || c.Op == kmsg.IncrementalAlterConfigOpSet && isCompact(c.Name, c.Value)
	}
	if !compact || r.ResourceType != kmsg.ConfigResourceTypeTopic {
		return
	}
	for _, key := range endlessKeys() {
		c := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
		c.Name, c.Op, c.Value = key, kmsg.IncrementalAlterConfigOpSet, kmsg.StringPtr(endless)
		r.Configs = append(r.Configs, c)
	}
}
