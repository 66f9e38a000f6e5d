package demo

import (
	"context"
	"slices"
	"sync"
	"time"

	"throughline/event"
)

// message is one thing that was said, and what became of it.
type message struct {
	ID           string // the provider's
	Conversation string
	Person       string
	Channel      event.Channel
	Kind         event.Kind
	Role         event.Role
	Secrets      []secret

	Sent     time.Time // just before it was given away
	Accepted bool      // answered 2xx, or acknowledged
	Times    int       // seen on the stream
	Took     time.Duration

	Turn, Interaction, Customer string // as the stream or the answer names them
}

// ledger knows everything that was sent in a round and was heard of since. It
// is safe for concurrent use.
type ledger struct {
	mu       sync.Mutex
	messages map[string]*message
	order    []string
	placed   map[string]chan struct{} // by provider id; closed when the interaction is known
	statuses map[status]int           // sent
	changes  map[change]int           // sent
	advice   map[string]int           // alerts and suggestions on the stream, by id
	spoken   map[string]bool          // interactions with a turn on the stream
	contexts []pushed                 // that came before the first word, and told of something before
	shown    map[string]int           // what agents wrote into a chat, by provider id, as it reached the visitor
	played   map[string]bool          // calls, by id of the script: to their end
	counts   counts
	needles  []string
	leaked   int // events of the stream that held a secret
}

// status is what a provider says of one of our messages.
type status struct{ Message, Status string }

// change is what a centre's own system says of an interaction.
type change struct {
	Conversation string
	Change       event.Change
}

// counts are what happened on the way.
type counts struct {
	Requests    int `json:"requests"`
	Retried     int `json:"retried"`
	Refused     int `json:"refused"`
	Redelivered int `json:"redelivered"`
	Reconnected int `json:"stream_reconnected"`
	Resets      int `json:"stream_resets"`
}

func newLedger() *ledger {
	return &ledger{messages: map[string]*message{}, placed: map[string]chan struct{}{}, statuses: map[status]int{},
		changes: map[change]int{}, advice: map[string]int{}, spoken: map[string]bool{}, shown: map[string]int{}, played: map[string]bool{}}
}

// sending notes that m goes out now.
func (l *ledger) sending(m message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.messages[m.ID] != nil {
		return // delivered again
	}
	m.Sent = time.Now()
	l.messages[m.ID] = &m
	l.order = append(l.order, m.ID)
	l.placed[m.ID] = make(chan struct{})
	for _, s := range m.Secrets {
		l.needles = append(l.needles, s.needles()...)
	}
}

// accepted notes that m was taken, and where, if the answer told.
func (l *ledger) accepted(id, turn, interaction, customer string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m := l.messages[id]; m != nil {
		m.Accepted = true
		l.place(m, turn, interaction, customer)
	}
}

// place fills in what became known. The caller holds mu.
func (l *ledger) place(m *message, turn, interaction, customer string) {
	if turn != "" {
		m.Turn = turn
	}
	if customer != "" {
		m.Customer = customer
	}
	if interaction != "" && m.Interaction == "" {
		m.Interaction = interaction
		close(l.placed[m.ID])
	}
}

// pushed is the context of a customer as it came for an interaction.
type pushed struct {
	Customer     string        `json:"customer"`
	Interaction  string        `json:"interaction"`
	Channel      event.Channel `json:"channel"`
	Open         []struct{}    `json:"open"` // intents
	Interactions []struct{}    `json:"interactions"`
}

// told notes a context that an agent can use: it came before the first word, and
// tells what is open from before.
func (l *ledger) told(c pushed) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.spoken[c.Interaction] && len(c.Interactions) > 1 && len(c.Open) > 0 {
		l.contexts = append(l.contexts, c)
	}
}

// seen notes a turn on the stream.
func (l *ledger) seen(t event.Turn, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.spoken[t.Interaction] = true
	m := l.messages[t.Provider]
	if m == nil {
		return // somebody else's
	}
	if m.Times++; m.Times == 1 {
		m.Took = at.Sub(m.Sent)
	}
	l.place(m, t.ID, t.Interaction, t.Customer)
}

// advised notes an alert or a suggestion on the stream.
func (l *ledger) advised(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.advice[id]++
}

// showed notes that a visitor's page got what an agent wrote.
func (l *ledger) showed(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shown[id]++
}

// unshown counts the answers in a chat that the visitor has not got.
func (l *ledger) unshown(conversation string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, m := range l.messages {
		if m.Conversation == conversation && m.Role != event.Customer && l.shown[id] == 0 {
			n++
		}
	}
	return n
}

// watch searches what came by on the stream.
func (l *ledger) watch(raw []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range l.needles {
		if containsText(raw, n) {
			l.leaked++
			return
		}
	}
}

// rang notes that a call was played to its end.
func (l *ledger) rang(call string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.played[call] = true
}

func (l *ledger) count(f func(*counts)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(&l.counts)
}

func (l *ledger) sentStatus(message, name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.statuses[status{message, name}]++
}

func (l *ledger) sentChange(conversation string, c event.Change) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changes[change{conversation, c}]++
}

// interaction waits until it is known which interaction a message belongs to: a
// webhook's answer does not tell, the stream does.
func (l *ledger) interaction(ctx context.Context, id string) (string, error) {
	l.mu.Lock()
	placed := l.placed[id]
	l.mu.Unlock()
	select {
	case <-placed:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.messages[id].Interaction, nil
}

// sent lists the messages in the order in which they went out.
func (l *ledger) sent() []message {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]message, 0, len(l.order))
	for _, id := range l.order {
		m := *l.messages[id]
		m.Secrets = slices.Clone(m.Secrets)
		all = append(all, m)
	}
	return all
}
