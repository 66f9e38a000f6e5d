package dashboards

import (
	"time"

	"throughline/event"
)

// pulse counts the turns of one tenant by minute over the last two hours.
type pulse struct {
	minutes [120]beat // by minute modulo their number
}

type beat struct {
	minute int64 // since 1970
	turns  int
	sum    float64 // of the scores of customers
	scored int
}

func (l *live) pulse(tenant string) *pulse {
	if l.pulses[tenant] == nil {
		l.pulses[tenant] = &pulse{}
	}
	return l.pulses[tenant]
}

func (p *pulse) beat(f event.Features) {
	at := f.Turn.Received
	if at.IsZero() {
		at = f.Turn.At
	}
	minute := at.Unix() / 60
	b := &p.minutes[uint64(minute)%uint64(len(p.minutes))]
	switch {
	case b.minute > minute:
		return // older than what is counted
	case b.minute < minute:
		*b = beat{minute: minute}
	}
	b.turns++
	if f.Turn.Role == event.Customer && f.Sentiment != nil {
		b.sum += f.Sentiment.Score
		b.scored++
	}
}

// over sums the minutes from one time to before another.
func (p *pulse) over(from, to time.Time) (sum beat) {
	first, last := from.Unix()/60, to.Unix()/60
	for _, b := range p.minutes {
		if b.minute >= first && b.minute < last {
			sum.turns += b.turns
			sum.sum += b.sum
			sum.scored += b.scored
		}
	}
	return sum
}

// rate is the turns a minute of the last five minutes, or of those since the
// first turn where that is later: a day that has just begun has a rate, too.
func (p *pulse) rate(now time.Time) float64 {
	const window = 5
	minute := now.Unix() / 60
	turns, since := 0, minute
	for _, b := range p.minutes {
		if b.turns > 0 && b.minute > minute-window && b.minute <= minute {
			turns += b.turns
			since = min(since, b.minute)
		}
	}
	for _, b := range p.minutes {
		if b.turns > 0 && b.minute <= minute-window {
			since = minute - window + 1
		}
	}
	return float64(turns) / max(1, now.Sub(time.Unix(since*60, 0)).Minutes())
}

// sentiment is the mean score of b as −5..+5, nil where nobody was scored.
func (b beat) sentiment() *float64 {
	if b.scored == 0 {
		return nil
	}
	mean := 5 * b.sum / float64(b.scored)
	return &mean
}
