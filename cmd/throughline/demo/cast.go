package demo

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	"throughline/event"
)

// cast is who plays the day this time. Ids, handles and order numbers hang on
// run, so that every round has customers of its own.
type cast struct {
	run    string // in every id; letters and digits
	round  int
	people map[string]player
}

// player is somebody in a round.
type player struct {
	name, first  string
	phone, mail  string
	order        string
	whatsAppUser string // business-scoped user id
}

// newCast makes the people of a round that begins at a moment.
func newCast(d day, at time.Time, round int) cast {
	c := cast{run: "d" + strconv.FormatInt(at.UnixMicro(), 36), round: round, people: map[string]player{}}
	for i, p := range d.People {
		seed := uint64(at.UnixMilli())*uint64(len(d.People)) + uint64(i)
		name := p.Names[(int(at.Unix()/86400)+round+i)%len(p.Names)]
		first, _, _ := strings.Cut(name, " ")
		c.people[p.ID] = player{
			name: name, first: first,
			phone: fill(p.Phone, seed), mail: fill(strings.ReplaceAll(p.Mail, "{first}", ascii(first)), seed),
			order:        fmt.Sprintf("LF-%05d", 10000+seed%90000),
			whatsAppUser: "US." + event.ID("", c.run, p.ID)[1:],
		}
	}
	return c
}

// fill puts digits in the place of #. They follow the seed, spread so that two
// rounds do not look alike.
func fill(pattern string, seed uint64) string {
	n := strings.Count(pattern, "#")
	if n == 0 {
		return pattern
	}
	size := uint64(1)
	for range n {
		size *= 10
	}
	left := fmt.Sprintf("%0*d", n, (seed*7_368_787)%size) // ends in 7, so no two seeds below size meet
	return strings.Map(func(r rune) rune {
		if r != '#' {
			return r
		}
		d := left[0]
		left = left[1:]
		return rune(d)
	}, pattern)
}

// ascii is a first name as people put it into a mail address.
func ascii(name string) string {
	name = strings.NewReplacer("ü", "ue", "ö", "oe", "ä", "ae", "ß", "ss", "í", "i", "é", "e", "á", "a", "ó", "o").Replace(strings.ToLower(name))
	return strings.Map(func(r rune) rune {
		if r < 'a' || r > 'z' {
			return -1
		}
		return r
	}, name)
}

// words is what a step says in this round.
func (p player) words(says string) (string, []secret) {
	says = strings.NewReplacer("{name}", p.first, "{order}", p.order, "{mail}", p.mail).Replace(says)
	text, secrets, _ := plant(strings.TrimRight(says, "\n")) // parseDay has checked the marks
	return text, secrets
}

// messageID is the provider's id of step i of a conversation, in the form that
// its provider gives.
func (c cast) messageID(of conversation, i int) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(of.ID))
	n := fmt.Sprintf("%s%08x%02d", c.run, h.Sum32(), i)
	switch of.Channel {
	case event.WhatsApp:
		return "wamid.HBgL" + n
	case event.Email:
		return "<" + n + "@mail.example>"
	case event.SMS:
		return "SM" + n
	}
	return n
}
