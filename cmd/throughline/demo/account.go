package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"throughline/event"
)

// lookEvery is how often it is looked whether everything has arrived.
const lookEvery = 500 * time.Millisecond

// account waits until everything that was sent has arrived everywhere, searches
// for secrets, and reports.
func (s *show) account(ctx context.Context, c cast, l *ledger, began time.Time, failed []error) (Report, error) {
	played := time.Now()
	db, err := newStore(s.target.ClickHouseURL)
	if err != nil {
		return Report{}, err
	}
	s.tell("played in %.1f s; looking for all of it", played.Sub(began).Seconds())
	var f findings
	var r Report
	for {
		if f, err = db.find(ctx, c.run, began); err == nil {
			f.speechless = s.speechless()
			r = judge(s.day, l, f)
		}
		if err == nil && r.OK || time.Since(played) > s.options.Settle {
			break
		}
		select {
		case <-time.After(lookEvery):
		case <-ctx.Done():
			return Report{}, ctx.Err()
		}
	}
	if err != nil {
		return Report{}, err
	}
	settled := time.Since(played)
	if f.leaks, f.searched, err = s.search(ctx, db, l, c.run); err != nil {
		return Report{}, err
	}
	r = judge(s.day, l, f)
	r.Run, r.Began, r.Speed = c.run, began.UTC(), round1(s.options.Speed)
	r.Seconds, r.Settled = round1(played.Sub(began).Seconds()), round1(settled.Seconds())
	for _, err := range failed {
		r.Missing = append(r.Missing, err.Error())
	}
	r.OK = len(r.Missing) == 0
	s.tell("%s", r.summary())
	if !r.OK {
		return r, fmt.Errorf("%d of what must be there is not, first: %s", len(r.Missing), r.Missing[0])
	}
	return r, nil
}

// search looks for the planted secrets in every table and in the bytes on disk.
func (s *show) search(ctx context.Context, db *store, l *ledger, run string) (leaks []Leak, read int64, err error) {
	l.mu.Lock()
	needles := slices.Clone(l.needles)
	l.mu.Unlock()
	slices.Sort(needles)
	needles = slices.Compact(needles)
	if leaks, err = db.leaks(ctx, needles, run); err != nil {
		return nil, 0, err
	}
	onDisk, read, err := searchDisk(ctx, slices.Concat(s.target.DataDirs, s.target.Logs), needles)
	if err != nil {
		return nil, 0, err
	}
	if len(s.target.DataDirs) > 0 {
		control, _, err := searchDisk(ctx, s.target.DataDirs, []string{run})
		if err != nil {
			return nil, 0, err
		}
		if len(control) == 0 {
			return nil, 0, errors.New("search disk: not even the ids of what was sent are found: are they the right folders?")
		}
	}
	return append(leaks, onDisk...), read, nil
}

// summary is the report in a few lines for people.
func (r Report) summary() string {
	var b strings.Builder
	line := func(what, format string, args ...any) {
		fmt.Fprintf(&b, "%12s  "+format+"\n", append([]any{what}, args...)...)
	}
	line("sent", "%d messages of %d customers in %d conversations, %d statuses", r.Sent.Messages, r.Sent.Customers, r.Sent.Conversations, r.Sent.Statuses)
	line("stored", "%d turns and %d analyses, each once", r.Stored.Turns, r.Stored.Features)
	line("streamed", "%d of %d turns, each once; p50 %g ms, p99 %g ms from message to screen", r.Streamed.Turns, r.Sent.Messages, r.Latency.P50, r.Latency.P99)
	fired, expected := 0, 0
	for _, rule := range r.Rules {
		fired, expected = fired+rule.Fired, expected+rule.Expected
	}
	line("alarmed", "%d of %d expected rules fired, %d alerts and suggestions in all", fired, expected, r.Streamed.Advice)
	line("followed", "%d of %d customers across channels in one journey", r.Journeys.Spanning, r.Journeys.Expected)
	line("called", "%d calls, %d ended, %d with both parties understood (%d and %d utterances)", r.Calls.Played, r.Calls.Ended, r.Calls.Transcribed,
		r.Calls.Utterances[event.Customer], r.Calls.Utterances[event.Agent])
	if r.Calls.Note != "" {
		line("", "%s", r.Calls.Note)
	}
	line("taken out", "%d planted secrets; found %d times in ClickHouse, on the stream and in %.1f MB on disk", r.Secrets.Planted, r.Secrets.Found, float64(r.Secrets.Bytes)/1e6)
	if r.OK {
		line("result", "all there")
	}
	for _, m := range r.Missing {
		line("missing", "%s", m)
	}
	return strings.TrimRight(b.String(), "\n")
}
