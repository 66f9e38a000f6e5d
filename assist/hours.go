package assist

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // zones must be the same wherever a rule is decided
	"unicode"
)

// hours are times of the week in a zone: "mon-fri 09:00-18:00 Europe/Berlin".
// An end at or before the begin is on the next day.
type hours struct {
	days     [7]bool // by time.Weekday
	from, to int     // minutes of the day
	zone     *time.Location
}

// calendar keeps the hours that were parsed: a rule asks for the same every time.
type calendar struct {
	mu   sync.Mutex
	seen map[string]hours
}

// hours parses s, once for each of the first so many.
func (c *calendar) hours(s string) (hours, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if h, ok := c.seen[s]; ok {
		return h, nil
	}
	h, err := parseHours(s)
	if err == nil && len(c.seen) < 256 {
		c.seen[s] = h
	}
	return h, err
}

func parseHours(s string) (hours, error) {
	wrong := func(what string) (hours, error) {
		return hours{}, fmt.Errorf("%s: write hours as \"mon-fri 09:00-18:00 Europe/Berlin\"", what)
	}
	parts := strings.Fields(s)
	if len(parts) != 3 {
		return wrong("hours are days, times and a time zone")
	}
	var h hours
	weekdays := []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} // as time.Weekday counts
	for _, span := range strings.Split(strings.ToLower(parts[0]), ",") {
		first, last, ranged := strings.Cut(span, "-")
		if !ranged {
			last = first
		}
		from, to := slices.Index(weekdays, first), slices.Index(weekdays, last)
		if from < 0 || to < 0 {
			return wrong(fmt.Sprintf("%q is no day of the week", span))
		}
		for d := from; ; d = (d + 1) % 7 {
			h.days[d] = true
			if d == to {
				break
			}
		}
	}
	begin, end, _ := strings.Cut(parts[1], "-")
	from, err := time.Parse("15:04", begin)
	if err != nil {
		return wrong(fmt.Sprintf("%q is no time of day", begin))
	}
	to, err := time.Parse("15:04", end)
	if err != nil && end != "24:00" {
		return wrong(fmt.Sprintf("%q is no time of day", end))
	}
	h.from, h.to = from.Hour()*60+from.Minute(), to.Hour()*60+to.Minute()
	if end == "24:00" {
		h.to = 24 * 60
	}
	if h.zone, err = time.LoadLocation(parts[2]); err != nil || parts[2] == "Local" {
		return wrong(fmt.Sprintf("%q is no time zone", parts[2]))
	}
	return h, nil
}

func (h hours) holds(t time.Time) bool {
	t = t.In(h.zone)
	minute, day := t.Hour()*60+t.Minute(), t.Weekday()
	if h.from < h.to {
		return h.days[day] && minute >= h.from && minute < h.to
	}
	return h.days[day] && minute >= h.from || h.days[(day+6)%7] && minute < h.to
}

func wordly(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)
}
