package journey

import (
	"cmp"
	"math"
	"slices"
	"time"

	"throughline/event"
)

const (
	maxPoints     = 32 // of a journey's curve
	maxTalkPoints = 16 // of one interaction's
)

// pointOf is a scored turn.
func pointOf(at time.Time, s event.Sentiment) event.Point {
	score := math.Round(s.Score*1e4) / 1e4 // more digits are noise, and are stored each time
	p := event.Point{At: at, Sum: score, Squares: score * score, N: 1}
	if s.Class() == "neutral" {
		p.Neutral = 1
	}
	return p
}

// middle is when half of a turn was said. Of a message it is when it came.
func middle(t event.Turn) time.Time {
	return t.At.Add(time.Duration(max(0, t.EndMS-t.StartMS)) * time.Millisecond / 2)
}

// earlier orders points; of two at one moment the worse stands first, so that
// the order of arrival makes no difference.
func earlier(a, b event.Point) int {
	return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Sum, b.Sum))
}

// shorten joins neighbours on the curve, those closest in time first, until at
// most n points are left, two or more. Sums and counts stay exact, and the last
// turn stays alone: how the customer feels now is no mean.
func shorten(curve []event.Point, n int) []event.Point {
	for len(curve) > n {
		best, gap := 0, time.Duration(math.MaxInt64)
		for i := range len(curve) - 2 {
			if d := curve[i+1].At.Sub(curve[i].At); d < gap {
				best, gap = i, d
			}
		}
		join(&curve[best], curve[best+1])
		curve = slices.Delete(curve, best+1, best+2)
	}
	return curve
}

// summarise computes the sentiment of a journey from its curve, as defined in
// docs/metrics.md.
func summarise(curve []event.Point, from, to time.Time) event.JourneySentiment {
	out := event.JourneySentiment{}
	if len(curve) == 0 {
		return out
	}
	if at := curve[len(curve)-1].At; at.After(to) {
		to = at
	}
	if at := curve[0].At; at.Before(from) {
		from = at
	}
	var total event.Point
	var quarters [4]event.Point
	for _, p := range curve {
		join(&total, p)
		join(&quarters[quarter(p.At, from, to)], p)
	}
	mean := total.Sum / float64(total.N)
	out.Overall = 5 * mean
	last := curve[len(curve)-1]
	out.Last = last.Sum / float64(last.N)
	out.Scored, out.Neutral = total.N, float64(total.Neutral)/float64(total.N)
	out.Volatility = math.Sqrt(max(0, total.Squares/float64(total.N)-mean*mean))
	for k, q := range quarters {
		if q.N > 0 {
			v := 5 * q.Sum / float64(q.N)
			out.Quarters[k] = &v
		}
	}
	begin, end := third(curve, total.N, false), third(curve, total.N, true)
	if total.N >= 3 {
		out.Trend = (end - begin) / 2
		switch {
		case 5*begin <= -1 && 5*end >= 1:
			out.Shift = "improved"
		case 5*begin >= 1 && 5*end <= -1:
			out.Shift = "worsened"
		}
	}
	return out
}

func join(into *event.Point, p event.Point) {
	into.Sum += p.Sum
	into.Squares += p.Squares
	into.N += p.N
	into.Neutral += p.Neutral
}

func quarter(at, from, to time.Time) int {
	span := to.Sub(from)
	if span <= 0 {
		return 0
	}
	return min(3, int(4*at.Sub(from)/span))
}

// third is the mean score of the first or last third of the scored turns, at
// least one.
func third(curve []event.Point, total int, last bool) float64 {
	want := max(1, total/3)
	sum, n := 0.0, 0
	for k := range curve {
		p := curve[k]
		if last {
			p = curve[len(curve)-1-k]
		}
		sum += p.Sum
		if n += p.N; n >= want {
			break
		}
	}
	return sum / float64(n)
}
