package governance

import (
	"slices"
	"time"

	"throughline/event"
)

// maxKin bounds how many addresses of one person are looked at.
const maxKin = 64

// link is the last that was said of two customers being one person.
type link struct {
	at  time.Time // of the merge
	not time.Time // of its undo
}

// Join takes in who is who, in any order and any number of times: what somebody
// allows or refuses holds for every address that is theirs.
func (l *Ledger) Join(i event.Identity) error {
	if !i.Released && (i.Into == "" || i.Into == i.Customer) {
		return nil // a handle or a name
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	who, other := i.Tenant+"/"+i.Customer, i.Tenant+"/"+i.Into
	if i.Released {
		if i.At.After(l.released[who]) {
			l.released[who] = i.At
		}
		return nil
	}
	known, joined := l.links[who][other]
	if !joined && len(l.links) >= l.most {
		l.full = true
		return ErrLedgerFull
	}
	if i.Undo {
		known.not = latest(known.not, i.At)
	} else {
		known.at = latest(known.at, i.At)
	}
	l.link(who, other, known)
	l.link(other, who, known)
	return nil
}

func (l *Ledger) link(a, b string, k link) {
	if l.links[a] == nil {
		l.links[a] = map[string]link{}
	}
	l.links[a][b] = k
}

// kin are all addresses of the person behind one, that one first. A merge from
// before an address passed to somebody else is about the person who had it.
func (l *Ledger) kin(who string) []string {
	all := []string{who}
	for k := 0; k < len(all) && len(all) < maxKin; k++ {
		for other, link := range l.links[all[k]] {
			holds := link.at.After(link.not) && link.at.After(l.released[all[k]]) && link.at.After(l.released[other])
			if holds && !slices.Contains(all, other) {
				all = append(all, other)
			}
		}
	}
	return all
}

// said is the latest word of a person on a purpose on one channel, by any of
// their addresses.
func (l *Ledger) said(kin []string, purpose event.Purpose, channel event.Channel) (word answer, said bool) {
	for _, who := range kin {
		if a, ok := l.held[who+"/"+string(purpose)+"/"+string(channel)]; ok && (!said || a.over(word)) {
			word, said = a, true
		}
	}
	return word, said
}

// lives is where a person lives, by the latest word on it.
func (l *Ledger) lives(kin []string) string {
	var newest place
	for _, who := range kin {
		if p, ok := l.places[who]; ok && (newest.name == "" || p.over(newest)) {
			newest = p
		}
	}
	return newest.name
}

func (p place) over(q place) bool { return p.at.After(q.at) || p.at.Equal(q.at) && p.id > q.id }

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
