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
		whole, cents, places, used := int64(0), 0, 0, 0
		if ws[next].digits {
			w, c, p, ok := decimal(ws[next].text)
			if !ok {
				continue
			}
			whole, cents, places, used = w, c, p, 1
		} else if next == i {
			whole, used = spelled(ws[i:])
		}
		if used == 0 {
			continue
		}
		last := next + used - 1
		if places == 0 && last+1 < len(ws) && ws[last].digits && (ws[last+1].lower == "thousand" || ws[last+1].lower == "mil" || ws[last+1].lower == "k") {
			whole *= 1000
			last++
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
		if w, _, places, ok := decimal(ws[at].text); ok && places == 0 {
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
