package transcribe

import (
	"slices"
	"time"
)

// mark is where a chunk lies: in its leg, in the call and on the topic.
type mark struct {
	begin, end time.Duration // media time of the leg
	shift      time.Duration // from media time to the call's time
	late       time.Duration // of that, what the source did not count: see call.late
	at         time.Time     // of its first sample, by the source's clock
	stored     time.Time     // on the topic
	offset     int64
}

// marks are the chunks of a leg that may still be asked for, in media order.
type marks []mark

// of is the chunk that holds a media time, or the nearest before it.
func (m marks) of(at time.Duration) mark {
	if len(m) == 0 {
		return mark{}
	}
	i, found := slices.BinarySearchFunc(m, at, func(k mark, at time.Duration) int { return int(k.begin - at) })
	if !found {
		i = max(i-1, 0)
	}
	return m[i]
}

// forget drops what ended before a media time; the newest chunk stays, since
// what comes next is placed by it.
func (m marks) forget(before time.Duration) marks {
	n := 0
	for n < len(m)-1 && m[n].end <= before {
		n++
	}
	return slices.Delete(m, 0, n)
}

// call places a media time of the leg in the call.
func (k mark) call(at time.Duration) time.Duration { return max(at+k.shift, 0) }

// clock is when a media time was, by the source's clock.
func (k mark) clock(at time.Duration) time.Time { return k.at.Add(at - k.begin) }

// storedBy is about when the sound of a media time reached the topic: a chunk is
// stored right after its last sample.
func (k mark) storedBy(at time.Duration) time.Time { return k.stored.Add(at - k.end) }
