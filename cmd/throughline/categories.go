package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"throughline/governance/access"
	"throughline/nlp"
	"throughline/nlp/category"
	"throughline/nlp/floor"
)

// categoryVerbs are what can be done with files of categories.
func categoryVerbs() []command {
	return []command{
		{"check", "every rule parses, is of the right types, and means something", checkCategories},
		{"backtest", "which turns of the past a file would have put into its categories, and what that changes", backtestCategories},
	}
}

func categories(ctx context.Context, args []string) error {
	return runVerb(ctx, "categories", categoryVerbs(), args, "docs/policy.md describes categories.")
}

func checkCategories(ctx context.Context, args []string) error {
	f := flags("categories check FILE", "Check a file of categories.")
	if err := parse(f, args, 1, 1); err != nil {
		return err
	}
	reader, err := floor.Open()
	if err != nil {
		return err
	}
	rules, err := categoriesOf(ctx, reader, f.Arg(0))
	if err != nil {
		return err
	}
	fmt.Printf("%s is sound: %d categories: %s\n", f.Arg(0), len(rules.Names()), strings.Join(rules.Names(), ", "))
	return nil
}

func categoriesOf(ctx context.Context, reader nlp.Reader, path string) (*category.Rules, error) {
	rules, err := category.New(reader)
	if err != nil {
		return nil, err
	}
	return rules, rules.ReloadFile(ctx, path)
}

// sampleOf is how many turns are read unless more are asked for: with the encoder
// each takes a few milliseconds where a rule asks for likeness.
const sampleOf = 20_000

