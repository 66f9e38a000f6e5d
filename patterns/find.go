package patterns

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"throughline/event"
)

// Report is what a search found.
type Report struct {
	Tenant   string    `json:"tenant"`
	History  time.Time `json:"history"` // from when on the comparison is
	Since    time.Time `json:"since"`   // from when on a change may be
	Until    time.Time `json:"until"`
	Seasonal bool      `json:"seasonal"` // the hour of the week was allowed for
	Level    float64   `json:"level"`    // share of the patterns that may be chance
	Tests    int       `json:"tests"`    // series and groups that were looked at
	Patterns []Found   `json:"patterns"` // the surest first
}

// Found is a pattern with turns that show it.
type Found struct {
	event.Pattern
	Shown []Example `json:"shown"`
}

// Finder looks for patterns.
type Finder struct {
	Config
	History History
	Embed   Embed // nil: no themes

	mu    sync.Mutex
	known map[string]Vector // of the turns of the last search: the next one mostly has the same
}

// minimum is how often a subject must occur in all to be worth a test.
const minimum = 4 * support

// Find looks for what changed since a time, as of until.
func (f *Finder) Find(ctx context.Context, tenant string, since, until time.Time) (Report, error) {
	cfg := f.Config.settled()
	until = until.UTC()
	s := span{since: since.UTC().Truncate(time.Hour), until: until}
	s.start = s.since.Add(-cfg.History).Truncate(time.Hour)
	counted, err := rows[hourly](ctx, f.History, QueryCounts, s.args(tenant))
	if err != nil {
		return Report{}, err
	}
	scored, err := rows[hourly](ctx, f.History, QuerySentiment, s.args(tenant))
	if err != nil {
		return Report{}, err
	}
	s = s.begun(append(slices.Clone(counted), scored...))
	r := Report{Tenant: tenant, History: s.start, Since: s.since, Until: until, Level: cfg.Level, Seasonal: s.since.Sub(s.start) >= warm*time.Hour, Patterns: []Found{}}

	all, volume := countSeries(s, counted)
	all = append(all, meanSeries(s, scored)...)
	var found []Found
	for _, q := range all {
		if ctx.Err() != nil {
			return Report{}, ctx.Err()
		}
		if p, tested := q.pattern(tenant); tested {
			found = append(found, Found{Pattern: p})
		}
	}
	grown, err := f.themes(ctx, tenant, s, volume, cfg)
	if err != nil {
		return Report{}, err
	}
	found = append(found, grown...)

	p := make([]float64, len(found))
	for i := range found {
		p[i] = found[i].P
	}
	r.Tests = len(found)
	for i, q := range discoveries(p) {
		if q > cfg.Level {
			continue
		}
		one := found[i]
		one.Q, one.Tests, one.Found, one.Since = q, len(found), until, s.since
		if err := f.show(ctx, &one, until); err != nil {
			return Report{}, err
		}
		r.Patterns = append(r.Patterns, one)
	}
	slices.SortStableFunc(r.Patterns, func(a, b Found) int { return cmp.Or(cmp.Compare(a.Q, b.Q), cmp.Compare(a.ID, b.ID)) })
	return r, nil
}

// question is a series with what it is about.
type question struct {
	*series
	kind    event.PatternKind
	subject string
	place   place
}

// countSeries makes a series of each subject at each place, and the interactions
// of history and window.
func countSeries(s span, counted []hourly) (all []question, volume [2]float64) {
	type key struct {
		place
		subject string
	}
	total, of := map[place]*series{}, map[key]*series{}
	for _, r := range counted {
		at := place{r.Dimension, r.Value}
		if r.Subject == "" {
			if total[at] == nil {
				total[at] = s.series(counts)
			}
			total[at].of[s.hour(r.Hour)] += r.N
			continue
		}
		k := key{at, r.Subject}
		if of[k] == nil {
			of[k] = s.series(counts)
		}
		of[k].sum[s.hour(r.Hour)] += r.N
	}
	for k, one := range of {
		one.of = total[k.place].of
		if sum(one.sum) >= minimum {
			all = append(all, question{one, event.PatternIntent, k.subject, k.place})
		}
	}
	if everywhere := total[place{}]; everywhere != nil {
		volume = [2]float64{sum(everywhere.of[:everywhere.window]), sum(everywhere.of[everywhere.window:])}
	}
	return sorted(all), volume
}

func meanSeries(s span, scored []hourly) (all []question) {
	of := map[place]*series{}
	for _, r := range scored {
		at := place{r.Dimension, r.Value}
		if of[at] == nil {
			of[at] = s.series(means)
		}
		of[at].of[s.hour(r.Hour)] += r.N
		of[at].sum[s.hour(r.Hour)] += r.Total
		of[at].squares += r.Squares
	}
	for at, one := range of {
		if sum(one.of) >= minimum {
			all = append(all, question{one, event.PatternSentiment, "sentiment", at})
		}
	}
	return sorted(all)
}

// sorted keeps the order of maps out of what is reported.
func sorted(all []question) []question {
	slices.SortFunc(all, func(a, b question) int { return strings.Compare(a.key(), b.key()) })
	return all
}

