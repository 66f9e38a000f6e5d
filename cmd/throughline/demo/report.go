package demo

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"throughline/event"
)

// Report is what was played and what was found of it.
type Report struct {
	OK      bool     `json:"ok"`
	Missing []string `json:"missing"` // what is not as it must be, one line each; never anybody's words

	Run     string    `json:"run"` // stands in every provider id of the round
	Began   time.Time `json:"began"`
	Seconds float64   `json:"seconds"` // of playing
	Settled float64   `json:"settled_after_seconds"`
	Speed   float64   `json:"speed"`

	Sent      Sent                `json:"sent"`
	Stored    Stored              `json:"stored"`
	Streamed  Streamed            `json:"streamed"`
	Latency   Latency             `json:"message_to_stream_ms"`
	Calls     CallsReport         `json:"calls"`
	Rules     []RuleReport        `json:"rules"`
	Journeys  JourneysReport      `json:"journeys"`
	Redaction map[string]Redacted `json:"redaction"` // by type
	Secrets   Secrets             `json:"secrets"`
}

// Sent is what went out.
type Sent struct {
	Messages      int                                  `json:"messages"`
	Accepted      int                                  `json:"accepted"`
	Customers     int                                  `json:"customers"`
	Conversations int                                  `json:"conversations"`
	Channels      map[event.Channel]map[event.Kind]int `json:"channels"`
	Statuses      int                                  `json:"statuses"`
	Changes       map[event.Change]int                 `json:"changes"`
	counts
}

// Stored is what ClickHouse holds of it.
type Stored struct {
	Turns    int `json:"turns"` // messages with exactly one row
	None     int `json:"turns_missing"`
	Several  int `json:"turns_more_than_once"`
	Features int `json:"features"` // turns with exactly one analysis
	Statuses int `json:"statuses"` // with exactly one row
	Ended    int `json:"conversations_ended"`
	OptedOut int `json:"opted_out"`
}

// Streamed is what a screen saw.
type Streamed struct {
	Turns      int `json:"turns"` // seen exactly once
	None       int `json:"turns_missing"`
	Several    int `json:"turns_more_than_once"`
	Advice     int `json:"alerts_and_suggestions"`
	ChatShown  int `json:"chat_answers_shown"` // to the visitors
	ChatToShow int `json:"chat_answers_written"`
}

// Latency is from just before a message is sent until its analysis is on the
// stream, in milliseconds.
type Latency struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// RuleReport is a rule of the policy: conversations that must make it fire, those
// of them that did, and customers for whom it fired besides.
type RuleReport struct {
	Rule     string `json:"rule"`
	Expected int    `json:"expected"`
	Fired    int    `json:"fired"`
	Also     int    `json:"also"`
}

// Redacted counts the planted secrets of a type and those that were taken out.
type Redacted struct {
	Planted  int `json:"planted"`
	TakenOut int `json:"taken_out"`
}

// Secrets tells of the search for what must be nowhere.
type Secrets struct {
	Planted int    `json:"planted"`
	Found   int    `json:"found"`
	Leaks   []Leak `json:"leaks"`
	Bytes   int64  `json:"disk_bytes_searched"`
}

// Leak is a place where a secret was found.
type Leak struct {
	Where string `json:"where"`
	Times int    `json:"times"`
}

// judge compares what was sent with what was found.
func judge(d day, l *ledger, f findings) Report {
	j := &judging{day: d, sent: l.sent(), found: f}
	l.mu.Lock()
	j.report.Sent.counts = l.counts
	j.statuses, j.changes, j.advice, j.shown = maps.Clone(l.statuses), maps.Clone(l.changes), maps.Clone(l.advice), maps.Clone(l.shown)
	j.contexts = slices.Clone(l.contexts)
	j.played, j.streamLeaks = maps.Clone(l.played), l.leaked
	l.mu.Unlock()
	j.report.Missing = []string{}
	j.messages()
	j.stored()
	j.streamed()
	j.latency()
	j.lives()
	j.calls()
	j.rules()
	j.journeys()
	j.redaction()
	j.secrets()
	j.report.OK = len(j.report.Missing) == 0
	return j.report
}

type judging struct {
	day         day
	sent        []message
	found       findings
	statuses    map[status]int
	changes     map[change]int
	advice      map[string]int
	shown       map[string]int
	contexts    []pushed
	played      map[string]bool
	streamLeaks int
	report      Report
}

func (j *judging) miss(format string, args ...any) {
	j.report.Missing = append(j.report.Missing, fmt.Sprintf(format, args...))
}

