package entity

import (
	"strings"

	"throughline/event"
)

// codes finds the numbers that a business gives out: of orders, accounts and
// parcels. A word says which; the number has a digit and four signs or more.
func codes(text string, ws []word) []event.Entity {
	var out []event.Entity
	for i := range ws {
		kind := numbered(ws[i].lower)
		if kind == "" {
			if parcel(ws[i].text) {
				out = append(out, made(text, "TRACKING", ws[i].start, ws[i].end, strings.ToUpper(ws[i].text)))
			}
			continue
		}
		// Between the word and its number may stand "number", "is", "#", "no".
		for j := i + 1; j < min(len(ws), i+5); j++ {
			if value, last := code(ws[j:]); last > 0 {
				out = append(out, made(text, kind, ws[j].start, ws[j+last-1].end, value))
				break
			}
			if !filler(ws[j].lower) {
				break
			}
		}
	}
	return out
}

func numbered(w string) string {
	switch w {
	case "order", "booking", "reservation", "invoice", "ticket", "case", "pedido", "reserva", "bestellung", "bestellnummer",
		"commande", "ordine", "factura", "reference", "confirmation":
		return "ORDER"
	case "account", "customer", "member", "membership", "policy", "contract", "cuenta", "conta", "konto", "kundennummer", "compte", "conto", "contrato":
		return "ACCOUNT"
	case "tracking", "parcel", "shipment", "seguimiento", "rastreio", "sendungsnummer", "suivi":
		return "TRACKING"
	}
	return ""
}

func filler(w string) bool {
	switch w {
	case "number", "no", "nr", "num", "id", "code", "is", "was", "reference", "ref", "the", "my", "número", "numero", "numéro",
		"nummer", "es", "é", "est", "ist", "è", "de", "do", "della", "confirmation", "it's", "n", "lautet":
		return true
	}
	return false
}

// code reads one code, or digits said one by one ("four five nine two one"). It
// returns how many words it took.
func code(ws []word) (string, int) {
	w := ws[0]
	if w.hidden {
		return "", 0
	}
	figures := strings.ContainsAny(w.text, "0123456789")
	if figures && len(w.text) >= 4 && !strings.ContainsAny(w.text, "/:,") && !dateLike(w.text) {
		value, used := strings.ToUpper(strings.TrimRight(w.text, ".")), 1
		// Long numbers are printed in groups: "4432 1199 22". A short one behind a
		// number may count something, and is its last group only where another stands before.
		for onlyDigits(value) && used < len(ws) && !ws[used].broken && onlyDigits(ws[used].text) &&
			(len(ws[used].text) > 2 || used > 1 && len(ws[used].text) == 2) {
			value, used = value+ws[used].text, used+1
		}
		return value, used
	}
	var b strings.Builder
	used, repeat := 0, 1
	for _, w := range ws {
		d := small(w.lower)
		switch {
		case w.hidden || used > 0 && w.broken:
			d = -1
		case len(w.text) == 1 && w.digits:
			d = int64(w.text[0] - '0')
		case w.lower == "oh" && used > 0:
			d = 0
		case w.lower == "double":
			repeat, used = 2, used+1
			continue
		case w.lower == "triple":
			repeat, used = 3, used+1
			continue
		}
		if d < 0 || d > 9 {
			break
		}
		for range repeat {
			b.WriteByte(byte('0' + d))
		}
		repeat = 1
		used++
	}
	if b.Len() < 4 || repeat != 1 {
		return "", 0
	}
	return b.String(), used
}

func dateLike(text string) bool { return numeric(word{text: text, digits: true}, "") != "" }

// parcel tells whether a word alone is a parcel number: those of UPS begin with
// 1Z and have 18 signs; UPU S10 numbers are two letters, nine digits, a country.
func parcel(w string) bool {
	if len(w) == 18 && strings.EqualFold(w[:2], "1z") {
		return true
	}
	if len(w) != 13 {
		return false
	}
	for i := range len(w) {
		c := w[i]
		letter := i < 2 || i > 10
		if letter && (c < 'A' || c > 'Z') || !letter && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}
