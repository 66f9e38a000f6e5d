package category

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"throughline/event"
	"throughline/nlp/linear"
)

// History is what was said and understood, as the store keeps it.
type History interface {
	// Spoken counts the turns of a tenant that have words.
	Spoken(ctx context.Context, tenant string, since, until time.Time) (int, error)
	// Understood reads such turns with what was understood of them when they came,
	// day by day; share, 0 to 1, draws among them, the same ones each time.
	Understood(ctx context.Context, tenant string, since, until time.Time, share float64, visit func(event.Features) error) error
}

// Question says what a back-test is about.
type Question struct {
	Tenant   string
	Since    time.Time // inclusive
	Until    time.Time // exclusive
	Limit    int       // turns to read, drawn among all; 0: all
	Examples int       // kept of each category
	Words    bool      // examples carry the turn's cleared words
	// Readable tells whether the model reads a turn at all; nlp.Readable does.
	Readable func(event.Turn) bool
	Against  *Rules // what to tell the difference from besides; nil: nothing
	// Progress is told now and then how many turns were read, of how many.
	Progress func(read, of int)
}

// Report is what categories would have done with what was said.
type Report struct {
	Turns      int            `json:"turns"`      // with words, in the span
	Read       int            `json:"read"`       // of them
	Sampled    bool           `json:"sampled"`    // not all were read: which, a hash of their ids has drawn
	Skipped    int            `json:"skipped"`    // of those read: of a kind that no model reads
	Days       float64        `json:"days"`       // in the span
	Models     map[string]int `json:"models"`     // turns read, by the model that understood them when they came
	Embedded   bool           `json:"embedded"`   // likeness was computed again, since a rule asks for it
	Seconds    float64        `json:"seconds"`    // that it took
	Categories []Tried        `json:"categories"` // of the file, in its order; then those that were decided by another
}

// Tried is what one category would have done.
type Tried struct {
	Category string         `json:"category"`
	Matches  int            `json:"matches"` // turns that it holds for
	Failed   int            `json:"failed"`  // turns that it could not be evaluated on; it does not hold there
	Channels map[string]int `json:"channels"`
	Roles    map[string]int `json:"roles"`
	Days     map[string]int `json:"days"` // matches by day (UTC)
	// Live is the difference from what was decided when the turns came, by
	// whatever file was in force then.
	Live    Difference  `json:"live"`
	Against *Difference `json:"against,omitempty"` // from the other file
	// Examples are the surest, one an interaction.
	Examples []Example `json:"examples"`
}

// Difference is how often a category holds where another one of its name does not.
type Difference struct {
	Matches int `json:"matches"` // of the other
	Both    int `json:"both"`
	Only    int `json:"only"` // of this one alone
	Lost    int `json:"lost"` // of the other alone
}

func (d *Difference) count(this, other bool) {
	switch {
	case this && other:
		d.Both++
		d.Matches++
	case other:
		d.Lost++
		d.Matches++
	case this:
		d.Only++
	}
}

// Example is a turn that a category would have held for. Its id, and not its
// words, unless they were asked for.
type Example struct {
	Turn        string    `json:"turn"`
	Interaction string    `json:"interaction"`
	At          time.Time `json:"at"`
	Channel     string    `json:"channel"`
	Role        string    `json:"role"`
	Probability float64   `json:"probability"`
	Words       string    `json:"words,omitempty"`
}

// Names are the categories in force, in the order of the file.
func (r *Rules) Names() []string {
	var names []string
	for _, one := range *r.current.Load() {
		names = append(names, one.name)
	}
	return names
}

// compares tells whether a rule asks how alike a turn is to its sentences.
func (r *Rules) compares() bool {
	return slices.ContainsFunc(*r.current.Load(), func(one rule) bool { return len(one.like) > 0 })
}

