package sink

import (
	"hash/maphash"
	"time"
)

// recentIDs remembers, as 64-bit hashes in two generations, every id stored
// since a moment. A hit is only a hint (the store is asked), a miss is certain
// for ids that cannot be older than since.
type recentIDs struct {
	seed       maphash.Seed
	since      time.Time // of the older generation
	turned     time.Time // when the younger one began
	young, old map[uint64]struct{}
}

func (r *recentIDs) reset(since time.Time) {
	*r = recentIDs{seed: maphash.MakeSeed(), since: since, turned: time.Now(), young: map[uint64]struct{}{}}
}

func (r *recentIDs) add(id string) {
	if r.young == nil {
		return // a table that needs no memory
	}
	if len(r.young) >= remembered || time.Since(r.turned) > recent {
		r.old, r.young = r.young, map[uint64]struct{}{}
		r.since, r.turned = r.turned, time.Now()
	}
	r.young[maphash.String(r.seed, id)] = struct{}{}
}

func (r *recentIDs) has(id string) bool {
	h := maphash.String(r.seed, id)
	_, young := r.young[h]
	_, old := r.old[h]
	return young || old
}
