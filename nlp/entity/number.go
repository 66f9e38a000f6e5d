package entity

import (
	"strconv"
	"strings"
)

// decimal reads figures with separators of thousands and decimals in either
// custom: "1,234.50", "1.234,50", "1234". The last separator is the decimal one,
// unless three digits follow it.
func decimal(text string) (whole int64, cents int, ok bool) {
	last := strings.LastIndexAny(text, ".,")
	fraction := ""
	if last >= 0 {
		tail := text[last+1:]
		if len(tail) != 3 {
			fraction, text = tail, text[:last]
		} else if strings.ContainsRune(text, '.') && strings.ContainsRune(text, ',') {
			return 0, 0, false // three decimals: no sum of money
		}
	}
	if len(fraction) > 2 {
		return 0, 0, false
	}
	groups := strings.FieldsFunc(text, func(r rune) bool { return r == '.' || r == ',' })
	for i, g := range groups {
		if i > 0 && len(g) != 3 {
			return 0, 0, false
		}
	}
	whole, err := strconv.ParseInt(strings.Join(groups, ""), 10, 64)
	if err != nil || whole < 0 || whole > 1e12 {
		return 0, 0, false
	}
	if fraction != "" {
		if cents, err = strconv.Atoi(fraction); err != nil || cents < 0 {
			return 0, 0, false
		}
		if len(fraction) == 1 {
			cents *= 10
		}
	}
	return whole, cents, true
}

// small is the value of a number word below a hundred; −1 for other words.
func small(w string) int64 {
	switch w {
	case "zero":
		return 0
	case "one":
		return 1
	case "two":
		return 2
	case "three":
		return 3
	case "four":
		return 4
	case "five":
		return 5
	case "six":
		return 6
	case "seven":
		return 7
	case "eight":
		return 8
	case "nine":
		return 9
	case "ten":
		return 10
	case "eleven":
		return 11
	case "twelve":
		return 12
	case "thirteen":
		return 13
	case "fourteen":
		return 14
	case "fifteen":
		return 15
	case "sixteen":
		return 16
	case "seventeen":
		return 17
	case "eighteen":
		return 18
	case "nineteen":
		return 19
	case "twenty":
		return 20
	case "thirty":
		return 30
	case "forty":
		return 40
	case "fifty":
		return 50
	case "sixty":
		return 60
	case "seventy":
		return 70
	case "eighty":
		return 80
	case "ninety":
		return 90
	}
	return -1
}

// spelled reads an English number in words from the front of ws: "two hundred and
// forty five". It returns how many words it took, 0 for none.
func spelled(ws []word) (value int64, used int) {
	var total, current int64
	seen := false
	for i, w := range ws {
		if i > 0 && w.broken || i > 12 {
			break
		}
		switch {
		case small(w.lower) >= 0:
			n := small(w.lower)
			// "twenty five" adds, "five twenty" are two numbers.
			if seen && current%100 != 0 && !(current%100 >= 20 && current%10 == 0 && n < 10 && n > 0) {
				return total + current, used
			}
			current += n
		case w.lower == "hundred" && (current > 0 && current < 100 || !seen):
			current = max(current, 1) * 100
		case w.lower == "thousand" && (current > 0 && current < 1000 || !seen):
			total, current = total+max(current, 1)*1000, 0
		case w.lower == "million" && (total+current > 0 && total+current < 1000 || !seen):
			total, current = max(total+current, 1)*1e6, 0
		case w.lower == "and" && seen && i+1 < len(ws) && small(ws[i+1].lower) > 0 && (current%100 == 0):
			continue
		case w.lower == "a" && !seen && i+1 < len(ws) && (ws[i+1].lower == "hundred" || ws[i+1].lower == "thousand" || ws[i+1].lower == "million"):
			continue
		default:
			return total + current, used
		}
		seen, used = true, i+1
	}
	return total + current, used
}
