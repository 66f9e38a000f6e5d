package calls

import (
	"strconv"
	"time"

	"throughline/event"
	"throughline/media/rtpstream"
)

// assumedDelay stands for the network's one-way delay, which a receiver cannot
// see, in the estimate of the mean opinion score.
const assumedDelay = 50 * time.Millisecond

// quality is how one or more legs were received: the worst of them for what a
// listener hears, the sum for what was lost.
type quality struct {
	known             bool
	expected, missing int64
	jitter            time.Duration
	mos               float64
}

func (q *quality) add(o quality) {
	if !o.known {
		return
	}
	if !q.known || o.mos < q.mos {
		q.mos = o.mos
	}
	q.known = true
	q.expected += o.expected
	q.missing += o.missing
	q.jitter = max(q.jitter, o.jitter)
}

func qualityOf(r *rtpstream.Receiver) quality {
	score, ok := r.Score(assumedDelay)
	if !ok {
		return quality{}
	}
	s := r.Stats()
	return quality{known: true, expected: s.Expected, missing: s.Missing, jitter: s.MaxJitter, mos: score.MOS}
}

// loss is the share of packets that were not heard, in percent.
func (q quality) loss() float64 {
	if q.expected <= 0 {
		return 0
	}
	return 100 * float64(q.missing) / float64(q.expected)
}

func (q quality) jitterMS() float64 { return float64(q.jitter) / float64(time.Millisecond) }

func (q quality) measures(d time.Duration) *event.Measures {
	m := &event.Measures{DurationMS: d.Milliseconds()}
	if !q.known {
		m.Unknown = "the audio did not come as RTP: loss and jitter cannot be seen"
		return m
	}
	loss, jitter := q.loss(), q.jitterMS()
	m.LossPercent, m.JitterMS, m.MOS = &loss, &jitter, &q.mos
	m.Parameters = "mos=estimated G.107;delay=" + assumedDelay.String()
	return m
}

// attrs are a leg's quality and the receiver's counts as its report shows them.
func (q quality) attrs(s rtpstream.Stats) map[string]string {
	n := func(v int64) string { return strconv.FormatInt(v, 10) }
	f := func(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) }
	return map[string]string{
		"mos": f(q.mos), "loss_percent": f(q.loss()), "jitter_ms": f(q.jitterMS()),
		"packets": n(s.Packets), "missing": n(s.Missing), "late": n(s.Late), "repeated": n(s.Repeated), "reordered": n(s.Reordered),
		"sources": strconv.Itoa(s.Sources), "keys": strconv.Itoa(s.Keys), "heard_ms": n(s.Heard.Milliseconds()), "lost_ms": n(s.LostTime.Milliseconds()),
	}
}
