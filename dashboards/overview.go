package dashboards

import (
	"net/http"
	"time"

	"throughline/event"
)

// Overview holds the figures at the head of the screen.
type Overview struct {
	At             time.Time             `json:"at"`
	Open           map[event.Channel]int `json:"open"` // interactions by channel
	OpenTotal      int                   `json:"open_total"`
	TurnsPerMinute float64               `json:"turns_per_minute"` // mean of the last five minutes, or of those since the first turn
	// Sentiment is the mean of the customers' turns of the last quarter of an
	// hour, −5..+5; HourAgo the same of the quarter that ended an hour ago.
	Sentiment *float64 `json:"sentiment,omitempty"`
	HourAgo   *float64 `json:"sentiment_hour_ago,omitempty"`
	Alerts    int      `json:"alerts"` // open
	Critical  int      `json:"critical"`
	Position  string   `json:"position"`
}

func (s *Server) overview(w http.ResponseWriter, r *http.Request) error {
	if err := s.ready(r.Context()); err != nil {
		return err
	}
	tenant := s.tenant(r)
	s.hub.mu.RLock()
	o := s.hub.live.overview(tenant, time.Now())
	o.Position = s.hub.recent.head.String()
	s.hub.mu.RUnlock()
	return reply(w, http.StatusOK, o)
}

func (l *live) overview(tenant string, now time.Time) Overview {
	o := Overview{At: now.UTC(), Open: map[event.Channel]int{}}
	for _, t := range l.interactions {
		if t.tenant == tenant && !t.over() {
			o.Open[t.Channel]++
			o.OpenTotal++
		}
	}
	l.alerts.each(func(_ string, a *Alert) {
		if a.Tenant != tenant || !a.Action.Alarms() || !a.Acknowledged.IsZero() {
			return
		}
		o.Alerts++
		if a.Severity == event.Critical {
			o.Critical++
		}
	})
	if p := l.pulses[tenant]; p != nil {
		soon := now.Add(time.Minute) // the minute that runs counts
		o.TurnsPerMinute = p.rate(now)
		o.Sentiment = p.over(now.Add(-14*time.Minute), soon).sentiment()
		o.HourAgo = p.over(now.Add(-75*time.Minute), now.Add(-time.Hour)).sentiment()
	}
	return o
}
