package ingest

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"throughline/event"
	"throughline/governance"
)

// Parts is what an Intake is made of. Metrics may be nil, everything else is
// required.
type Parts struct {
	Sessions *Sessions
	Gate     *governance.Gate
	Bus      Publisher
	Metrics  prometheus.Registerer
}

// Intake is the one door by which messages enter. It is safe for concurrent use.
type Intake struct {
	sessions *Sessions
	gate     *governance.Gate
	bus      Publisher
	metrics  *metrics
	locks    stripes
	heard    []func(event.Turn)
}

// NewIntake makes an Intake; its Sessions must be run by the caller.
func NewIntake(p Parts) (*Intake, error) {
	if p.Sessions == nil || p.Gate == nil || p.Bus == nil {
		return nil, errors.New("ingest intake: Sessions, Gate and Bus are required")
	}
	return &Intake{sessions: p.Sessions, gate: p.Gate, bus: p.Bus,
		metrics: newMetrics(p.Metrics, p.Sessions), locks: newStripes()}, nil
}

// Sessions is what the Intake knows of open interactions.
func (n *Intake) Sessions() *Sessions { return n.sessions }

// Hear adds a function that is given every new turn as it was said, before it is
// cleared and stored, for the live conversation only: what it sees may not be
// kept. It must be called before the first Accept.
func (n *Intake) Hear(f func(event.Turn)) { n.heard = append(n.heard, f) }

// Accept stores arrivals, in one publish, and returns when Kafka has
// acknowledged all of them; the receipts are in the order of the arrivals.
// After an error they may be stored or not, and are to be sent again: ids are
// deterministic. An *ArrivalError means that no retry will help.
//
// What was handed to Kafka is seen through to its end even where ctx ends
// first, and its customers wait for that: sent again it is found stored, and
// does not stand on the topics twice.
func (n *Intake) Accept(ctx context.Context, arrivals ...Arrival) ([]Receipt, error) {
	if !n.sessions.isReady() {
		return nil, ErrNotReady
	}
	unlock, err := n.locks.lock(ctx, n.keys(arrivals))
	if err != nil {
		return nil, fmt.Errorf("wait for the customer's earlier messages: %w", err)
	}
	p, err := n.plan(ctx, arrivals)
	if err != nil {
		unlock()
		return nil, err
	}
	stored := make(chan error, 1)
	go func() {
		defer unlock()
		stored <- n.store(context.WithoutCancel(ctx), p)
	}()
	select {
	case err = <-stored:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("store arrivals: %w", err)
	}
	for i, a := range arrivals {
		outcome := "stored"
		if p.receipts[i].Duplicate {
			outcome = "duplicate"
		}
		n.metrics.arrived(a, outcome)
	}
	return p.receipts, nil
}

// plan decides what arrivals mean, and changes nothing yet.
func (n *Intake) plan(ctx context.Context, arrivals []Arrival) (*plan, error) {
	p := &plan{intake: n, now: n.sessions.cfg.Now(), fresh: map[string]string{}, opened: map[string]string{}}
	for i, a := range arrivals {
		r, err := p.add(ctx, a)
		if errors.Is(err, ErrNotOpen) || errors.Is(err, ErrNobody) {
			n.metrics.arrived(a, "refused")
			return nil, &ArrivalError{Index: i, Err: err}
		}
		if err != nil {
			return nil, err
		}
		p.receipts = append(p.receipts, r)
	}
	return p, nil
}

// store publishes a plan and notes what it changed. A consent goes before the
// words that gave it: once those are known, nobody looks at them again.
func (n *Intake) store(ctx context.Context, p *plan) error {
	for _, t := range p.raw {
		for _, f := range n.heard {
			f(t)
		}
	}
	if err := n.bus.Publish(ctx, p.facts...); err != nil {
		return err
	}
	if err := n.bus.Publish(ctx, p.msgs...); err != nil {
		return err
	}
	p.commit()
	return nil
}

// keys names what each arrival must have to itself while it is placed and
// stored: the thread it joins, the interaction it names, or its customer.
func (n *Intake) keys(arrivals []Arrival) []string {
	keys := make([]string, 0, len(arrivals))
	for _, a := range arrivals {
		named := ""
		switch {
		case a.Turn != nil:
			named = a.Turn.Interaction
		case a.Change != nil:
			named = a.Change.Interaction
		case a.Consent != nil:
			named = a.Consent.Customer
		case a.Identity != nil:
			named = a.Identity.Customer
		}
		if named == "" {
			named = threadKey(a.Tenant, a.Channel, a.Account, a.customer())
		}
		keys = append(keys, named)
	}
	return keys
}

func (a Arrival) customer() string {
	if len(a.Person.Handles) == 0 {
		return ""
	}
	return event.CustomerID(a.Tenant, a.Person.Handles[0])
}

// stripes are locks shared by the keys that hash alike. A waiter gives up with
// its context, which a sync.Mutex cannot.
type stripes struct {
	seed  maphash.Seed
	slots [1024]chan struct{}
}

func newStripes() stripes {
	s := stripes{seed: maphash.MakeSeed()}
	for i := range s.slots {
		s.slots[i] = make(chan struct{}, 1)
	}
	return s
}

// lock takes the stripes of all keys, in one order for everybody so that two
// callers cannot wait for each other.
func (s *stripes) lock(ctx context.Context, keys []string) (unlock func(), err error) {
	want := make([]int, len(keys))
	for i, k := range keys {
		want[i] = int(maphash.String(s.seed, k) % uint64(len(s.slots)))
	}
	slices.Sort(want)
	want = slices.Compact(want)
	held := 0
	unlock = func() {
		for _, w := range want[:held] {
			<-s.slots[w]
		}
	}
	for _, w := range want {
		select {
		case s.slots[w] <- struct{}{}:
			held++
		case <-ctx.Done():
			unlock()
			return nil, ctx.Err()
		}
	}
	return unlock, nil
}
