package dashboards

// bounded holds the values put last, by id.
type bounded[T any] struct {
	limit  int
	values map[string]*T
	order  []string // oldest first; may name ids that were dropped since
}

func newBounded[T any](limit int) bounded[T] {
	return bounded[T]{limit: limit, values: map[string]*T{}}
}

func (b *bounded[T]) get(id string) *T { return b.values[id] }

// put adds a value of a new id, and lets go of the oldest where there are too many.
func (b *bounded[T]) put(id string, v T) *T {
	b.values[id] = &v
	b.order = append(b.order, id)
	if len(b.order) > 2*b.limit {
		b.tidy()
	}
	return &v
}

func (b *bounded[T]) drop(id string) { delete(b.values, id) }

// tidy keeps the newest mention of each id, and the newest ids.
func (b *bounded[T]) tidy() {
	seen := make(map[string]bool, b.limit)
	kept := make([]string, 0, 2*b.limit)
	for i := len(b.order) - 1; i >= 0; i-- {
		id := b.order[i]
		if b.values[id] == nil || seen[id] {
			continue
		}
		if seen[id] = true; len(kept) < b.limit {
			kept = append(kept, id)
		} else {
			delete(b.values, id)
		}
	}
	for i, j := 0, len(kept)-1; i < j; i, j = i+1, j-1 {
		kept[i], kept[j] = kept[j], kept[i]
	}
	b.order = kept
}

// each visits every value, in no order.
func (b *bounded[T]) each(visit func(id string, v *T)) {
	for id, v := range b.values {
		visit(id, v)
	}
}
