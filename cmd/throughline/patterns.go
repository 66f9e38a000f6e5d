package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"text/tabwriter"

	"throughline/bus"
	"throughline/event"
	"throughline/governance/access"
	"throughline/patterns"
	"throughline/sink"
)

// startPatterns looks for what changed, by itself and when asked.
func (h *house) startPatterns(life *lifecycle, b *bus.Bus, store *sink.Store, mux *http.ServeMux) error {
	reader, err := h.ranker()
	if err != nil {
		return fmt.Errorf("patterns: %w", err)
	}
	finder := &patterns.Finder{Config: h.settings.Patterns, History: store, Embed: func(ctx context.Context, text string) (patterns.Vector, error) {
		v, err := reader.Embed(ctx, text)
		return patterns.Vector{Index: v.Index, Value: v.Value}, err
	}}
	patterns.NewServer(finder, access.Tenant, h.log).Routes(mux, h.guard.Require(access.Supervisor))
	life.start(service{name: "patterns", run: func(ctx context.Context) error { return finder.Watch(ctx, b, h.log) }})
	return nil
}

// showPatterns asks a running Throughline what changed.
func showPatterns(ctx context.Context, args []string) error {
	f := flags("patterns [--since 7d] [--json]", "Ask a running Throughline what changed: intents and themes that rise or fall, sentiment that shifts, each with its test.")
	to := remoteFlags(f)
	since := f.String("since", "7d", "how long ago, or the RFC 3339 `time`, from when on a change is looked for")
	asJSON := f.Bool("json", false, "print the answer as it came")
	if err := parse(f, args, 0, 0); err != nil {
		return err
	}
	var body json.RawMessage
	if err := to.ask(ctx, http.MethodGet, patterns.Path+"?since="+url.QueryEscape(*since), nil, &body); err != nil {
		return fmt.Errorf("patterns: %w", err)
	}
	if *asJSON {
		_, err := os.Stdout.Write(append(body, '\n'))
		return err
	}
	var report patterns.Report
	if err := json.Unmarshal(body, &report); err != nil {
		return fmt.Errorf("patterns: answer is not a report: %w", err)
	}
	return printReport(os.Stdout, report)
}

func printReport(w io.Writer, r patterns.Report) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, p := range r.Patterns {
		where := "everywhere"
		if p.Dimension != "" {
			where = p.Dimension + " " + p.Value
		}
		size := fmt.Sprintf("%.2f%% → %.2f%%, ×%.1f [%.1f, %.1f]", 100*p.Before, 100*p.After, p.Effect, p.Low, p.High)
		if p.Kind == event.PatternSentiment {
			size = fmt.Sprintf("%+.2f → %+.2f, %+.2f [%+.2f, %+.2f]", p.Before, p.After, p.Effect, p.Low, p.High)
		}
		fmt.Fprintf(table, "%s\t%s %s\t%s\tsince %s\t%s\tq %.2g\n", p.Direction, p.Kind, p.Subject, where, p.At.Format("Mon 2006-01-02 15:04"), size, p.Q)
		for _, e := range p.Shown {
			fmt.Fprintf(table, "\t  %s\t\t\t\t\n", e.Turn)
		}
	}
	fmt.Fprintf(table, "%d of %d series and groups changed between %s and %s; at most %.0f%% of what is told is chance\n",
		len(r.Patterns), r.Tests, r.Since.Format("2006-01-02 15:04"), r.Until.Format("2006-01-02 15:04"), 100*r.Level)
	return table.Flush()
}