// Backtest tells what the rules would have done, had they been in force from
// since on. A turn's sentiment, intents, emotions and entities are those that were
// stored; likeness is computed again, since it is not.
func (r *Rules) Backtest(ctx context.Context, h History, q Question) (Report, error) {
	began := time.Now()
	t := trial{question: q, rules: r, tried: map[string]*Tried{}, report: Report{Models: map[string]int{}, Days: q.Until.Sub(q.Since).Hours() / 24, Embedded: r.compares() || q.Against != nil && q.Against.compares()}}
	for _, name := range r.Names() {
		t.of(name)
	}
	var err error
	if t.report.Turns, err = h.Spoken(ctx, q.Tenant, q.Since, q.Until); err != nil {
		return t.report, err
	}
	share, expected := 1.0, t.report.Turns
	if q.Limit > 0 && q.Limit < t.report.Turns {
		share, expected = float64(q.Limit)/float64(t.report.Turns), q.Limit
		t.report.Sampled = true
	}
	var batch []event.Features
	err = h.Understood(ctx, q.Tenant, q.Since, q.Until, share, func(f event.Features) error {
		if batch = append(batch, f); len(batch) < batchSize {
			return nil
		}
		err := t.take(ctx, batch)
		batch = batch[:0]
		if q.Progress != nil {
			q.Progress(t.report.Read, expected)
		}
		return err
	})
	if err == nil {
		err = t.take(ctx, batch)
	}
	for _, name := range t.order {
		t.report.Categories = append(t.report.Categories, *t.tried[name])
	}
	t.report.Seconds = time.Since(began).Seconds()
	return t.report, err
}

// batchSize is how many turns are embedded side by side.
const batchSize = 256

// trial is one back-test.
type trial struct {
	question Question
	rules    *Rules
	report   Report
	tried    map[string]*Tried
	order    []string
}

func (t *trial) of(name string) *Tried {
	if t.tried[name] == nil {
		t.tried[name] = &Tried{Category: name, Channels: map[string]int{}, Roles: map[string]int{}, Days: map[string]int{}, Examples: []Example{}}
		if t.question.Against != nil {
			t.tried[name].Against = &Difference{}
		}
		t.order = append(t.order, name)
	}
	return t.tried[name]
}

// take decides on a batch of turns.
func (t *trial) take(ctx context.Context, batch []event.Features) error {
	meanings := make([]linear.Vector, len(batch))
	if t.report.Embedded {
		group, gctx := errgroup.WithContext(ctx)
		group.SetLimit(runtime.GOMAXPROCS(0))
		for i, f := range batch {
			if t.question.Readable(f.Turn) {
				group.Go(func() (err error) {
					if meanings[i], err = t.rules.embedder.Embed(gctx, f.Turn.Text); err != nil {
						err = fmt.Errorf("embed turn %s: %w", f.Turn.ID, err)
					}
					return err
				})
			}
		}
		if err := group.Wait(); err != nil {
			return err
		}
	}
	for i, f := range batch {
		t.decide(f, meanings[i])
	}
	return ctx.Err()
}

func (t *trial) decide(f event.Features, meaning linear.Vector) {
	t.report.Read++
	t.report.Models[f.Model]++
	if !t.question.Readable(f.Turn) {
		t.report.Skipped++
		return
	}
	holds := map[string]bool{}
	for d := range t.rules.decide(f, meaning) {
		one := t.of(d.name)
		if d.err != nil {
			one.Failed++
		} else if d.holds {
			holds[d.name] = true
			t.note(one, f, d.probability)
		}
	}
	then := map[string]bool{}
	for _, l := range f.Categories {
		then[l.Name] = true
		t.of(l.Name)
	}
	other := map[string]bool{}
	if t.question.Against != nil {
		for _, l := range t.question.Against.Match(f, meaning) {
			other[l.Name] = true
			t.of(l.Name)
		}
	}
	for name, one := range t.tried {
		one.Live.count(holds[name], then[name])
		if one.Against != nil {
			one.Against.count(holds[name], other[name])
		}
	}
}

// note counts a match, and keeps it among the examples if it is one of the surest.
func (t *trial) note(one *Tried, f event.Features, probability float64) {
	one.Matches++
	one.Channels[string(f.Turn.Channel)]++
	one.Roles[string(f.Turn.Role)]++
	one.Days[f.Turn.At.UTC().Format(time.DateOnly)]++
	e := Example{Turn: f.Turn.ID, Interaction: f.Turn.Interaction, At: f.Turn.At, Channel: string(f.Turn.Channel), Role: string(f.Turn.Role), Probability: probability}
	if t.question.Words {
		e.Words = f.Turn.Text
	}
	surer := func(a, b Example) int {
		return cmp.Or(cmp.Compare(b.Probability, a.Probability), b.At.Compare(a.At), cmp.Compare(a.Turn, b.Turn))
	}
	if k := slices.IndexFunc(one.Examples, func(x Example) bool { return x.Interaction == e.Interaction }); k >= 0 {
		if surer(e, one.Examples[k]) < 0 {
			one.Examples[k] = e
		}
	} else {
		one.Examples = append(one.Examples, e)
	}
	slices.SortFunc(one.Examples, surer)
	one.Examples = one.Examples[:min(len(one.Examples), t.question.Examples)]
}
