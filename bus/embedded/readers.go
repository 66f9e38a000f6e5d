package embedded

import (
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// kfake compacts all but a partition's last batch, where Apache Kafka leaves the
// newest segment alone: a reader that is far behind would not see what was
// superseded meanwhile. So a compaction waits for the groups that are alive. A
// group need not be at the very end, which under load none ever is: it is up to
// date where it has committed what was there at the look before.

const (
	// aliveFor is how long after its last heartbeat a group is waited for. One
	// that is gone for good must not keep the log from being compacted.
	aliveFor = time.Minute
	// patience is how many times as large as is due the log may grow for readers
	// that are behind.
	patience = 8
)

// readers are the consumer groups, by when they were last heard of.
type readers struct {
	mu    sync.Mutex
	heard map[string]time.Time
}

// watch notes every heartbeat.
func (r *readers) watch(c *kfake.Cluster) {
	r.heard = map[string]time.Time{}
	observe(c, kmsg.Heartbeat, func(req kmsg.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.heard[req.(*kmsg.HeartbeatRequest).Group] = time.Now()
	})
}

// alive names the groups heard of lately and forgets the others.
func (r *readers) alive() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var names []string
	for group, at := range r.heard {
		if time.Since(at) > aliveFor {
			delete(r.heard, group)
			continue
		}
		names = append(names, group)
	}
	slices.Sort(names)
	return names
}

// behind names a group that has yet to read what parts held at the look before,
// and where; "" is none.
func (b *Broker) behind(parts []partition) (group, name string, err error) {
	ends := map[string]int64{}
	for _, p := range parts {
		if p.compact {
			ends[p.name] = p.info.HighWatermark
			if before, seen := b.upkeep.ends[p.name]; seen {
				ends[p.name] = before
			}
		}
	}
	for _, group := range b.readers.alive() {
		committed, err := b.upkeep.local.committed(group)
		if err != nil {
			return "", "", err
		}
		for name, offset := range committed {
			if end, is := ends[name]; is && offset < end {
				return group, name, nil
			}
		}
	}
	return "", "", nil
}

// mayCompact says whether a compaction that is due would keep anything from a
// reader.
func (b *Broker) mayCompact(parts []partition) bool {
	size := compactSize(parts)
	group, name, err := b.behind(parts)
	log := b.cfg.Logger.With(slog.String("component", "broker"), slog.String("group", group), slog.String("partition", name), slog.Int64("bytes", size))
	told := b.upkeep.postponed
	b.upkeep.postponed = false
	switch {
	case err != nil:
		log.Warn("compaction postponed: groups cannot be asked", slog.Any("error", err))
		return false
	case group == "":
		return true
	case size >= patience*max(b.cfg.CompactAfter, 2*b.upkeep.settled):
		log.Error("compaction could wait no longer: a reader that is behind will not see what was superseded")
		return true
	}
	if !told {
		log.Info("compaction postponed: a reader is behind")
	}
	b.upkeep.postponed = true
	return false
}

// noteEnds remembers where parts end, for the next look.
func (u *upkeep) noteEnds(parts []partition) {
	u.ends = make(map[string]int64, len(parts))
	for _, p := range parts {
		u.ends[p.name] = p.info.HighWatermark
	}
}

// committed gives a group's offsets by partitionName.
func (l *local) committed(group string) (map[string]int64, error) {
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Version, req.Group, req.Topics = 2, group, nil // the first in which null topics means all
	resp := kmsg.NewPtrOffsetFetchResponse()
	if err := l.ask(req, resp); err != nil {
		return nil, fmt.Errorf("embedded: offsets of %s: %w", group, err)
	}
	offsets := map[string]int64{}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if p.Offset >= 0 {
				offsets[partitionName(t.Topic, p.Partition)] = p.Offset
			}
		}
	}
	return offsets, nil
}
