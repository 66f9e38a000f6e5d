package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"throughline/assist"
	"throughline/governance/access"
	"throughline/sink"
	engines "throughline/sink/embedded"
)

// backtestPolicy asks the store, by the account that only reads.
func backtestPolicy(ctx context.Context, args []string) error {
	f := flags("policy backtest [flags]", "Tell what a policy would have done with what happened, had it been in force from --since on: how often, on whom, and why. It reads ClickHouse and changes nothing.")
	to := remoteFlags(f)
	file := f.String("policy", "", "policy `file`; empty is the shipped one")
	since := f.String("since", "30d", "how far back: a `span` (30d, 12h) or a moment (RFC 3339)")
	against := f.String("against", "", "`active` (what a running Throughline decides by) or a file: tell the differences")
	tenant := f.String("tenant", access.DefaultTenant, "whose history")
	config := f.String("config", "", "settings `file` (YAML): where ClickHouse is")
	examples := f.Int("examples", 3, "examples of each rule")
	words := f.Bool("show", false, "examples carry the cleared words of the turn")
	asJSON := f.Bool("json", false, "print JSON")
	var rules []string
	f.Func("rule", "try only this `rule`; may be repeated", func(v string) error { rules = append(rules, v); return nil })
	if err := parse(f, args, 0, 0); err != nil {
		return err
	}
	p, err := assist.LoadFile(*file)
	if err != nil {
		return err
	}
	q := assist.Question{Tenant: *tenant, Until: time.Now(), Rules: rules, Examples: *examples, Words: *words}
	if q.Since, err = moment(*since, q.Until); err != nil {
		return fmt.Errorf("--since: %w", err)
	}
	if *examples < 0 {
		return fmt.Errorf("--examples %d: want 0 or more", *examples)
	}
	store, err := openReader(*config)
	if err != nil {
		return err
	}
	defer store.Close()
	if err := store.Ready(ctx); err != nil {
		return fmt.Errorf("%w: is throughline serve running, or clickhouse.url set?", err)
	}
	var tried []assist.Tried
	began := time.Now()
	if *against == "" {
		tried, err = p.Backtest(ctx, store, q)
	} else {
		var other *assist.Policy
		if other, err = otherPolicy(ctx, to, *against); err == nil {
			tried, err = p.Compare(ctx, store, q, other)
		}
	}
	if err != nil {
		return err
	}
	if *asJSON {
		enc := json.NewEncoder(os.Stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(map[string]any{"policy": p.Version, "since": q.Since, "until": q.Until, "seconds": time.Since(began).Seconds(), "rules": tried})
	}
	fmt.Printf("policy %s from %s to %s, all times UTC\n\n", p.Version, q.Since.UTC().Format(time.DateTime), q.Until.UTC().Format(time.DateTime))
	return writeTried(os.Stdout, tried, q.Until.Sub(q.Since).Hours()/24)
}

func otherPolicy(ctx context.Context, from remote, which string) (*assist.Policy, error) {
	if which != "active" {
		return assist.LoadFile(which)
	}
	var v assist.InForce
	if err := from.ask(ctx, http.MethodGet, "/v1/policy", nil, &v); err != nil {
		return nil, fmt.Errorf("--against active: %w", err)
	}
	return assist.Load("policy in force", []byte(v.Text))
}

// openReader opens the configured ClickHouse, or the embedded engine of a
// running Throughline by the account that only reads.
func openReader(path string) (*sink.Store, error) {
	s, err := load(path)
	if err != nil {
		return nil, err
	}
	cfg := s.ClickHouse.Config
	if cfg.URL == "" {
		cfg.URL, cfg.User, cfg.Password = "http://"+s.ClickHouse.Listen, engines.DefaultReader, s.ClickHouse.Reader.Password
	}
	return sink.Open(cfg)
}

// mostDays is how far back a span of days may reach.
const mostDays = 36500

// moment reads "30d", "12h" or an RFC 3339 time.
func moment(s string, now time.Time) (time.Time, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n > 0 && n <= mostDays {
			return now.AddDate(0, 0, -n), nil
		}
	}
	if span, err := time.ParseDuration(s); err == nil && span > 0 {
		return now.Add(-span), nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil && t.Before(now) {
		return t, nil
	}
	return time.Time{}, fmt.Errorf("%q is neither a span such as 30d or 12h nor a moment in the past such as 2026-11-01T00:00:00Z", s)
}

// writeTried prints what was tried over so many days.
func writeTried(out io.Writer, tried []assist.Tried, days float64) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	head := "RULE\tACTIONS\tMATCHES\tFIRED\tCUSTOMERS\tA DAY\tBY CHANNEL\tFALSE ALARMS"
	compared := len(tried) > 0 && tried[0].Against != nil
	if compared {
		head += "\tBEFORE\tNEW\tLOST"
	}
	fmt.Fprintln(w, head)
	for _, r := range tried {
		var channels []string
		for _, c := range slices.Sorted(maps.Keys(r.Channels)) {
			channels = append(channels, fmt.Sprintf("%s %d", c, r.Channels[c]))
		}
		judged := "nobody judged"
		if r.Judged > 0 {
			judged = fmt.Sprintf("%d of %d judged", r.FalseAlarms, r.Judged)
		}
		line := fmt.Sprintf("%s\t%s\t%d\t%d\t%d\t%.1f\t%s\t%s", r.Rule, strings.Join(r.Actions, " "), r.Matches, r.Fired, r.Customers,
			float64(r.Fired)/days, strings.Join(channels, ", "), judged)
		if compared {
			line += fmt.Sprintf("\t%d\t%d\t%d", r.Against.Fired, r.Against.Only, r.Against.Lost)
		}
		fmt.Fprintln(w, line)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, r := range tried {
		if r.Failed > 0 {
			fmt.Fprintf(out, "\n%s could not be evaluated on %d changes\n", r.Rule, r.Failed)
		}
		if d := r.Disclosures; d != nil {
			fmt.Fprintf(out, "\n%s: said in time %d, missed %d, interaction over before the deadline %d\n", r.Rule, d.Met, d.Missed, d.Void)
		}
		if len(r.Examples) > 0 {
			fmt.Fprintf(out, "\n%s, for example\n", r.Rule)
		}
		for _, e := range r.Examples {
			var because []string
			for _, k := range slices.Sorted(maps.Keys(e.Evidence)) {
				if strings.Contains(k, ".") { // what the condition asked for
					because = append(because, k+" = "+e.Evidence[k])
				}
			}
			fmt.Fprintf(out, "  %s  %s  %s  customer %s  %s\n", e.At.Format(time.DateTime), e.Channel, e.Interaction, e.Customer, strings.Join(because, ", "))
			if e.Words != "" {
				fmt.Fprintf(out, "    %q\n", e.Words)
			}
		}
	}
	return nil
}
