package dashboards

// recent holds the newest events in the order in which the hub saw them, within
// bounds. Readers hold a number, not a queue: one that falls behind the oldest
// event here has to read Kafka again.
type recent struct {
	limit, maxBytes int

	events []*Event // a ring
	start  int      // of the oldest
	count  int
	bytes  int
	first  uint64   // number of the oldest
	base   Position // before the oldest
	head   Position // after the newest
}

func newRecent(limit, maxBytes int, at Position) *recent {
	return &recent{limit: limit, maxBytes: maxBytes, events: make([]*Event, limit), first: 1, base: at.clone(), head: at.clone()}
}

// next is the number that the next event will have.
func (r *recent) next() uint64 { return r.first + uint64(r.count) }

// add appends e; it tells whether e is new. A follower that starts again may
// show an event twice.
func (r *recent) add(e *Event) bool {
	if r.head.passed(e.at) {
		return false
	}
	e.seal(r.head)
	for r.count == r.limit || (r.count > 0 && r.bytes+e.size() > r.maxBytes) {
		r.drop()
	}
	r.events[(r.start+r.count)%r.limit] = e
	r.count++
	r.bytes += e.size()
	return true
}

func (r *recent) drop() {
	oldest := r.events[r.start]
	r.events[r.start] = nil
	r.base.passed(oldest.at)
	r.bytes -= oldest.size()
	r.start = (r.start + 1) % r.limit
	r.count--
	r.first++
}

// from returns up to n events from number on. The caller must know that number
// is not below first.
func (r *recent) from(number uint64, n int, into []*Event) []*Event {
	for i := int(number - r.first); i < r.count && n > 0; i, n = i+1, n-1 {
		into = append(into, r.events[(r.start+i)%r.limit])
	}
	return into
}

func (e *Event) size() int {
	n := len(e.frame) + len(e.ID) + 256
	if e.pushed != nil {
		n += len(e.pushed.frame)
	}
	return n
}
