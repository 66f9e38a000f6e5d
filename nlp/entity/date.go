package entity

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"throughline/event"
)

// dates finds days, weeks, months and years. Relative ones are reckoned from at,
// in its zone. Values: "2026-11-22", "2026-W48", "2026-11", "2026". Of "3/4/2026"
// the day comes first, unless the language is American English.
func dates(text string, ws []word, at time.Time, language string) []event.Entity {
	var out []event.Entity
	for i := 0; i < len(ws); {
		if ws[i].hidden {
			i++
			continue
		}
		value, used := numeric(ws[i], language), 1
		if value == "" {
			value, used = named(ws[i:], at)
		}
		if value == "" {
			value, used = relative(ws[i:], at)
			if name, n := dayName(ws[i:]); n > 0 && n == used && past(ws[max(0, i-6):i]) {
				value = turned("last", name, at)
			}
		}
		if value == "" {
			i++
			continue
		}
		out = append(out, made(text, "DATE", ws[i].start, ws[i+used-1].end, value))
		i += used
	}
	return out
}

// numeric reads ISO 8601, year/month/day, day/month/year and day.month.year.
func numeric(w word, language string) string {
	if !w.digits {
		return ""
	}
	if t, err := time.Parse("2006-01-02", w.text); err == nil {
		return t.Format(time.DateOnly)
	}
	parts := strings.FieldsFunc(w.text, func(r rune) bool { return r == '/' || r == '.' || r == '-' })
	if len(parts) != 3 || strings.ContainsAny(w.text, ",:") {
		return ""
	}
	var n [3]int
	for i, p := range parts {
		v, err := strconv.Atoi(p)
		if err != nil || len(p) > 4 {
			return ""
		}
		n[i] = v
	}
	day, month, year := n[0], n[1], n[2]
	if len(parts[0]) == 4 {
		return day2(n[0], n[1], n[2])
	}
	if language == "en-US" && day <= 12 || month > 12 {
		day, month = month, day
	}
	if len(parts[2]) == 2 {
		year += 2000
	}
	return day2(year, month, day)
}

// day2 is a date that exists, "" for one that does not.
func day2(year, month, day int) string {
	if year < 1900 || year > 2200 || month < 1 || month > 12 || day < 1 {
		return ""
	}
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if t.Day() != day {
		return ""
	}
	return t.Format(time.DateOnly)
}

// named reads dates with the name of a month: "22 November 2026", "Nov 22nd",
// "the 3rd of May". Without a year the one nearest to at is meant.
func named(ws []word, at time.Time) (string, int) {
	day, month, used := 0, 0, 0
	if m := monthOf(ws[0]); m > 0 && len(ws) > 1 && !ws[1].broken {
		if d := ordinal(ws[1].lower); d > 0 {
			day, month, used = d, m, 2
		}
	}
	if d := ordinal(ws[0].lower); used == 0 && d > 0 {
		next := 1
		if next < len(ws) && (ws[next].lower == "of" || ws[next].lower == "de") {
			next++
		}
		if next < len(ws) {
			if m := monthOf(ws[next]); m > 0 {
				day, month, used = d, m, next+1
			}
		}
	}
	if used == 0 {
		return "", 0
	}
	next := used
	if next < len(ws) && (ws[next].lower == "de" || ws[next].lower == "of") {
		next++
	}
	if next < len(ws) && len(ws[next].text) == 4 {
		if y, err := strconv.Atoi(ws[next].text); err == nil && y >= 1900 && y <= 2200 {
			return day2(y, month, day), next + 1
		}
	}
	year := at.Year()
	if t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, at.Location()); t.Sub(at) > 183*24*time.Hour {
		year--
	} else if at.Sub(t) > 183*24*time.Hour {
		year++
	}
	return day2(year, month, day), used
}

