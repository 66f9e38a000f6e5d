package entity

import (
	"fmt"
	"unicode/utf8"

	"throughline/event"
)

// currency is the ISO 4217 code that a word stands for, "" for none. A dollar is
// one of the United States where nothing else is said.
func currency(w word) string {
	if r, _ := utf8.DecodeRuneInString(w.text); sign(r) != "" {
		return sign(r)
	}
	switch w.lower {
	case "eur", "euro", "euros":
		return "EUR"
	case "usd", "dollar", "dollars", "bucks", "dólares", "dolares", "dólar":
		return "USD"
	case "gbp", "pound", "pounds", "quid":
		return "GBP"
	case "brl", "reais", "real":
		return "BRL"
	case "chf", "francs", "franken":
		return "CHF"
	case "inr", "rupee", "rupees":
		return "INR"
	case "jpy", "yen":
		return "JPY"
	case "cad", "aud", "mxn", "sek", "nok", "dkk", "pln", "czk", "cny", "aed", "sar", "zar":
		return upper(w.lower)
	case "pesos":
		return "MXN"
	}
	return ""
}

func upper(code string) string {
	b := []byte(code)
	for i := range b {
		b[i] -= 'a' - 'A'
	}
	return string(b)
}

// amounts finds sums of money: a currency before or behind figures or words.
func amounts(text string, ws []word) []event.Entity {
	var out []event.Entity
	for i := 0; i < len(ws); i++ {
		first, next := i, i
		code := ""
		if c := currency(ws[i]); c != "" && i+1 < len(ws) && ws[i+1].digits && !ws[i+1].broken {
			code, next = c, i+1
			if ws[i].lower == "$" && i > 0 && ws[i-1].lower == "r" && !ws[i].spaced {
				code, first = "BRL", i-1 // R$
			}
		}
		whole, cents, used := int64(0), 0, 0
		if ws[next].digits {
			figures, n := grouped(text, ws[next:])
			w, c, ok := decimal(figures)
			if !ok {
				continue
			}
			whole, cents, used = w, c, n
		} else if next == i {
			whole, used = spelled(ws[i:])
		}
		if used == 0 {
			continue
		}
		last := next + used - 1
		if last+1 < len(ws) && ws[last].digits && whole < 1e6 {
			if times := multiple(ws[last+1].lower); times > 1 {
				whole, cents = whole*times+int64(cents)*times/100, int(int64(cents)*times%100)
				last++
			}
		}
		if code == "" {
			if last+1 >= len(ws) || ws[last+1].broken {
				continue
			}
			if code = currency(ws[last+1]); code == "" {
				continue
			}
			last++
		}
		last, cents = andCents(ws, last, cents)
		out = append(out, made(text, "AMOUNT", ws[first].start, ws[last].end, fmt.Sprintf("%d.%02d %s", whole, cents, code)))
		i = last
	}
	return out
}

// grouped reads figures whose thousands a blank or an apostrophe sets apart, as much
// of Europe writes them: "1 234,50", "1’200". It returns how many words it took.
func grouped(text string, ws []word) (figures string, used int) {
	figures, used = ws[0].text, 1
	if len(figures) > 3 || !onlyDigits(figures) {
		return figures, used
	}
	for ; used < len(ws); used++ {
		switch text[ws[used-1].end:ws[used].start] {
		case " ", "\u00a0", "\u202f", "'", "’":
		default:
			return figures, used
		}
		group := ws[used].text
		thousands, fraction := group[:min(len(group), 3)], group[min(len(group), 3):]
		if len(thousands) < 3 || !onlyDigits(thousands) || fraction != "" && fraction[0] != ',' && fraction[0] != '.' {
			return figures, used
		}
		if figures += group; fraction != "" {
			return figures, used + 1
		}
	}
	return figures, used
}

func onlyDigits(text string) bool {
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// multiple is what a word behind figures multiplies them by, 1 for another word.
func multiple(w string) int64 {
	switch w {
	case "thousand", "mil", "k", "tausend", "mille":
		return 1e3
	case "million", "millions", "millones", "millón", "milhão", "milhões", "millionen", "milioni":
		return 1e6
	}
	return 1
}

// andCents reads "… and fifty cents" behind an amount.
func andCents(ws []word, last, cents int) (int, int) {
	at := last + 1
	if at < len(ws) && (ws[at].lower == "and" || ws[at].lower == "con" || ws[at].lower == "e") {
		at++
	}
	if at >= len(ws) || cents != 0 {
		return last, cents
	}
	n, used := int64(-1), 1
	if ws[at].digits {
		if w, _, ok := decimal(ws[at].text); ok && onlyDigits(ws[at].text) {
			n = w
		}
	} else {
		n, used = spelled(ws[at:])
	}
	if used == 0 || n < 0 || n > 99 || at+used >= len(ws) {
		return last, cents
	}
	switch ws[at+used].lower {
	case "cents", "cent", "centavos", "pence", "céntimos", "centimes":
		return at + used, int(n)
	}
	return last, cents
}

func made(text, kind string, start, end int, value string) event.Entity {
	return event.Entity{Type: kind, Text: text[start:end], Value: value, Start: start, End: end}
}