// short notes that fewer than all are as they must be.
func (j *judging) short(n, of int, what string) {
	if n != of {
		j.miss("%d of %d %s", of-n, of, what)
	}
}

func (j *judging) messages() {
	s := &j.report.Sent
	s.Channels, s.Changes = map[event.Channel]map[event.Kind]int{}, map[event.Change]int{}
	people, conversations, expected := map[string]bool{}, map[string]bool{}, 0
	for _, c := range j.day.Conversations {
		for _, step := range c.Steps {
			if step.said() {
				expected++
			}
		}
	}
	for _, m := range j.sent {
		s.Messages++
		if m.Accepted {
			s.Accepted++
		}
		if s.Channels[m.Channel] == nil {
			s.Channels[m.Channel] = map[event.Kind]int{}
		}
		s.Channels[m.Channel][m.Kind]++
		people[m.Person], conversations[m.Conversation] = true, true
	}
	for _, n := range j.statuses {
		s.Statuses += n
	}
	for c, n := range j.changes {
		s.Changes[c.Change] += n
	}
	s.Customers, s.Conversations = len(people), len(conversations)
	j.short(s.Messages, expected, "messages of the script were not sent")
	j.short(s.Accepted, s.Messages, "messages were not accepted")
}

// stored counts rows: one for each message, one analysis for each row.
func (j *judging) stored() {
	s := &j.report.Stored
	rows, turns := map[string]int{}, map[string]string{}
	kinds := map[string]string{}
	for _, r := range j.found.turns {
		rows[r.Provider]++
		turns[r.Provider], kinds[r.Provider] = r.ID, r.Kind
	}
	other, analysed := 0, 0
	for _, m := range j.sent {
		switch rows[m.ID] {
		case 0:
			s.None++
			continue
		case 1:
			s.Turns++
		default:
			s.Several++
		}
		if kinds[m.ID] != string(m.Kind) {
			other++
		}
		switch n := j.found.features[turns[m.ID]]; {
		case n == 1:
			s.Features++
			analysed++
		case n > 1:
			j.miss("a turn of %s is analysed %d times", m.Conversation, n)
		}
		delete(rows, m.ID)
	}
	for range rows {
		s.Several++ // a row that nobody sent
	}
	if s.None > 0 {
		j.miss("%d of %d messages are not in ClickHouse", s.None, len(j.sent))
	}
	if s.Several > 0 {
		j.miss("%d messages are in ClickHouse more than once, or were never sent", s.Several)
	}
	if other > 0 {
		j.miss("%d messages are stored as another kind", other)
	}
	j.short(analysed, len(j.sent), "messages have no analysis in ClickHouse")
	for st := range j.statuses {
		switch n := j.found.statuses[status{turns[st.Message], st.Status}]; {
		case n == 1:
			s.Statuses++
		case n > 1:
			j.miss("a status %q is in ClickHouse %d times", st.Status, n)
		}
	}
	j.short(s.Statuses, len(j.statuses), "delivery statuses are not in ClickHouse once")
}

func (j *judging) streamed() {
	s := &j.report.Streamed
	for _, m := range j.sent {
		switch m.Times {
		case 0:
			s.None++
		case 1:
			s.Turns++
		default:
			s.Several++
		}
		if m.Channel == event.WebChat && m.Role != event.Customer {
			s.ChatToShow++
			if j.shown[m.ID] == 1 {
				s.ChatShown++
			}
		}
	}
	if s.None > 0 {
		j.miss("%d of %d turns were not seen on the stream", s.None, len(j.sent))
	}
	if s.Several > 0 {
		j.miss("%d turns were seen on the stream more than once", s.Several)
	}
	if n := j.report.Sent.Resets; n > 0 {
		j.miss("the stream could not be resumed %d times", n)
	}
	for _, a := range j.found.advice {
		if j.advice[a.ID] == 1 {
			s.Advice++
		}
	}
	j.short(s.Advice, len(j.found.advice), "alerts and suggestions were not seen on the stream once")
	j.short(s.ChatShown, s.ChatToShow, "answers in chats were not shown to the visitor once")
}

func (j *judging) latency() {
	var took []float64
	for _, m := range j.sent {
		if m.Times > 0 {
			took = append(took, float64(m.Took)/float64(time.Millisecond))
		}
	}
	slices.Sort(took)
	if len(took) == 0 {
		return
	}
	j.report.Latency = Latency{P50: round1(percentile(took, 50)), P99: round1(percentile(took, 99)), Max: round1(took[len(took)-1])}
}

// percentile is the nearest rank of sorted values.
func percentile(sorted []float64, p float64) float64 {
	return sorted[max(0, int(math.Ceil(p/100*float64(len(sorted))))-1)]
}

