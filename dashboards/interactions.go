package dashboards

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"throughline/event"
)

// InteractionList is a page of interactions, newest activity first.
type InteractionList struct {
	Interactions []Interaction `json:"interactions"`
	Next         string        `json:"next,omitempty"` // cursor of the next page; absent on the last
	// Position is the id from which a stream goes on where the live part of
	// this answer ends.
	Position string `json:"position"`
	storedAll
}

// wanted is the filter of a list of interactions.
type wanted struct {
	channel      event.Channel
	intent       string
	state        string
	since, until time.Time
	least, most  *float64
	live         bool
	page
}

func (s *Server) interactions(w http.ResponseWriter, r *http.Request) error {
	q := query{values: r.URL.Query()}
	q.only("channel", "since", "until", "min_sentiment", "max_sentiment", "intent", "state", "live", "limit", "cursor")
	want := wanted{
		channel: q.channel(), intent: q.text("intent"), state: q.oneOf("state", "open", "over"), live: q.oneOf("live", "true", "false") == "true",
		since: q.time("since"), until: q.time("until"), least: q.sentiment("min_sentiment"), most: q.sentiment("max_sentiment"), page: q.page(),
	}
	if err := q.err(); err != nil {
		return err
	}
	if err := s.ready(r.Context()); err != nil {
		return err
	}
	list := InteractionList{}
	tenant := s.tenant(r)
	s.hub.mu.RLock()
	live := s.hub.live.list(tenant, want.matches)
	known := make(map[string]bool, len(s.hub.live.interactions))
	for id := range s.hub.live.interactions {
		known[id] = true
	}
	list.Position = s.hub.recent.head.String()
	s.hub.mu.RUnlock()

	live = slices.DeleteFunc(live, func(i Interaction) bool { return !want.below(i) })
	var older []Interaction
	if want.live {
		list.storedAll = storedAll{Why: "only what is live was asked for"}
	} else {
		var err error
		older, err = s.olderInteractions(r.Context(), tenant, want, known)
		list.storedAll = s.reached(err)
	}
	list.Interactions = append(live, older...)
	slices.SortFunc(list.Interactions, newestFirst)
	if len(list.Interactions) > want.limit {
		list.Interactions = list.Interactions[:want.limit]
		last := list.Interactions[want.limit-1]
		list.Next = mark{last.Last, last.ID}.String()
	}
	if list.Interactions == nil {
		list.Interactions = []Interaction{}
	}
	return reply(w, http.StatusOK, list)
}

func (w wanted) matches(i *Interaction) bool {
	return (w.channel == "" || i.Channel == w.channel) &&
		(w.intent == "" || slices.Contains(i.Intents, w.intent)) &&
		(w.state == "" || (w.state == "over") == i.over()) &&
		(w.since.IsZero() || !i.Last.Before(w.since)) &&
		(w.until.IsZero() || i.Started.Before(w.until)) &&
		(w.least == nil || (i.Sentiment != nil && *i.Sentiment >= *w.least)) &&
		(w.most == nil || (i.Sentiment != nil && *i.Sentiment <= *w.most))
}

// below tells whether i comes after the cursor in a list from new to old. The
// cursor counts milliseconds, as the store does.
func (w wanted) below(i Interaction) bool {
	if w.after == nil {
		return true
	}
	return cmp.Or(-i.Last.Truncate(time.Millisecond).Compare(w.after.at), cmp.Compare(i.ID, w.after.id)) > 0
}

// olderInteractions asks the store for one more than a page of interactions that
// are not live. The live ones are newer than their rows.
func (s *Server) olderInteractions(ctx context.Context, tenant string, w wanted, live map[string]bool) ([]Interaction, error) {
	var older []Interaction
	before := w.after
	for {
		args := map[string]any{
			"tenant": tenant, "channel": string(w.channel), "intent": w.intent, "state": w.state,
			"since": w.since.UnixMilli(), "until": w.until.UnixMilli(), "min": -6.0, "max": 6.0, "scored": 0,
			"before": int64(1) << 50, "before_id": "", "limit": w.limit + 1,
		}
		if w.since.IsZero() {
			args["since"] = int64(0)
		}
		if w.until.IsZero() {
			args["until"] = int64(1) << 42 // year 2109
		}
		if w.least != nil {
			args["min"], args["scored"] = *w.least, 1
		}
		if w.most != nil {
			args["max"], args["scored"] = *w.most, 1
		}
		if before != nil {
			args["before"], args["before_id"] = before.at.UnixMilli(), before.id
		}
		rows, err := stored[Interaction](ctx, s, QueryInteractions, args)
		if err != nil {
			return older, err
		}
		for _, row := range rows {
			if !live[row.ID] {
				older = append(older, row)
			}
		}
		if len(rows) <= w.limit || len(older) > w.limit {
			return older, nil
		}
		last := rows[len(rows)-1]
		before = &mark{last.Last, last.ID}
	}
}

