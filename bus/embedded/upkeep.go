package embedded

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"golang.org/x/sys/unix"
)

// never is a period for kfake's own cleaner, in milliseconds: it would start
// only after a topic is created in this run, and compacts without a backup.
const never = "9000000000000"

// compactEvery bounds how long a superseded or erased value stays on disk in
// a broker that is too quiet to fill CompactAfter.
const compactEvery = time.Hour

// retainEvery is after how many looks retention by age is applied again. Before
// anything is removed the floors are written, and everybody waits for the disk,
// some 20 ms.
const retainEvery = 12

// upkeep is the broker's memory between two looks at the log.
type upkeep struct {
	local     local
	looks     int                  // so far
	ordered   atomic.Pointer[look] // what the next request of ours shall do
	full      *kfake.FaultHandle   // set while the disk is too full to write
	settled   int64                // compacted topics' bytes after the last compaction
	compacted time.Time            // when that was
	ends      map[string]int64     // where each partition ended at the last look
	postponed bool                 // a compaction, and that was said
}

// look is one look at the log.
type look struct {
	topics  []string
	only    bool // write the floors down and change nothing
	compact bool // it is due, and keeps nothing from a reader
	done    chan error
}

// partition is one partition as a look finds it.
type partition struct {
	name    string
	compact bool
	bound   int64 // retention.bytes; negative: none
	info    *kfake.PartitionInfo
}

// look applies retention and compaction where they are due. The work runs
// inside kfake's handling of a request of ours, for then kfake handles no
// other: what is looked at stays as it is seen. Whether there is any is seen
// from outside, where nobody waits.
func (b *Broker) look(onlyFloors bool) error {
	u := &b.upkeep
	topics, err := u.local.topics()
	if err != nil {
		return err
	}
	order := &look{topics: topics, only: onlyFloors, done: make(chan error, 1)}
	if !onlyFloors {
		parts := b.partitions(topics)
		u.looks++
		order.compact = b.compactionDue(compactSize(parts)) && b.mayCompact(parts)
		u.noteEnds(parts)
		if !order.compact && !b.retentionDue(parts) {
			return nil
		}
	}
	u.ordered.Store(order)
	req := kmsg.NewPtrDescribeLogDirsRequest()
	req.Topics = []kmsg.DescribeLogDirsRequestTopic{} // none: the answer is not needed
	err = u.local.ask(req, kmsg.NewPtrDescribeLogDirsResponse())
	if u.ordered.CompareAndSwap(order, nil) {
		return fmt.Errorf("embedded: upkeep was not served: %w", err)
	}
	if err := <-order.done; err != nil {
		return err
	}
	return removeOld(b.cfg.Dir) // while everybody is served again
}

// serveLook runs in kfake, on any DescribeLogDirs request.
func (b *Broker) serveLook(kmsg.Request) {
	if order := b.upkeep.ordered.Swap(nil); order != nil {
		order.done <- b.tend(order)
	}
}

func (b *Broker) tend(order *look) error {
	parts := b.partitions(order.topics)
	if err := b.saveFloors(parts); err != nil || order.only {
		return err
	}
	if order.compact {
		return b.compact(order.topics, parts)
	}
	b.cluster.ApplyRetention()
	return nil
}

func (b *Broker) partitions(topics []string) []partition {
	var parts []partition
	for _, topic := range topics {
		info := b.cluster.TopicInfo(topic)
		if info == nil {
			continue // deleted since it was listed
		}
		policy, bound := info.Configs[policyKey], b.cfg.RetentionBytes
		if v := info.Configs["retention.bytes"]; v != nil {
			if n, err := strconv.ParseInt(*v, 10, 64); err == nil {
				bound = n
			}
		}
		for _, p := range b.cluster.PartitionInfos(topic) {
			parts = append(parts, partition{
				name:    partitionName(topic, p.Partition),
				compact: isCompact(policyKey, policy),
				bound:   bound,
				info:    p,
			})
		}
	}
	return parts
}

func (b *Broker) saveFloors(parts []partition) error {
	next := floors{}
	changed := len(parts) != len(b.floors)
	for _, p := range parts {
		next[p.name] = p.info.HighWatermark
		changed = changed || b.floors[p.name] != p.info.HighWatermark
	}
	if !changed {
		return nil
	}
	if err := next.save(b.cfg.Dir); err != nil {
		return err
	}
	b.floors = next
	return nil
}