func round1(f float64) float64 { return math.Round(f*10) / 10 }

// lives looks at what became of each conversation: it started once, everything
// that was told of it is there, and it ended once.
func (j *judging) lives() {
	interactions := map[string]string{}
	for _, m := range j.sent {
		if m.Interaction != "" {
			interactions[m.Conversation] = m.Interaction
		}
	}
	strayed := 0
	for _, m := range j.sent {
		if m.Interaction != "" && m.Interaction != interactions[m.Conversation] {
			strayed++
		}
	}
	if strayed > 0 {
		j.miss("%d messages are in another interaction than the rest of their conversation", strayed)
	}
	n := func(conversation string, c event.Change) int {
		return j.found.changes[[2]string{interactions[conversation], string(c)}]
	}
	for _, c := range j.day.Conversations {
		if started := n(c.ID, event.Started); started != 1 {
			j.miss("%s started %d times", c.ID, started)
		}
		switch ended := n(c.ID, event.Ended); ended {
		case 1:
			j.report.Stored.Ended++
		default:
			j.miss("%s ended %d times", c.ID, ended)
		}
	}
	for c, sent := range j.changes {
		if found := n(c.Conversation, c.Change); c.Change != event.Ended && found != sent {
			j.miss("%s: %d of %d changes %q are in ClickHouse", c.Conversation, found, sent, c.Change)
		}
	}
	slices.Sort(j.report.Missing)
}

// customers are those of a person's messages.
func (j *judging) customers(person string) map[string]bool {
	c := map[string]bool{}
	for _, m := range j.sent {
		if m.Person == person && m.Customer != "" {
			c[m.Customer] = true
		}
	}
	return c
}

func (j *judging) rules() {
	fired := map[string]map[string]bool{} // rule → customers
	for _, a := range j.found.advice {
		if fired[a.Rule] == nil {
			fired[a.Rule] = map[string]bool{}
		}
		fired[a.Rule][a.Customer] = true
	}
	reports := map[string]*RuleReport{}
	report := func(rule string) *RuleReport {
		if reports[rule] == nil {
			reports[rule] = &RuleReport{Rule: rule}
		}
		return reports[rule]
	}
	wanted := map[string]map[string]bool{}
	for _, c := range j.day.Conversations {
		for _, rule := range c.Expect {
			r := report(rule)
			r.Expected++
			if wanted[rule] == nil {
				wanted[rule] = map[string]bool{}
			}
			did := false
			for customer := range j.customers(c.Who) {
				wanted[rule][customer] = true
				did = did || fired[rule][customer]
			}
			if did {
				r.Fired++
			} else {
				j.miss("rule %s did not fire in %s", rule, c.ID)
			}
		}
	}
	for rule, customers := range fired {
		r := report(rule)
		for customer := range customers {
			if !wanted[rule][customer] {
				r.Also++
			}
		}
	}
	j.report.Rules = make([]RuleReport, 0, len(reports))
	for _, rule := range slices.Sorted(maps.Keys(reports)) {
		j.report.Rules = append(j.report.Rules, *reports[rule])
	}
}

// redaction compares, turn by turn, the types that were planted with those that
// were taken out.
func (j *judging) redaction() {
	j.report.Redaction = map[string]Redacted{}
	taken := map[string][]string{}
	for _, r := range j.found.turns {
		taken[r.Provider] = slices.Clone(r.Redacted)
	}
	for _, m := range j.sent {
		for _, s := range m.Secrets {
			j.report.Secrets.Planted++
			r := j.report.Redaction[s.Type]
			r.Planted++
			if i := slices.Index(taken[m.ID], s.Type); i >= 0 {
				r.TakenOut++
				taken[m.ID] = slices.Delete(taken[m.ID], i, i+1)
			}
			j.report.Redaction[s.Type] = r
		}
	}
	for _, t := range slices.Sorted(maps.Keys(j.report.Redaction)) {
		r := j.report.Redaction[t]
		j.short(r.TakenOut, r.Planted, "planted "+t+" were not marked as taken out")
	}
}

func (j *judging) secrets() {
	s := &j.report.Secrets
	s.Leaks, s.Bytes = append([]Leak{}, j.found.leaks...), j.found.searched
	if j.streamLeaks > 0 {
		s.Leaks = append(s.Leaks, Leak{Where: "stream", Times: j.streamLeaks})
	}
	for _, l := range s.Leaks {
		s.Found += l.Times
		j.miss("planted secrets were found in %s, %d times", l.Where, l.Times)
	}
}