// ordinal reads "3", "3rd", "third" as a day of the month.
func ordinal(w string) int {
	if w != "" && w[0] >= '0' && w[0] <= '9' {
		figure := strings.TrimRight(w, "stndrhº°")
		if n, err := strconv.Atoi(figure); err == nil && n >= 1 && n <= 31 && len(w)-len(figure) <= 2 {
			return n
		}
		return 0
	}
	switch w {
	case "first":
		return 1
	case "second":
		return 2
	case "third":
		return 3
	case "fourth":
		return 4
	case "fifth":
		return 5
	case "sixth":
		return 6
	case "seventh":
		return 7
	case "eighth":
		return 8
	case "ninth":
		return 9
	case "tenth":
		return 10
	case "eleventh":
		return 11
	case "twelfth":
		return 12
	case "thirteenth":
		return 13
	case "fourteenth":
		return 14
	case "fifteenth":
		return 15
	case "sixteenth":
		return 16
	case "seventeenth":
		return 17
	case "eighteenth":
		return 18
	case "nineteenth":
		return 19
	case "twentieth":
		return 20
	}
	return 0
}

// monthOf is 1–12 for the name of a month in six languages, 0 else. "May" and
// "March" are also other words, so they must be capitalised.
func monthOf(w word) int {
	if (w.lower == "may" || w.lower == "march" || w.lower == "mar" || w.lower == "dec") && w.text == w.lower {
		return 0
	}
	switch w.lower {
	case "january", "jan", "enero", "janeiro", "janvier", "januar", "gennaio":
		return 1
	case "february", "feb", "febrero", "fevereiro", "février", "februar", "febbraio":
		return 2
	case "march", "mar", "marzo", "março", "mars", "märz":
		return 3
	case "april", "apr", "abril", "avril", "aprile":
		return 4
	case "may", "mayo", "maio", "mai", "maggio":
		return 5
	case "june", "jun", "junio", "junho", "juin", "juni", "giugno":
		return 6
	case "july", "jul", "julio", "julho", "juillet", "juli", "luglio":
		return 7
	case "august", "aug", "agosto", "août":
		return 8
	case "september", "sep", "sept", "septiembre", "setembro", "septembre", "settembre":
		return 9
	case "october", "oct", "octubre", "outubro", "octobre", "oktober", "ottobre":
		return 10
	case "november", "nov", "noviembre", "novembro", "novembre":
		return 11
	case "december", "dec", "diciembre", "dezembro", "décembre", "dezember", "dicembre":
		return 12
	}
	return 0
}

// relative reads "today", "the day after tomorrow", "next Friday", "in 3 days",
// "two weeks ago", "last month".
func relative(ws []word, at time.Time) (string, int) {
	on := func(days int) string { return at.AddDate(0, 0, days).Format(time.DateOnly) }
	is := func(i int, w string) bool { return i < len(ws) && ws[i].lower == w && (i == 0 || !ws[i].broken) }
	switch ws[0].lower {
	case "today", "hoy", "hoje", "heute", "oggi", "tonight":
		return on(0), 1
	case "tomorrow", "mañana", "amanhã", "demain", "domani":
		return on(1), 1
	case "yesterday", "ayer", "ontem", "hier", "gestern", "ieri":
		return on(-1), 1
	case "übermorgen":
		return on(2), 1
	case "vorgestern":
		return on(-2), 1
	case "day":
		if is(1, "after") && is(2, "tomorrow") {
			return on(2), 3
		}
		if is(1, "before") && is(2, "yesterday") {
			return on(-2), 3
		}
	case "next", "last", "this":
		if len(ws) > 1 && !ws[1].broken {
			if value := turned(ws[0].lower, ws[1].lower, at); value != "" {
				return value, 2
			}
		}
	case "in":
		if n, used := counted(ws[1:]); used > 0 && 1+used < len(ws) {
			if value := shifted(at, n, ws[1+used].lower); value != "" {
				return value, used + 2
			}
		}
	case "hace", "há":
		if n, used := counted(ws[1:]); used > 0 && 1+used < len(ws) {
			if value := shifted(at, -n, ws[1+used].lower); value != "" {
				return value, used + 2
			}
		}
	}
	if n, used := counted(ws); used > 0 && is(used+1, "ago") {
		if value := shifted(at, -n, ws[used].lower); value != "" {
			return value, used + 2
		}
	}
	if name, n := dayName(ws); n > 0 {
		return turned("", name, at), n
	}
	return "", 0
}