// retentionDue says whether retention may have something to do that is worth
// the wait: something old from time to time, and a partition whose oldest file
// can go, since the disk is given back by whole files only.
func (b *Broker) retentionDue(parts []partition) bool {
	return b.upkeep.looks%retainEvery == 1 || slices.ContainsFunc(parts, func(p partition) bool {
		return p.bound >= 0 && p.info.NumBytes > p.bound+b.cfg.SegmentBytes
	})
}

func compactSize(parts []partition) int64 {
	var size int64
	for _, p := range parts {
		if p.compact {
			size += p.info.NumBytes
		}
	}
	return size
}

func (b *Broker) compactionDue(size int64) bool {
	u := &b.upkeep
	grown := size >= max(b.cfg.CompactAfter, 2*u.settled)
	stale := size != u.settled && time.Since(u.compacted) >= compactEvery
	if !grown && !stale {
		return false
	}
	// A failed append can leave kfake an empty last segment, and its
	// compaction does not survive one. Opening anew puts that right.
	if b.appendFailed.Load() {
		return false
	}
	// Survivors are written uncompressed, so they may need more room than
	// they had; the old files go only when the new ones are whole.
	free, err := freeBytes(b.cfg.Dir)
	return err == nil && free > b.cfg.MinFree+4*size
}

// compact runs kfake's compaction, which applies retention as well, between
// making a backup and dropping it.
func (b *Broker) compact(topics []string, parts []partition) error {
	began := time.Now()
	var names []string
	for _, p := range parts {
		if p.compact && p.info.NumBytes > 0 {
			names = append(names, p.name)
		}
	}
	if committed, err := backUp(b.cfg.Dir, names); err != nil && committed {
		return fmt.Errorf("%w: %w", ErrCompaction, err)
	} else if err != nil {
		return err
	}
	b.cluster.Compact()
	after := b.partitions(topics)
	var rewritten []string
	for _, p := range after {
		if !p.compact || p.info.NumBytes == 0 {
			continue
		}
		if err := checkRewritten(b.cfg.Dir, p.name, p.info.NumBytes); err != nil {
			return fmt.Errorf("%w: %w", ErrCompaction, err)
		}
		rewritten = append(rewritten, filepath.Join(b.cfg.Dir, partitionsName, p.name))
	}
	for _, folder := range rewritten {
		if err := syncDir(folder); err != nil {
			return fmt.Errorf("%w: %w", ErrCompaction, err)
		}
	}
	if err := dropBackup(b.cfg.Dir); err != nil {
		return fmt.Errorf("%w: %w", ErrCompaction, err)
	}
	b.upkeep.settled, b.upkeep.compacted = compactSize(after), time.Now()
	b.cfg.Logger.Info("compacted", slog.String("component", "broker"),
		slog.Int64("bytes_before", compactSize(parts)), slog.Int64("bytes_after", b.upkeep.settled),
		slog.Duration("took", time.Since(began)))
	return nil
}

// guardDisk refuses records and offsets while the disk is nearly full, and
// takes them again when there is room. kfake would ack a committed offset
// that it could not write.
func (b *Broker) guardDisk() error {
	free, err := freeBytes(b.cfg.Dir)
	if err != nil {
		return err
	}
	u, full := &b.upkeep, free < b.cfg.MinFree
	b.refusing.Store(full)
	switch {
	case full && u.full == nil:
		u.full = b.cluster.Fault(kfake.Fault{
			Keys: []kmsg.Key{kmsg.Produce, kmsg.OffsetCommit}, Err: kerr.KafkaStorageError, Count: -1,
		})
		b.cfg.Logger.Error("disk nearly full: refusing records", slog.String("component", "broker"),
			slog.String("dir", b.cfg.Dir), slog.Int64("free_bytes", free), slog.Int64("needed_bytes", b.cfg.MinFree))
	case !full && u.full != nil:
		u.full.Remove()
		u.full = nil
		b.cfg.Logger.Info("disk has room again: taking records", slog.String("component", "broker"), slog.Int64("free_bytes", free))
	}
	return nil
}

// freeBytes is the room that the directory's file system has for us.
func freeBytes(dir string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, fmt.Errorf("embedded: measure disk: %w", err)
	}
	free := float64(s.Bavail) * float64(s.Bsize)
	return int64(min(free, math.MaxInt64/2)), nil
}

// fatal says whether the broker must stop rather than look again later.
func fatal(err error) bool { return errors.Is(err, ErrCompaction) }
