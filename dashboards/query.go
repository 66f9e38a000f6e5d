package dashboards

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"throughline/event"
	"throughline/problem"
)

// The bounds of a page.
const (
	defaultLimit = 100
	maxLimit     = 2000
)

// page is how much somebody asks for, and after what. Lists of interactions run
// from new to old, lists of turns from old to new.
type page struct {
	limit int
	after *mark
}

// mark is the place of one entry in a list that is ordered by time, then id.
type mark struct {
	at time.Time
	id string
}

// String is an opaque cursor.
func (m mark) String() string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(m.at.UnixMilli(), 36) + "." + m.id))
}

func parseMark(s string) (*mark, bool) {
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return nil, false
	}
	at, id, ok := strings.Cut(string(raw), ".")
	ms, err := strconv.ParseInt(at, 36, 64)
	if !ok || err != nil || id == "" || len(id) > 200 {
		return nil, false
	}
	return &mark{time.UnixMilli(ms).UTC(), id}, true
}

// query reads the parameters of a request, and collects what is wrong with them.
type query struct {
	values url.Values
	wrong  []problem.Field
}

func (q *query) refuse(name, detail string) {
	q.wrong = append(q.wrong, problem.Field{Pointer: "?" + name, Detail: detail})
}

func (q *query) err() error {
	if len(q.wrong) == 0 {
		return nil
	}
	return problem.Invalid(q.wrong...)
}

// only refuses parameters that nobody reads: a misspelt filter must not widen
// an answer.
func (q *query) only(names ...string) {
	for name := range q.values {
		if !slices.Contains(names, name) {
			q.refuse(name, "is not known here; there is "+strings.Join(names, ", "))
		}
	}
}

func (q *query) page() page {
	p := page{limit: defaultLimit}
	if s := q.values.Get("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > maxLimit {
			q.refuse("limit", "must be a whole number from 1 to "+strconv.Itoa(maxLimit))
		}
		p.limit = n
	}
	if s := q.values.Get("cursor"); s != "" {
		m, ok := parseMark(s)
		if !ok {
			q.refuse("cursor", "must be the next of an earlier answer, unchanged")
		}
		p.after = m
	}
	return p
}

func (q *query) time(name string) time.Time {
	s := q.values.Get(name)
	if s == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		q.refuse(name, "must be a time of RFC 3339, such as 2026-11-22T09:30:00Z")
	}
	return t
}

func (q *query) sentiment(name string) *float64 {
	s := q.values.Get(name)
	if s == "" {
		return nil
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || !(v >= -5 && v <= 5) {
		q.refuse(name, "must be a number from -5 to 5")
		return nil
	}
	return &v
}

func (q *query) channel() event.Channel {
	c := event.Channel(q.values.Get("channel"))
	if c != "" && !slices.Contains(channels(), c) {
		q.refuse("channel", channelFix)
	}
	return c
}

func (q *query) text(name string) string {
	s := q.values.Get(name)
	if len(s) > 200 {
		q.refuse(name, "must have at most 200 bytes")
	}
	return s
}

// oneOf reads a parameter that has few values; empty means none was asked for.
func (q *query) oneOf(name string, allowed ...string) string {
	s := q.values.Get(name)
	if s != "" && !slices.Contains(allowed, s) {
		q.refuse(name, "must be "+strings.Join(allowed, " or "))
	}
	return s
}
