package journey

import (
	"slices"
	"strings"

	"throughline/event"
)

// The kinds of facts that are noted of turns, and of those that are shown.
const (
	asked    = "asked"    // an agent asks for an item
	given    = "given"    // a customer says something of an item's kind
	promised = "promised" // an agent commits the centre to something
	answered = "answered" // shown: the customer need not be asked again
)

// item is something that customers are asked for.
type item struct {
	about string
	words string // how agents call it
	kinds string // entities and redactions that are it
	loose bool   // only an answer where it was asked for: dates and names are said for many reasons
}

// items is what is looked for; docs/metrics.md tells what it finds and misses.
func items() []item { return itemTable[:] }

var itemTable = [...]item{
	{"order number", "order number|order id|order reference|booking number|booking reference|reservation number|confirmation number|invoice number|ticket number|case number|número de pedido|bestellnummer|número do pedido|numéro de commande", "ORDER", false},
	{"account number", "account number|customer number|member number|membership number|policy number|contract number|customer id|account id|kundennummer|número de cuenta|número de conta", "ACCOUNT", false},
	{"tracking number", "tracking number|tracking code|parcel number|shipment number|sendungsnummer", "TRACKING", false},
	{"date of birth", "date of birth|birth date|birthday|when were you born|geburtsdatum", "DATE|DATE_TIME", true},
	{"phone number", "phone number|mobile number|telephone number|contact number|number to reach you|number we can reach you|telefonnummer|número de teléfono", "PHONE", false},
	{"mail address", "email|e mail|email address|mail address|correo", "MAIL", false},
	{"postal address", "your address|home address|delivery address|shipping address|billing address|postal address|street address", "ADDRESS|PLACE", true},
	{"postcode", "postcode|post code|postal code|zip|zip code", "ZIP", true},
	{"name", "your name|your full name|your first name|your last name|your surname|who am i speaking|who am i talking", "PERSON", true},
	{"card number", "card number|last four digits|last 4 digits|long number on", "CARD|CARD_PART", false},
	{"national id", "social security number|national id|id number|passport number|tax number|cpf|ssn", "NATIONAL_ID|LICENSE", false},
	{"amount", "how much were you charged|how much was it|what amount|which amount|what was the amount", "AMOUNT", true},
}

// asking are the words by which an agent asks for an item.
const asking = "can i have|could i have|may i have|can i get|could i get|may i get|can i take|could i take|what is|whats|what was|which is|could you|can you|would you|please|i need|i will need|ill need|we need|we will need|need your|do you have|tell me|give me|provide|confirm|verify|share|who am i|when were you|how much|where is|and your|and the|could we have|let me have"

// facts is what a turn asks for, gives or promises.
func facts(f event.Features) []event.Fact {
	t := f.Turn
	fact := func(kind, about, value string) event.Fact {
		return event.Fact{Kind: kind, About: about, Value: value, At: t.At, Interaction: t.Interaction, Turn: t.ID}
	}
	var out []event.Fact
	switch t.Role {
	case event.Agent, event.Bot:
		for _, s := range sentences(t.Text) {
			for _, about := range asksFor(s, f.Entities) {
				out = append(out, fact(asked, about, ""))
			}
			for _, about := range promises(s, f.Language) {
				out = append(out, fact(promised, about, dateOf(f)))
			}
		}
	case event.Customer:
		for _, e := range f.Entities {
			if slices.ContainsFunc(items(), func(i item) bool { return i.is(e.Type) }) {
				out = append(out, fact(given, e.Type, e.Value))
			}
		}
		for _, r := range t.Redacted {
			if slices.ContainsFunc(items(), func(i item) bool { return i.is(r.Type) }) {
				out = append(out, fact(given, r.Type, placeholder(t.Text, r)))
			}
		}
		if code := bareCode(t.Text); code != "" && !slices.ContainsFunc(out, func(f event.Fact) bool { return f.Value == code }) {
			out = append(out, fact(given, bare, code))
		}
	}
	slices.SortFunc(out, byTime)
	return slices.CompactFunc(out, func(a, b event.Fact) bool { return a.Kind == b.Kind && a.About == b.About })
}

func (i item) is(kind string) bool { return slices.Contains(strings.Split(i.kinds, "|"), kind) }

// asksFor names the items that a sentence of an agent asks for. One that states
// the value itself ("is it order 4839201?") makes nobody say it again.
func asksFor(sentence string, entities []event.Entity) []string {
	words := phrase(sentence)
	if !strings.Contains(sentence, "?") && !says(words, asking) {
		return nil
	}
	var out []string
	for _, i := range items() {
		stated := slices.ContainsFunc(entities, func(e event.Entity) bool { return i.is(e.Type) && strings.Contains(sentence, e.Text) })
		if says(words, i.words) && !stated {
			out = append(out, i.about)
		}
	}
	return out
}

// placeholder is what stands in the cleared text where the value was.
func placeholder(text string, r event.Redaction) string {
	if r.Start >= 0 && r.End <= len(text) && r.Start < r.End {
		return text[r.Start:r.End]
	}
	return "[" + r.Type + "]"
}

// bare is the kind of a number that comes without a word for it.
const bare = "CODE"

// bareCode is the one code of a short answer: "it's 4839201", "AB-1234".
func bareCode(text string) string {
	found := ""
	words := strings.Fields(text)
	if len(words) > 8 {
		return ""
	}
	for _, w := range words {
		w = strings.Trim(w, ".,;:!?()\"'#")
		digits := 0
		for _, r := range w {
			switch {
			case r >= '0' && r <= '9':
				digits++
			case r >= 'A' && r <= 'Z', r >= 'a' && r <= 'z', r == '-':
			default:
				digits = -len(w)
			}
		}
		if digits >= 4 && found == "" {
			found = strings.ToUpper(w)
		}
	}
	return found
}

// answers tells whether g gives what was asked for. In the talk in which it was
// asked a bare number answers for a numbered item, and a loose kind counts.
func (i item) answers(g event.Fact, ask *event.Fact) bool {
	asked := ask != nil && ask.Interaction == g.Interaction && !g.At.Before(ask.At)
	switch {
	case i.is(g.About):
		return !i.loose || asked
	case g.About == bare:
		return asked && slices.Contains([]string{"ORDER", "ACCOUNT", "TRACKING"}, i.kinds)
	}
	return false
}

func dateOf(f event.Features) string {
	for _, e := range f.Entities {
		if e.Type == "DATE" {
			return e.Value
		}
	}
	return ""
}