// dayName is the weekday at the front of ws: one word, or two in Portuguese.
func dayName(ws []word) (name string, used int) {
	if weekday(ws[0].lower) >= 0 {
		return ws[0].lower, 1
	}
	if len(ws) > 1 && !ws[1].broken && ws[1].lower == "feira" {
		if name = ws[0].lower + "-feira"; weekday(name) >= 0 {
			return name, 2
		}
	}
	return "", 0
}

// counted reads "3", "three", "a" and "a couple of" before a unit of time.
func counted(ws []word) (n, used int) {
	if len(ws) == 0 {
		return 0, 0
	}
	if ws[0].digits {
		v, err := strconv.Atoi(ws[0].text)
		if err != nil || v > 1000 {
			return 0, 0
		}
		return v, 1
	}
	switch ws[0].lower {
	case "a", "an", "un", "una", "um", "uma":
		if len(ws) > 2 && ws[1].lower == "couple" && ws[2].lower == "of" {
			return 2, 3
		}
		return 1, 1
	}
	if v, used := spelled(ws); used > 0 && v <= 1000 {
		return int(v), used
	}
	return 0, 0
}

// past tells whether the words before a weekday speak of what has been: "I
// ordered it on Monday", "since Monday".
func past(ws []word) bool {
	for _, w := range ws {
		switch w.lower {
		case "since", "was", "were", "did", "didn't", "had", "ordered", "bought", "called", "came", "told", "spoke", "received", "paid",
			"sent", "arrived", "placed", "booked", "stopped", "started", "desde", "seit", "depuis", "compré", "comprei", "llamé", "liguei":
			return true
		}
	}
	return false
}

// shifted is at moved by n units, as exact as the unit is.
func shifted(at time.Time, n int, unit string) string {
	switch unit {
	case "day", "days", "día", "días", "dia", "dias":
		return at.AddDate(0, 0, n).Format(time.DateOnly)
	case "week", "weeks", "semana", "semanas":
		return week(at.AddDate(0, 0, 7*n))
	case "month", "months", "mes", "meses", "mês":
		return firstOf(at).AddDate(0, n, 0).Format("2006-01")
	case "year", "years", "año", "años", "ano", "anos":
		return strconv.Itoa(at.Year() + n)
	}
	return ""
}

func firstOf(at time.Time) time.Time {
	return time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, at.Location())
}

func week(t time.Time) string {
	year, number := t.ISOWeek()
	return fmt.Sprintf("%d-W%02d", year, number)
}

// turned reads "next", "last" or "this" before a weekday or a unit. A weekday
// alone is the next one to come; "next Friday" is the one of next week.
func turned(which, what string, at time.Time) string {
	step := 0
	switch which {
	case "next":
		step = 1
	case "last":
		step = -1
	}
	switch what {
	case "week":
		return week(at.AddDate(0, 0, 7*step))
	case "month":
		return firstOf(at).AddDate(0, step, 0).Format("2006-01")
	case "year":
		return strconv.Itoa(at.Year() + step)
	}
	day := weekday(what)
	if day < 0 {
		return ""
	}
	ahead := (day - int(at.Weekday()) + 7) % 7
	switch which {
	case "last":
		ahead -= 7
	case "next":
		monday := (int(at.Weekday()) + 6) % 7
		ahead = 7 - monday + (day+6)%7
	}
	return at.AddDate(0, 0, ahead).Format(time.DateOnly)
}

// weekday is 0 (Sunday) to 6, −1 for another word.
func weekday(w string) int {
	switch w {
	case "sunday", "domingo", "dimanche", "sonntag", "domenica":
		return 0
	case "monday", "lunes", "segunda-feira", "lundi", "montag", "lunedì":
		return 1
	case "tuesday", "martes", "terça-feira", "mardi", "dienstag", "martedì":
		return 2
	case "wednesday", "miércoles", "quarta-feira", "mercredi", "mittwoch", "mercoledì":
		return 3
	case "thursday", "jueves", "quinta-feira", "jeudi", "donnerstag", "giovedì":
		return 4
	case "friday", "viernes", "sexta-feira", "vendredi", "freitag", "venerdì":
		return 5
	case "saturday", "sábado", "samedi", "samstag", "sabato":
		return 6
	}
	return -1
}