// backtestCategories asks the store, by the account that only reads.
func backtestCategories(ctx context.Context, args []string) error {
	f := flags("categories backtest [flags]", "Tell which turns a file of categories would have held for, had it been in force from --since on, and how that differs from what was decided when they came. It reads ClickHouse and changes nothing.")
	file := f.String("categories", "", "`file` of categories; empty is nlp.categories of the settings")
	since := f.String("since", "30d", "how far back: a `span` (30d, 12h) or a moment (RFC 3339)")
	until := f.String("until", "", "up to when, likewise; empty is now")
	against := f.String("against", "", "another `file`: tell the difference from it too")
	limit := f.Int("limit", sampleOf, "turns to read, drawn among all of the span; 0 reads all")
	tenant := f.String("tenant", access.DefaultTenant, "whose history")
	config := f.String("config", "", "settings `file` (YAML): where ClickHouse is, and which model reads turns")
	examples := f.Int("examples", 3, "examples of each category, by the turn's id")
	show := f.Bool("show", false, "examples carry the cleared words of the turn")
	asJSON := f.Bool("json", false, "print JSON")
	if err := parse(f, args, 0, 0); err != nil {
		return err
	}
	q := category.Question{Tenant: *tenant, Until: time.Now(), Limit: *limit, Examples: *examples, Words: *show, Readable: nlp.Readable}
	var err error
	if q.Since, err = moment(*since, q.Until); err != nil {
		return fmt.Errorf("--since: %w", err)
	}
	if *until != "" {
		if q.Until, err = moment(*until, q.Until); err != nil || !q.Since.Before(q.Until) {
			return fmt.Errorf("--until: %q does not lie between --since and now", *until)
		}
	}
	if *limit < 0 || *examples < 0 {
		return fmt.Errorf("--limit %d, --examples %d: want 0 or more", *limit, *examples)
	}
	s, err := load(*config)
	if err != nil {
		return err
	}
	if *file == "" {
		*file = s.NLP.Categories
	}
	if *file == "" {
		return fmt.Errorf("--categories: name a file; nlp.categories of the settings names none")
	}
	reader, done, err := openRanker(ctx, s.NLP.Model)
	if err != nil {
		return err
	}
	defer done()
	rules, err := categoriesOf(ctx, reader, *file)
	if err != nil {
		return err
	}
	if *against != "" {
		if q.Against, err = categoriesOf(ctx, reader, *against); err != nil {
			return fmt.Errorf("--against: %w", err)
		}
	}
	store, err := openReader(*config)
	if err != nil {
		return err
	}
	defer store.Close()
	if err := store.Ready(ctx); err != nil {
		return fmt.Errorf("%w: is throughline serve running, or clickhouse.url set?", err)
	}
	q.Progress = func(read, of int) { fmt.Fprintf(os.Stderr, "\r%d of %d turns", read, of) }
	report, err := rules.Backtest(ctx, store, q)
	fmt.Fprint(os.Stderr, "\r")
	if err != nil {
		return err
	}
	if *asJSON {
		enc := json.NewEncoder(os.Stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(map[string]any{"file": *file, "since": q.Since, "until": q.Until, "model": reader.Name(), "report": report})
	}
	fmt.Printf("%s from %s to %s, all times UTC\n", *file, q.Since.UTC().Format(time.DateTime), q.Until.UTC().Format(time.DateTime))
	return writeCategories(os.Stdout, report, reader.Name())
}

// openRanker opens the model that reads turns by the settings.
func openRanker(ctx context.Context, model string) (nlp.Reader, func(), error) {
	if model != readFloor {
		text, err := openEncoder(ctx, os.Stderr)
		switch {
		case err == nil:
			return text.Reader, func() { _ = text.Close() }, nil // the process ends, too
		case model == readEncoder:
			return nil, nil, fmt.Errorf("nlp.model encoder: %w", err)
		}
		fmt.Fprintf(os.Stderr, "the text encoder cannot be opened, the floor compares instead: %v\n", err)
	}
	reader, err := floor.Open()
	return reader, func() {}, err
}

// writeCategories prints what was tried with a model.
func writeCategories(out io.Writer, r category.Report, model string) error {
	if r.Sampled {
		fmt.Fprintf(out, "%d of %d turns were read, drawn by their ids; the counts are of those, a day is of all\n", r.Read, r.Turns)
	} else {
		fmt.Fprintf(out, "%d turns were read, all of the span\n", r.Read)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Models)) {
		if r.Embedded && name != model {
			fmt.Fprintf(out, "%d of them were understood by %s; likeness is that of %s now\n", r.Models[name], name, model)
		}
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	head := "\nCATEGORY\tMATCHES\tSHARE\tA DAY\tBY CHANNEL\tLIVE\tNEW\tLOST"
	compared := len(r.Categories) > 0 && r.Categories[0].Against != nil
	if compared {
		head += "\tOTHER FILE\tNEW\tLOST"
	}
	fmt.Fprintln(w, head)
	for _, c := range r.Categories {
		share := float64(c.Matches) / float64(max(r.Read, 1))
		var channels []string
		for _, name := range slices.Sorted(maps.Keys(c.Channels)) {
			channels = append(channels, fmt.Sprintf("%s %d", name, c.Channels[name]))
		}
		line := fmt.Sprintf("%s\t%d\t%.2f%%\t%.1f\t%s\t%d\t%d\t%d", c.Category, c.Matches, 100*share, share*float64(r.Turns)/r.Days, strings.Join(channels, ", "),
			c.Live.Matches, c.Live.Only, c.Live.Lost)
		if compared {
			line += fmt.Sprintf("\t%d\t%d\t%d", c.Against.Matches, c.Against.Only, c.Against.Lost)
		}
		fmt.Fprintln(w, line)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, c := range r.Categories {
		if c.Failed > 0 {
			fmt.Fprintf(out, "\n%s could not be evaluated on %d turns\n", c.Category, c.Failed)
		}
		if len(c.Examples) > 0 {
			fmt.Fprintf(out, "\n%s, for example\n", c.Category)
		}
		for _, e := range c.Examples {
			fmt.Fprintf(out, "  %s  %s  %s  %s  %s  %.2f\n", e.At.Format(time.DateTime), e.Channel, e.Role, e.Interaction, e.Turn, e.Probability)
			if e.Words != "" {
				fmt.Fprintf(out, "    %q\n", e.Words)
			}
		}
	}
	return nil
}
