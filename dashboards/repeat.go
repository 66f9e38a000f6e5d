package dashboards

// repeatWithin is how many offsets after the first one an id may come again and
// still be known for a repeat. A stage that was killed publishes again what it
// had not committed: some hundred milliseconds of events.
const repeatWithin = 1024

// lately knows the ids that stand on the last offsets of a partition. An event
// is a repeat if its id stands among the repeatWithin offsets before it: the
// topic alone decides that, so it is the same for whoever reads, from wherever.
type lately struct {
	at    map[string]int64 // id → its last offset
	order []placed         // oldest first
}

type placed struct {
	id     string
	offset int64
}

func newLately() *lately { return &lately{at: map[string]int64{}} }

// repeats notes that id stands at offset, and tells whether it stood shortly
// before. Events without an id of their own never repeat.
func (l *lately) repeats(id string, offset int64) bool {
	if id == "" {
		return false
	}
	gone := 0
	for gone < len(l.order) && l.order[gone].offset < offset-repeatWithin {
		if old := l.order[gone]; l.at[old.id] == old.offset {
			delete(l.at, old.id)
		}
		gone++
	}
	l.order = append(l.order[gone:], placed{id, offset})
	before, known := l.at[id]
	l.at[id] = offset
	return known && before < offset
}