func (q question) key() string {
	return strings.Join([]string{string(q.kind), q.subject, q.place.Dimension, q.place.Value}, "\x00")
}

func sum(v []float64) float64 {
	var s float64
	for _, x := range v {
		s += x
	}
	return s
}

// pattern tests a series; false: it has too little on any two sides.
func (q question) pattern(tenant string) (event.Pattern, bool) {
	c := q.scan(q.sum)
	if c.statistic < 0 {
		return event.Pattern{}, false
	}
	seed := fnv.New64a()
	fmt.Fprint(seed, tenant, q.key())
	at := q.at(c.hour)
	p := event.Pattern{
		ID:     event.ID("p", tenant, q.key(), at.Format(time.DateOnly)), // a day: as more is known the hour moves a little
		Tenant: tenant, Kind: q.kind, Subject: q.subject, Dimension: q.place.Dimension, Value: q.place.Value, Direction: "rising",
		At: at, Earliest: q.at(c.earliest), Latest: q.at(c.latest),
		Interactions: [2]int{int(c.of[0]), int(c.of[1])}, P: q.test(c, seed.Sum64()),
	}
	p.Before, p.After = c.sum[0]/c.of[0], c.sum[1]/c.of[1]
	p.Effect, p.Low, p.High = q.effect(c)
	if q.series.kind == means && p.Effect < 0 || q.series.kind == counts && p.Effect < 1 {
		p.Direction = "falling"
	}
	return p, true
}

// effect is the ratio of the rates, or the difference of the means, with its
// 95 % interval: of the log of the ratio, and of the difference, normal.
func (s *series) effect(c change) (effect, low, high float64) {
	const z = 1.959964
	if s.kind == means {
		effect = c.sum[1]/c.expected[1] - c.sum[0]/c.expected[0]
		wide := z * math.Sqrt(c.variance*c.dispersion*(1/c.expected[0]+1/c.expected[1]))
		return effect, effect - wide, effect + wide
	}
	return ratioOf(c.sum, c.expected, c.dispersion)
}

// ratioOf is a ratio of two rates. Half an event on either side keeps it finite
// where one has none.
func ratioOf(seen, of [2]float64, dispersion float64) (ratio, low, high float64) {
	const z = 1.959964
	ratio = (seen[1] + 0.5) / of[1] / ((seen[0] + 0.5) / of[0])
	wide := math.Exp(z * math.Sqrt(dispersion*(1/(seen[0]+0.5)+1/(seen[1]+0.5))))
	return ratio, ratio / wide, ratio * wide
}

// show fetches turns that show a change of intents or sentiment.
func (f *Finder) show(ctx context.Context, one *Found, until time.Time) error {
	if one.Kind == event.PatternTheme {
		return nil // they came with it
	}
	subject, sign := one.Subject, 1
	if one.Kind == event.PatternSentiment {
		subject = ""
	}
	since := one.At
	if one.Direction == "falling" {
		sign = -1
		if one.Kind == event.PatternIntent { // what became rare is shown as it was
			since, until = one.Since, one.At
			if !since.Before(until) {
				since = until.Add(-week * time.Hour)
			}
		}
	}
	turns, err := rows[said](ctx, f.History, QueryExamples, map[string]any{"tenant": one.Tenant, "since": since.UnixMilli(), "until": until.UnixMilli(),
		"subject": subject, "dimension": one.Dimension, "value": one.Value, "sign": sign, "limit": examples})
	if err != nil {
		return err
	}
	for _, t := range turns {
		one.Shown = append(one.Shown, t.example())
		one.Examples = append(one.Examples, t.ID)
	}
	return nil
}

func (f *Finder) themes(ctx context.Context, tenant string, s span, volume [2]float64, cfg Config) ([]Found, error) {
	if f.Embed == nil {
		return nil, nil
	}
	var turns []said
	all := volume
	for side, part := range [2]span{{start: s.start, until: s.since}, {start: s.since, until: s.until}} {
		args := part.args(tenant)
		args["limit"] = cfg.Turns
		got, err := rows[said](ctx, f.History, QueryTurns, args)
		if err != nil {
			return nil, err
		}
		if len(got) > 0 { // of a sample, a part of the interactions is compared
			all[side] *= float64(len(got)) / float64(max(got[0].Of, len(got)))
		}
		turns = append(turns, got...)
	}
	if all[0] == 0 || all[1] == 0 {
		return nil, nil // nothing to compare with, or nothing to compare
	}
	vectors, err := f.embed(ctx, turns)
	if err != nil {
		return nil, err
	}
	grown := themes(turns, vectors, s.since, all, DefaultLeast)
	found := make([]Found, len(grown))
	for i, g := range grown {
		found[i] = g.found(tenant, all)
	}
	return found, nil
}

func (f *Finder) embed(ctx context.Context, turns []said) ([]Vector, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	vectors, seen := make([]Vector, len(turns)), make(map[string]Vector, len(turns))
	for i, t := range turns {
		v, ok := f.known[t.ID]
		if !ok {
			var err error
			if v, err = f.Embed(ctx, t.Text); err != nil {
				return nil, fmt.Errorf("read turn %s: %w", t.ID, err)
			}
		}
		vectors[i], seen[t.ID] = v, v
	}
	f.known = seen
	return vectors, nil
}
