package transcribe

import (
	"slices"

	"throughline/transcribe/speech"
)

// mostFinals is how many finals of a partition may wait to be stored before its
// audio waits too.
const mostFinals = 256

// telling is something a leg said, on its way to its topic.
type telling struct {
	leg   *leg
	event speech.Event
	told  bool // an earlier life has told it: it is cleared and not stored
}

// queue orders what a partition tells. The shard's lock guards it. A newer
// partial of a leg takes the place of an older one, and a final of all before it.
type queue struct {
	items  []telling
	finals int // in items, or being stored
	shed   func()
	wake   chan struct{} // holds one: there is something
	room   chan struct{} // holds one: finals were stored
}

func (q *queue) partial(t telling) {
	for i, have := range q.items {
		if have.leg == t.leg && have.event.Kind == speech.Partial {
			q.items[i] = t
			q.shed()
			return
		}
	}
	q.items = append(q.items, t)
	signal(q.wake)
}

func (q *queue) final(t telling) {
	q.items = slices.DeleteFunc(q.items, func(have telling) bool {
		return have.leg == t.leg && have.event.Kind == speech.Partial && have.event.Utterance <= t.event.Utterance
	})
	q.items = append(q.items, t)
	q.finals++
	signal(q.wake)
}

func (q *queue) recall(t telling) {
	q.items = append(q.items, t)
	signal(q.wake)
}

// take gives all that waits.
func (q *queue) take() []telling {
	out := q.items
	q.items = nil
	return out
}

func (q *queue) stored(finals int) {
	q.finals -= finals
	signal(q.room)
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
