package assist

import (
	"slices"
	"sync"
	"time"

	"throughline/event"
	"throughline/moment"
)

const (
	// hearing is how late the words of a turn may come after they were said.
	hearing = 15 * time.Second
	// mending is how long after its deadline a disclosure can still be found to
	// have been made in time.
	mending = time.Hour
	// kept is how many words back a phrase may have begun.
	kept = 2 * maxWords
)

// owed is a disclosure that an interaction waits for, or waited for lately.
type owed struct {
	event.Disclosure
	say   [][]string
	heard []string
}

// ledger holds what is owed by the interactions of one partition. It is safe for
// concurrent use.
type ledger struct {
	mu            sync.Mutex
	byID          map[string]*owed
	byInteraction map[string][]*owed
}

func newLedger() *ledger {
	return &ledger{byID: map[string]*owed{}, byInteraction: map[string][]*owed{}}
}

// put notes d, or what became of it.
func (l *ledger) put(d event.Disclosure) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if o := l.byID[d.ID]; o != nil {
		o.Disclosure = d
		return
	}
	o := &owed{Disclosure: d}
	for _, phrase := range d.Say {
		o.say = append(o.say, heard(phrase))
	}
	l.byID[d.ID] = o
	l.byInteraction[d.Interaction] = append(l.byInteraction[d.Interaction], o)
}

// hear takes in words of the centre's side, and gives what they have met.
func (l *ledger) hear(interaction, turn, text string, role event.Role, at time.Time) []event.Disclosure {
	if role == event.Customer || text == "" {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var met []event.Disclosure
	for _, o := range l.byInteraction[interaction] {
		if o.State == event.DisclosureMet || at.After(o.Due) {
			continue
		}
		o.heard = append(o.heard, heard(text)...)
		if slices.ContainsFunc(o.say, func(phrase []string) bool { return said(o.heard, phrase) }) {
			o.State, o.Turn, o.Said, o.heard = event.DisclosureMet, turn, at, nil
			met = append(met, o.Disclosure)
			continue
		}
		o.heard = slices.Clone(o.heard[max(0, len(o.heard)-kept):])
	}
	return met
}

// pass settles what a change of an interaction shows to be over: something that
// came well after the deadline, or the end before it.
func (l *ledger) pass(m *moment.Moment) []event.Disclosure {
	l.mu.Lock()
	defer l.mu.Unlock()
	var settled []event.Disclosure
	for _, o := range l.byInteraction[m.Interaction.ID] {
		if o.State != event.DisclosureRequired {
			continue
		}
		switch {
		case m.Now.After(o.Due.Add(hearing)):
			o.State = event.DisclosureMissed
		case m.Interaction.Ended && m.Now.Before(o.Due):
			o.State = event.DisclosureVoid
		default:
			continue
		}
		settled = append(settled, o.Disclosure)
	}
	return settled
}

// overdue tells whether the clock alone would settle something now.
func (l *ledger) overdue(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, o := range l.byID {
		if o.State == event.DisclosureRequired && now.After(o.Due.Add(hearing)) {
			return true
		}
	}
	return false
}

// expire settles what the clock alone shows to be missed.
func (l *ledger) expire(now time.Time) []event.Disclosure {
	l.mu.Lock()
	defer l.mu.Unlock()
	var missed []event.Disclosure
	for _, o := range l.byID {
		if o.State == event.DisclosureRequired && now.After(o.Due.Add(hearing)) {
			o.State = event.DisclosureMissed
			missed = append(missed, o.Disclosure)
		}
	}
	slices.SortFunc(missed, func(a, b event.Disclosure) int { return a.Due.Compare(b.Due) })
	return missed
}

// forget lets go of what can no longer change.
func (l *ledger) forget(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, o := range l.byID {
		if o.State == event.DisclosureRequired || now.Before(o.Due.Add(mending)) {
			continue
		}
		delete(l.byID, id)
		rest := slices.DeleteFunc(l.byInteraction[o.Interaction], func(x *owed) bool { return x == o })
		if len(rest) == 0 {
			delete(l.byInteraction, o.Interaction)
		} else {
			l.byInteraction[o.Interaction] = rest
		}
	}
}

// missedAlert tells a supervisor that o was not said. Its id is o's own, so it
// is told once however often it is found out.
func missedAlert(o event.Disclosure) event.Alert {
	return event.Alert{ID: event.ID("a", o.ID, string(event.DisclosureMissed)), Tenant: o.Tenant, Customer: o.Customer, Journey: o.Journey,
		Interaction: o.Interaction, Channel: o.Channel, At: o.Due, Severity: o.Severity, Title: o.Title, Action: event.ActionDisclose, Due: o.Due, Rule: o.Rule}
}