func (s *Server) interaction(w http.ResponseWriter, r *http.Request) error {
	if err := s.ready(r.Context()); err != nil {
		return err
	}
	i, err := s.interactionOf(r.Context(), s.tenant(r), r.PathValue("id"))
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, i)
}

// interactionOf is a live interaction, or one that is stored.
func (s *Server) interactionOf(ctx context.Context, tenant, id string) (Interaction, error) {
	if i, ok := s.liveInteraction(tenant, id); ok {
		return i, nil
	}
	rows, err := stored[Interaction](ctx, s, QueryInteraction, map[string]any{"tenant": tenant, "id": id})
	if err != nil {
		return Interaction{}, notFound("live interaction", s.reached(err).Why)
	}
	if len(rows) == 0 {
		return Interaction{}, notFound("interaction", "GET /v1/interactions lists them")
	}
	return rows[0], nil
}

func (s *Server) liveInteraction(tenant, id string) (Interaction, bool) {
	s.hub.mu.RLock()
	defer s.hub.mu.RUnlock()
	t := s.hub.live.interactions[id]
	if t == nil || t.tenant != tenant {
		return Interaction{}, false
	}
	return t.copy(), true
}

// TurnList is a page of an interaction's turns, oldest first, each with what
// was understood of it.
type TurnList struct {
	Turns    []json.RawMessage `json:"turns"`          // event.Features
	Next     string            `json:"next,omitempty"` // cursor of the next page; absent on the last
	Position string            `json:"position"`
	storedAll
}

func (s *Server) turns(w http.ResponseWriter, r *http.Request) error {
	q := query{values: r.URL.Query()}
	q.only("limit", "cursor")
	p := q.page()
	if err := q.err(); err != nil {
		return err
	}
	if err := s.ready(r.Context()); err != nil {
		return err
	}
	list, err := s.turnsOf(r.Context(), s.tenant(r), r.PathValue("id"), p)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, list)
}

// turnsOf is a page of what was said in an interaction, live and stored.
func (s *Server) turnsOf(ctx context.Context, tenant, id string, p page) (list TurnList, err error) {
	var all []heard
	s.hub.mu.RLock()
	t := s.hub.live.interactions[id]
	if t != nil && t.tenant == tenant {
		for _, h := range t.turns {
			all = append(all, *h)
		}
	}
	list.Position = s.hub.recent.head.String()
	s.hub.mu.RUnlock()

	args := map[string]any{"tenant": tenant, "interaction": id, "after": int64(0), "after_id": "", "limit": p.limit + 1}
	if p.after != nil {
		args["after"], args["after_id"] = p.after.at.UnixMilli(), p.after.id
		all = slices.DeleteFunc(all, func(h heard) bool {
			return cmp.Or(h.at.Truncate(time.Millisecond).Compare(p.after.at), cmp.Compare(h.id, p.after.id)) <= 0
		})
	}
	rows, err := stored[storedTurn](ctx, s, QueryTurns, args)
	list.storedAll = s.reached(err)
	if len(all) == 0 && len(rows) == 0 && (t == nil || t.tenant != tenant) && p.after == nil {
		if err != nil {
			return list, notFound("live interaction", list.Why)
		}
		return list, notFound("interaction", "GET /v1/interactions lists them")
	}
	known := map[string]bool{}
	for _, h := range all {
		known[h.id] = true
	}
	for _, row := range rows {
		if known[row.ID] {
			continue
		}
		data, err := json.Marshal(row.features(tenant, id))
		if err != nil {
			return list, err
		}
		all = append(all, heard{id: row.ID, at: row.At, data: data})
	}
	slices.SortFunc(all, func(a, b heard) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.id, b.id)) })
	if len(all) > p.limit {
		all = all[:p.limit]
		list.Next = mark{all[p.limit-1].at, all[p.limit-1].id}.String()
	}
	list.Turns = make([]json.RawMessage, len(all))
	for i, h := range all {
		list.Turns[i] = h.data
	}
	return list, nil
}
