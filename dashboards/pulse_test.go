package dashboards

import (
	"testing"
	"time"

	"throughline/event"
)

func TestPulse(t *testing.T) {
	noon := time.Date(2026, 11, 22, 12, 0, 30, 0, time.UTC)
	said := func(p *pulse, ago time.Duration, score float64) {
		p.beat(event.Features{Turn: event.Turn{Role: event.Customer, Received: noon.Add(-ago)}, Sentiment: &event.Sentiment{Score: score}})
	}
	p := &pulse{}
	if got := p.rate(noon); got != 0 {
		t.Errorf("rate of nothing is %v", got)
	}
	said(p, 0, 0.5)
	said(p, 20*time.Second, -0.5)
	if got := p.rate(noon); got != 2 {
		t.Errorf("rate after half a minute is %v, want 2: a minute is the least", got)
	}
	said(p, 90*time.Second, 1) // 11:59:00
	if got := p.rate(noon); got != 2 {
		t.Errorf("rate of three turns since 11:59 is %v, want 2", got)
	}
	said(p, 3*time.Hour, 1)
	said(p, 70*time.Minute, 1)
	if got := p.rate(noon); got < 0.66 || got > 0.67 {
		t.Errorf("rate of three turns in the last five minutes is %v, want 3/4.5", got)
	}
	if got := p.over(noon.Add(-75*time.Minute), noon.Add(-time.Hour)); got.turns != 1 || *got.sentiment() != 5 {
		t.Errorf("the quarter that ended an hour ago is %+v", got)
	}
	if got := p.over(noon.Add(-30*time.Minute), noon.Add(-20*time.Minute)); got.sentiment() != nil {
		t.Errorf("a quarter in which nobody spoke is %v", *got.sentiment())
	}
}
