package dashboards

import (
	"cmp"
	"net/http"
	"slices"

	"throughline/event"
)

// AlertList is what supervisors were alarmed of lately, newest first.
type AlertList struct {
	Alerts   []Alert `json:"alerts"`
	Position string  `json:"position"` // from which a stream goes on where this answer ends
}

func (s *Server) alerts(w http.ResponseWriter, r *http.Request) error {
	q := query{values: r.URL.Query()}
	q.only("state", "severity", "customer", "interaction", "limit")
	state, severity := q.oneOf("state", "open", acknowledged), q.oneOf("severity", string(event.Info), string(event.Warning), string(event.Critical))
	customer, interaction, p := q.text("customer"), q.text("interaction"), q.page()
	if err := q.err(); err != nil {
		return err
	}
	if err := s.ready(r.Context()); err != nil {
		return err
	}
	tenant := s.tenant(r)
	list := AlertList{Alerts: []Alert{}}
	s.hub.mu.RLock()
	s.hub.live.alerts.each(func(_ string, a *Alert) {
		if a.Tenant == tenant && (state == "" || (state == acknowledged) == !a.Acknowledged.IsZero()) &&
			(severity == "" || string(a.Severity) == severity) && (customer == "" || a.Customer == customer) &&
			(interaction == "" || a.Interaction == interaction) {
			list.Alerts = append(list.Alerts, *a)
		}
	})
	list.Position = s.hub.recent.head.String()
	s.hub.mu.RUnlock()
	slices.SortFunc(list.Alerts, func(a, b Alert) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.ID, b.ID)) })
	list.Alerts = list.Alerts[:min(len(list.Alerts), p.limit)]
	return reply(w, http.StatusOK, list)
}
