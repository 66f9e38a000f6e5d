package demo

import (
	"context"
	"slices"
	"strings"

	"throughline/event"
)

// CallsReport is what became of the calls.
type CallsReport struct {
	Played      int                `json:"played"` // to their end
	Ended       int                `json:"ended"`  // stored as begun once and ended once
	Transcribed int                `json:"transcribed"`
	Utterances  map[event.Role]int `json:"utterances"`
	Note        string             `json:"note,omitempty"` // why there are no words, or no calls
}

// callRow is a call as ClickHouse holds it.
type callRow struct {
	Session     string `json:"session"`
	Interaction string `json:"interaction"`
	Customer    string `json:"customer"`
	Started     int    `json:"started"`
	Ended       int    `json:"ended"`
}

// findCalls reads what is there of a round's calls.
func (s *store) findCalls(ctx context.Context, f *findings, params []string) (err error) {
	const ofTheRound = `interaction IN (SELECT interaction FROM interactions WHERE channel = 'voice'
		AND at >= toDateTime64({since:String}, 3, 'UTC') AND position(attrs['session'], {run:String}) > 0)`
	if f.calls, err = ask[callRow](ctx, s, `SELECT max(attrs['session']) AS session, interaction, any(customer) AS customer,
		toUInt32(countIf(change = 'started')) AS started, toUInt32(countIf(change = 'ended')) AS ended
		FROM interactions WHERE `+ofTheRound+` GROUP BY interaction`, params...); err != nil {
		return err
	}
	rows, err := ask[struct {
		Interaction string `json:"interaction"`
		Role        string `json:"role"`
		N           int    `json:"n"`
	}](ctx, s, `SELECT interaction, role, toUInt32(count()) AS n FROM turns WHERE kind = 'utterance' AND text != '' AND `+ofTheRound+`
		AND id IN (SELECT turn FROM features) GROUP BY interaction, role`, params...)
	for _, r := range rows {
		f.uttered[[2]string{r.Interaction, r.Role}] = r.N
	}
	return err
}

// calls looks at what became of each call: it began and ended once, it is its
// customer's, and both parties were understood. A recogniser may join two lines
// that follow each other, or miss one; half of them is the least.
func (j *judging) calls() {
	r := &j.report.Calls
	r.Utterances = map[event.Role]int{}
	switch {
	case len(j.day.Calls) == 0:
		r.Note = "no calls were played: there is no recording server to play them to"
	case j.found.speechless != "":
		r.Note = "calls were not asked for their words: " + j.found.speechless
	}
	for _, c := range j.day.Calls {
		if !j.played[c.ID] {
			j.miss("the call %s was not played to its end", c.ID)
			continue
		}
		r.Played++
		row := j.session(c)
		if row.Started != 1 || row.Ended != 1 {
			j.miss("the call %s started %d times and ended %d times", c.ID, row.Started, row.Ended)
			continue
		}
		r.Ended++
		if known := j.customers(c.Who); len(known) > 0 && !known[row.Customer] {
			j.miss("the caller of %s is not the customer of the other channels", c.ID)
		}
		j.understood(c, row)
	}
}

// session finds the row of a call.
func (j *judging) session(c call) callRow {
	i := slices.IndexFunc(j.found.calls, func(r callRow) bool { return strings.HasSuffix(r.Session, "-"+c.ID) })
	if i < 0 {
		return callRow{}
	}
	return j.found.calls[i]
}

func (j *judging) understood(c call, row callRow) {
	lines, err := c.lines()
	if err != nil {
		j.miss("%v", err)
		return
	}
	both := true
	for _, who := range sides() {
		n := j.found.uttered[[2]string{row.Interaction, string(who)}]
		j.report.Calls.Utterances[who] += n
		if least := (lines[who] + 1) / 2; n < least {
			both = false
			if j.found.speechless == "" {
				j.miss("the call %s: %d utterances of the %s are in ClickHouse, at least %d are wanted", c.ID, n, who, least)
			}
		}
	}
	if both {
		j.report.Calls.Transcribed++
	}
}
