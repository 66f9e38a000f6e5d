package measure

import (
	"slices"
	"time"
)

// Interval is a stretch of a call's time, from Begin up to End.
type Interval struct {
	Begin, End time.Duration
}

// Duration is never negative.
func (i Interval) Duration() time.Duration { return max(i.End-i.Begin, 0) }

// intervals are disjoint and in order.
type intervals []Interval

// add puts an interval in its place and merges what it touches, so that reporting a growing or a
// repeated interval changes nothing but its end.
func (s intervals) add(n Interval) intervals {
	if n.End <= n.Begin {
		return s
	}
	from, _ := slices.BinarySearchFunc(s, n.Begin, func(i Interval, at time.Duration) int {
		if i.End < at {
			return -1
		}
		return 1
	})
	to := from
	for to < len(s) && s[to].Begin <= n.End {
		n.Begin, n.End = min(n.Begin, s[to].Begin), max(n.End, s[to].End)
		to++
	}
	return slices.Replace(s, from, to, n)
}

// total is the sum of durations.
func (s intervals) total() (sum time.Duration) {
	for _, i := range s {
		sum += i.Duration()
	}
	return sum
}

// joined merges intervals with pauses below join.
func (s intervals) joined(join time.Duration) (out intervals) {
	for _, i := range s {
		if n := len(out); n > 0 && i.Begin-out[n-1].End < join {
			out[n-1].End = max(out[n-1].End, i.End)
			continue
		}
		out = append(out, i)
	}
	return out
}

// union is all time in either.
func (s intervals) union(o intervals) intervals {
	out := make(intervals, 0, len(s)+len(o))
	for len(s) > 0 || len(o) > 0 {
		if len(s) == 0 || len(o) > 0 && o[0].Begin < s[0].Begin {
			s, o = o, s
		}
		next := s[0]
		s = s[1:]
		if n := len(out); n > 0 && next.Begin <= out[n-1].End {
			out[n-1].End = max(out[n-1].End, next.End)
			continue
		}
		out = append(out, next)
	}
	return out
}

// intersection is all time in both.
func (s intervals) intersection(o intervals) (out intervals) {
	for len(s) > 0 && len(o) > 0 {
		if i := (Interval{max(s[0].Begin, o[0].Begin), min(s[0].End, o[0].End)}); i.Begin < i.End {
			out = append(out, i)
		}
		if s[0].End < o[0].End {
			s = s[1:]
		} else {
			o = o[1:]
		}
	}
	return out
}

// complement is the time up to end that is in none.
func (s intervals) complement(end time.Duration) (out intervals) {
	at := time.Duration(0)
	for _, i := range s {
		if i.Begin >= end {
			break
		}
		if i.Begin > at {
			out = append(out, Interval{at, i.Begin})
		}
		at = max(at, i.End)
	}
	if at < end {
		out = append(out, Interval{at, end})
	}
	return out
}
