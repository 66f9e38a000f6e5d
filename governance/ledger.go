package governance

import (
	"errors"
	"sync"
	"time"

	"throughline/event"
)

// ErrLedgerFull says that a consent could not be held. From then on the ledger
// refuses people it does not know: a withdrawal must never be forgotten.
var ErrLedgerFull = errors.New("consent ledger: full, raise governance.consents")

// Ledger holds what people allow and refuse, and which addresses are one
// person's, as the compacted topics of consents and identities tell it. It is safe for concurrent use.
type Ledger struct {
	policy  Policy
	tenants map[string]Policy
	most    int

	mu     sync.RWMutex
	held   map[string]answer // by event.Consent.Key
	places map[string]place  // by tenant and customer
	full   bool

	links    map[string]map[string]link // both ways, by tenant and customer
	released map[string]time.Time       // when an address passed to somebody else
}

type answer struct {
	at      time.Time
	id      string
	allowed bool
}

type place struct {
	at   time.Time
	id   string
	name string
}

// NewLedger makes an empty Ledger.
func NewLedger(c Config) *Ledger {
	most := c.Consents
	if most <= 0 {
		most = DefaultConsents
	}
	return &Ledger{policy: c.Consent, tenants: c.Tenants, most: most, held: map[string]answer{}, places: map[string]place{},
		links: map[string]map[string]link{}, released: map[string]time.Time{}}
}

// Apply takes in one consent, in any order and any number of times: the latest
// by At counts; of two at the same time a refusal, then the higher id.
func (l *Ledger) Apply(c event.Consent) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := c.Key()
	old, known := l.held[key]
	if !known && len(l.held) >= l.most {
		l.full = true
		return ErrLedgerFull
	}
	now := answer{at: c.At, id: c.ID, allowed: c.Allowed}
	if !known || now.over(old) {
		l.held[key] = now
	}
	if c.Jurisdiction != "" {
		who := c.Tenant + "/" + c.Customer
		p := place{at: c.At, id: c.ID, name: c.Jurisdiction}
		if old, ok := l.places[who]; !ok || p.over(old) {
			l.places[who] = p
		}
	}
	return nil
}

func (a answer) over(b answer) bool {
	switch {
	case !a.at.Equal(b.at):
		return a.at.After(b.at)
	case a.allowed != b.allowed:
		return !a.allowed
	default:
		return a.id > b.id
	}
}

// Forget drops the consent of a key, as a tombstone on the topic asks.
func (l *Ledger) Forget(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.held, key)
}

// Allowed tells whether the purpose is allowed for the customer on the channel,
// and why, in words that name nobody. What the person said by any address of
// theirs counts, the latest first. What was said of the channel beats what
// was said of all, unless a later word on all took it back. Where nothing was
// said, the tenant's policy answers.
func (l *Ledger) Allowed(tenant, customer string, purpose event.Purpose, channel event.Channel) (bool, string) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	kin := l.kin(tenant + "/" + customer)
	general, saidGeneral := l.said(kin, purpose, "")
	special, saidSpecial := l.said(kin, purpose, channel)
	if channel == "" {
		saidSpecial = false
	}
	switch {
	case saidSpecial && saidGeneral && !general.allowed && general.at.After(special.at):
		return false, "withdrawn"
	case saidSpecial:
		return special.word("on this channel")
	case saidGeneral:
		return general.word("")
	case l.full:
		return false, "unknown, consent ledger full"
	}
	policy, own := l.tenants[tenant]
	if !own {
		policy = l.policy
	}
	if why, needed := policy.needsYes(purpose, l.lives(kin)); needed {
		return false, why
	}
	return true, "not refused"
}

func (a answer) word(where string) (bool, string) {
	if where != "" {
		where = " " + where
	}
	if a.allowed {
		return true, "given" + where
	}
	return false, "withdrawn" + where
}
