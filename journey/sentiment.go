package journey

import (
	"math"
	"slices"
	"time"

	"throughline/event"
)

// maxPoints bounds the curve of a journey; neighbours are joined beyond it.
const maxPoints = 32

// addPoint puts a scored turn into its place on the curve, late ones too.
func addPoint(j *event.Journey, at time.Time, s event.Sentiment) {
	score := math.Round(s.Score*1e4) / 1e4 // more digits are noise, and are stored each time
	p := event.Point{At: at, Sum: score, Squares: score * score, N: 1}
	if s.Class() == "neutral" {
		p.Neutral = 1
	}
	k, _ := slices.BinarySearchFunc(j.Curve, at, func(p event.Point, at time.Time) int {
		if p.At.After(at) {
			return 1
		}
		return -1
	})
	j.Curve = slices.Insert(j.Curve, k, p)
	if len(j.Curve) <= maxPoints {
		return
	}
	// Join the two neighbours that lie closest in time.
	best, gap := 0, time.Duration(math.MaxInt64)
	for i := range len(j.Curve) - 1 {
		if d := j.Curve[i+1].At.Sub(j.Curve[i].At); d < gap {
			best, gap = i, d
		}
	}
	a, b := &j.Curve[best], j.Curve[best+1]
	a.Sum, a.Squares, a.N, a.Neutral = a.Sum+b.Sum, a.Squares+b.Squares, a.N+b.N, a.Neutral+b.Neutral
	j.Curve = slices.Delete(j.Curve, best+1, best+2)
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
