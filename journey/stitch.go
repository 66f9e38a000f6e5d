package journey

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"throughline/event"
)

// The codes of why an interaction belongs to its journey.
const (
	joinedFirst    = "first"
	joinedTime     = "time"
	joinedCase     = "case"
	joinedIntent   = "intent"
	joinedReopened = "reopened"
)

// segment is one journey: interactions in the order in which they began.
type segment struct {
	id    string
	talks []event.InteractionState
	last  time.Time // when something last happened
}

// stitch divides interactions, which stand in the order in which they began,
// into journeys, the one with the newest activity last. It depends on nothing
// but what they hold, so whatever came late or was merged is placed as if it had
// been there in time.
func (c Config) stitch(customer, tenant string, talks []event.InteractionState) []*segment {
	var all []*segment
	for _, t := range talks {
		s, code, why := c.place(all, t)
		if s == nil {
			s, code, why = &segment{}, joinedFirst, "first interaction of the journey"
			all = append(all, s)
		}
		t.JoinedBy = code
		if t.Joined != "" { // why the customers are one
			why += "; " + t.Joined
		}
		t.Joined = why
		s.talks = append(s.talks, t)
		s.last = later(s.last, t.Last)
	}
	for _, s := range all {
		// The customer's own interactions name the journey, so that it keeps its
		// name when somebody else's are joined to it.
		of := s.talks[0].ID
		if k := slices.IndexFunc(s.talks, func(t event.InteractionState) bool { return t.Of == "" }); k >= 0 {
			of = s.talks[k].ID
		}
		s.id = event.ID("j", tenant, customer, of)
	}
	slices.SortStableFunc(all, func(a, b *segment) int { return a.last.Compare(b.last) })
	return all
}

// place finds the journey that t continues, and tells why: by a code and in words.
func (c Config) place(all []*segment, t event.InteractionState) (s *segment, code, why string) {
	newest := slices.SortedFunc(slices.Values(all), func(a, b *segment) int { return cmp.Compare(b.last.UnixNano(), a.last.UnixNano()) })
	if t.Case != "" {
		for _, s := range newest {
			if s.has(t.Case) && t.Started.Sub(s.last) <= c.CaseGap {
				return s, joinedCase, "same case id, " + s.before(t)
			}
		}
	}
	if len(newest) > 0 {
		s := newest[0]
		other := t.Case != "" && slices.ContainsFunc(s.talks, func(i event.InteractionState) bool { return i.Case != "" })
		if !other && t.Started.Sub(s.last) <= c.Gap && !c.over(s, t.Started) {
			return s, joinedTime, "same customer, " + s.before(t)
		}
	}
	for _, s := range newest {
		if name := shared(t, s.open(t.Started)); name != "" && t.Started.Sub(s.last) <= c.IntentGap {
			return s, joinedIntent, spaced(name) + " was still open, " + s.before(t)
		}
	}
	for _, s := range newest {
		if when, over := c.resolved(s, t.Started); over && t.Started.Sub(when) <= c.Reopen {
			if name := shared(t, s.wants()); name != "" {
				return s, joinedReopened, spaced(name) + " came up again after it was resolved, " + s.before(t)
			}
		}
	}
	return nil, "", ""
}

func spaced(name string) string { return strings.ReplaceAll(name, "_", " ") }

// before tells how long after which channel t began.
func (s *segment) before(t event.InteractionState) string {
	prev := s.talks[len(s.talks)-1]
	return max(0, t.Started.Sub(prev.Last)).Round(time.Second).String() + " after " + string(prev.Channel)
}

func (s *segment) has(id string) bool {
	return slices.ContainsFunc(s.talks, func(i event.InteractionState) bool { return i.Case == id })
}

// shared is the first intent of t that is among names.
func shared(t event.InteractionState, names []string) string {
	if t.Basis != nil {
		for _, w := range t.Basis.Wants {
			if slices.Contains(names, w.Name) {
				return w.Name
			}
		}
	}
	return ""
}

func (s *segment) wants() []string {
	var out []string
	for _, t := range s.talks {
		if t.Basis != nil {
			for _, w := range t.Basis.Wants {
				out = append(out, w.Name)
			}
		}
	}
	return out
}

// open names the intents that were open at a moment.
func (s *segment) open(at time.Time) []string {
	var out []string
	for _, o := range s.intents() {
		if o.Since.Before(at) && (o.Closed.IsZero() || o.Closed.After(at)) {
			out = append(out, o.Name)
		}
	}
	return out
}

// intents joins what each interaction wants over the whole journey. An intent
// closes with the first thanks at or after its last mention; a mention after
// that opens it anew. The oldest stands first, of one turn the likeliest.
func (s *segment) intents() []event.OpenIntent {
	var all []event.OpenIntent
	var thanks []time.Time
	for _, t := range s.talks {
		if t.Basis == nil {
			continue
		}
		thanks = append(thanks, t.Basis.Thanks...)
		for _, w := range t.Basis.Wants {
			all = append(all, event.OpenIntent{Name: w.Name, Since: w.First, Last: w.Last, Interaction: t.ID, Turn: w.Turn, Probability: w.Probability, Mentions: w.Mentions})
		}
	}
	slices.SortFunc(all, func(a, b event.OpenIntent) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(b.Probability, a.Probability), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Turn, b.Turn))
	})
	slices.SortFunc(thanks, time.Time.Compare)
	var out []event.OpenIntent
	for _, o := range all {
		k := slices.IndexFunc(out, func(p event.OpenIntent) bool {
			return p.Name == o.Name && (p.Closed.IsZero() || p.Closed.After(o.Since))
		})
		if k < 0 {
			out = append(out, o)
			k = len(out) - 1
		} else {
			p := &out[k]
			p.Mentions += o.Mentions
			p.Probability = max(p.Probability, o.Probability)
			p.Last = later(p.Last, o.Last)
		}
		out[k].Closed = time.Time{}
		for _, at := range thanks {
			if !at.Before(out[k].Last) {
				out[k].Closed = at
				break
			}
		}
	}
	return out
}

// ended tells whether all interactions of s were over at a moment.
func (s *segment) ended(at time.Time) bool {
	return !slices.ContainsFunc(s.talks, func(i event.InteractionState) bool { return i.Ended.IsZero() || i.Ended.After(at) })
}

// thanked is when the customer's thanks closed the last open intent; zero while
// one is open, or where none ever was.
func (s *segment) thanked() time.Time {
	var when time.Time
	for _, o := range s.intents() {
		if o.Closed.IsZero() {
			return time.Time{}
		}
		when = later(when, o.Closed)
	}
	return when
}

// resolved tells since when s is resolved as seen at a moment: by the customer's
// thanks, or by silence after everything has ended.
func (c Config) resolved(s *segment, at time.Time) (when time.Time, is bool) {
	if when = s.thanked(); !when.IsZero() && !when.After(at) {
		return when, true
	}
	if when = s.last.Add(c.ResolveAfter); s.ended(at) && !when.After(at) {
		return when, true
	}
	return time.Time{}, false
}

// over tells whether nothing continues s by time alone.
func (c Config) over(s *segment, at time.Time) bool {
	_, is := c.resolved(s, at)
	return is && s.ended(at) && !at.Before(s.last)
}
