package summary

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"throughline/event"
)

// Extractor chooses sentences of the conversation itself.
type Extractor struct {
	Like  Likeness
	Model string // name of the model of texts behind Like
}

// How many sentences of a part are told at most, and from how many words on a
// sentence tells something.
const (
	maxDetail   = 1
	maxDone     = 1
	maxPromised = 2
	maxOpen     = 2
	fewest      = 4
	// felt is how far from neutral (−1 to 1) last words tell how the customer left.
	felt = 0.3
)

// Summarise chooses the sentences. A conversation without words has none.
func (e Extractor) Summarise(ctx context.Context, c Conversation) (Summary, error) {
	s := Summary{Of: c.ID, Sentences: []Sentence{}, State: c.State, Why: c.Why, Resolved: c.Resolved, By: ByExtract, Model: e.Model, Made: time.Now().UTC()}
	for _, f := range c.Turns {
		if readable(f.Turn) {
			s.Turns++
		}
		if f.Turn.Role == event.Customer && f.Sentiment != nil {
			s.Sentiment = &f.Sentiment.Score
		}
	}
	all := candidates(c.Turns)
	if len(all) == 0 {
		return s, nil
	}
	r, err := rank(ctx, all, e.Like)
	if err != nil {
		return s, err
	}
	p := picker{conversation: c, all: all, ranking: r}
	p.pick()
	for _, t := range p.taken {
		f := c.Turns[all[t.at].turn]
		s.Sentences = append(s.Sentences, Sentence{Part: t.part, Text: all[t.at].text, Turn: f.Turn.ID, Role: f.Turn.Role, At: f.Turn.At, Open: t.open, order: t.at})
	}
	slices.SortStableFunc(s.Sentences, func(a, b Sentence) int {
		return cmp.Or(cmp.Compare(slices.Index(parts(), a.Part), slices.Index(parts(), b.Part)), cmp.Compare(a.order, b.order))
	})
	s.Text = paragraph(s.InOrder())
	return s, nil
}

// InOrder are the sentences as they came in the conversation.
func (s Summary) InOrder() []Sentence {
	all := slices.Clone(s.Sentences)
	slices.SortStableFunc(all, func(a, b Sentence) int { return cmp.Compare(a.order, b.order) })
	return all
}

// paragraph joins sentences, and says who speaks wherever that changes.
func paragraph(all []Sentence) string {
	var b strings.Builder
	for i, s := range all {
		if i > 0 {
			b.WriteByte(' ')
		}
		if name := who(s.Role); name != "" && (i == 0 || all[i-1].Role != s.Role) {
			b.WriteString(name + ": ")
		}
		b.WriteString(s.Text)
		if last, _ := utf8.DecodeLastRuneInString(s.Text); unicode.IsLetter(last) || unicode.IsDigit(last) {
			b.WriteByte('.')
		}
	}
	return b.String()
}

// picker takes sentences for one part after the other; a sentence stands once.
type picker struct {
	conversation Conversation
	all          []candidate
	ranking
	taken []pick
}

type pick struct {
	part Part
	at   int
	open bool
}

func (p *picker) pick() {
	p.reason()
	p.promised()
	p.outcome()
	p.open()
	p.more(Done, maxDone, p.answers)
	p.more(Detail, maxDetail, p.told)
}

func (p *picker) places() []int {
	at := make([]int, len(p.taken))
	for i, t := range p.taken {
		at[i] = t.at
	}
	return at
}

func (p *picker) has(i int) bool {
	return slices.ContainsFunc(p.taken, func(t pick) bool { return t.at == i })
}

func (p *picker) take(part Part, i int) bool {
	if i < 0 || p.has(i) {
		return false
	}
	p.taken = append(p.taken, pick{part: part, at: i, open: part == Open})
	return true
}

func (p *picker) customer(i int) bool {
	return p.all[i].role == event.Customer || p.all[i].role == event.UnknownRole
}

// reason is said in the customer's first turn that wants something; where no
// turn has an intent, in the first that has enough words.
func (p *picker) reason() {
	turn := -1
	for i, c := range p.all {
		if p.customer(i) && c.words >= fewest && (turn < 0 || len(p.conversation.Turns[c.turn].Intents) > 0) {
			turn = c.turn
			if len(p.conversation.Turns[turn].Intents) > 0 {
				break
			}
		}
	}
	if turn < 0 {
		turn = p.all[0].turn
	}
	p.take(Reason, p.best(nil, func(i int) bool { return p.all[i].turn == turn }))
}

// promised are the sentences of what the journey holds for promised: of the
// turn, those that share most words with what it is about.
func (p *picker) promised() {
	n := 0
	for _, f := range p.conversation.Promises {
		if n == maxPromised {
			return
		}
		about, most := words(f.About), 0
		shared := func(i int) int { return common(words(p.all[i].text), about) }
		for i := range p.all {
			if p.turnID(i) == f.Turn {
				most = max(most, shared(i))
			}
		}
		if p.take(Promised, p.best(p.places(), func(i int) bool { return p.turnID(i) == f.Turn && shared(i) == most && !p.has(i) })) {
			n++
		}
	}
}

// common counts the words of some that are among others.
func common(some, others []string) (n int) {
	for _, w := range some {
		if slices.Contains(others, w) {
			n++
		}
	}
	return n
}

func (p *picker) turnID(i int) string { return p.conversation.Turns[p.all[i].turn].Turn.ID }

// more takes the n best sentences for which may holds.
func (p *picker) more(part Part, n int, may func(i int) bool) {
	for range n {
		p.take(part, p.best(p.places(), func(i int) bool { return !p.has(i) && p.all[i].words >= fewest && may(i) }))
	}
}

// answers are the centre's sentences that do not ask.
func (p *picker) answers(i int) bool {
	return p.all[i].role != event.Customer && !asks(p.all[i].text)
}

func (p *picker) told(i int) bool { return p.customer(i) }

func asks(text string) bool { return strings.ContainsAny(text, "?؟？") }

// outcome is what the customer said last, where it tells how they felt about it.
func (p *picker) outcome() {
	for i := len(p.all) - 1; i >= 0; i-- {
		if c := p.all[i]; c.role == event.Customer {
			if f := p.conversation.Turns[c.turn]; c.turn > p.all[0].turn && f.Sentiment != nil && math.Abs(f.Sentiment.Score) >= felt {
				p.take(Outcome, p.best(p.places(), func(k int) bool { return p.all[k].turn == c.turn && !p.has(k) && !asks(p.all[k].text) }))
			}
			return
		}
	}
}

// open is the last thing that the customer asked after the centre's last word, and
// the wants said here that the journey holds for open. Where a sentence of their
// turn is told already, it is marked.
func (p *picker) open() {
	n := 0
	for i := len(p.all) - 1; i >= 0 && n == 0 && p.all[i].role == event.Customer; i-- {
		if asks(p.all[i].text) && p.take(Open, i) {
			n++
		}
	}
	for _, w := range p.conversation.Open {
		if n == maxOpen || !w.Closed.IsZero() {
			continue
		}
		if k := slices.IndexFunc(p.taken, func(t pick) bool { return p.turnID(t.at) == w.Turn }); k >= 0 {
			if !p.taken[k].open {
				p.taken[k].open = true
				n++
			}
		} else if p.take(Open, p.best(p.places(), func(i int) bool { return p.turnID(i) == w.Turn })) {
			n++
		}
	}
}
