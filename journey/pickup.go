package journey

import (
	"slices"
	"strings"

	"throughline/event"
)

// subject is what a conversation can be about, by the words of those who answer
// for it. Agents' turns have no intents; these words stand for them.
type subject struct {
	about string
	words string
	wants string // what names of intents hold
}

var subjectTable = [...]subject{
	{"refund", "refund|refunded|refunds|money back|reimburse|reimbursement|reembolso|erstattung|remboursement", "refund"},
	{"return", "return|returned|returning|send it back|sent back|exchange|rücksendung|devolución", "return|exchange"},
	{"delivery", "delivery|delivered|deliver|parcel|package|shipment|shipped|shipping|courier|carrier|tracking|arrive|arrived|paket|lieferung|entrega|livraison", "delivery|order_status|parcel|shipment|order_wrong"},
	{"order", "order|orders|ordered|purchase|pedido|bestellung|commande|ordine", "order"},
	{"bill", "bill|billing|billed|invoice|charge|charged|charges|fee|statement|rechnung|factura|fatura|facture", "bill|charge|invoice"},
	{"payment", "payment|payments|pay|paid|transaction|zahlung|pago|pagamento|paiement", "payment"},
	{"card", "card|tarjeta|karte|cartão|carte", "card"},
	{"fraud", "fraud|fraudulent|unauthorized|unauthorised|suspicious|not you", "fraud"},
	{"address", "address|moved|moving|dirección|adresse|endereço", "address"},
	{"password", "password|log in|login|reset|passwort|contraseña|senha", "password|login"},
	{"cancellation", "cancel|cancelled|canceled|cancellation|cancelling|close your|kündigung|cancelar|annulation", "cancel|close|churn"},
	{"account", "account|konto|cuenta|conta|compte", "account"},
	{"technical", "technical|error|outage|router|connection|signal|device|working|broken|reboot|restart|app|internet|störung", "technical|outage|problem"},
	{"product", "product|item|model|feature|stock", "product"},
	{"price", "price|prices|cost|costs|discount|offer|plan|preis|precio|preço|prix", "price"},
	{"appointment", "appointment|schedule|reschedule|slot|visit|booking|termin|cita", "appointment|booking"},
	{"complaint", "complaint|sorry to hear|apologise for|apologize for|what happened|beschwerde|queja", "complaint|escalation"},
	{"person", "supervisor|manager|human|agent|my name is", "speak_to|human"},
	{"call", "call you|calling you|call back|callback|calling back", "callback"},
}

// took notes what an agent's turn is about, first times only.
func took(known []event.Took, t event.Turn) []event.Took {
	words := phrase(t.Text)
	for _, s := range subjectTable {
		if !says(words, s.words) {
			continue
		}
		k := slices.IndexFunc(known, func(k event.Took) bool { return k.About == s.about })
		switch {
		case k < 0 && len(known) < maxTook:
			known = append(slices.Clone(known), event.Took{About: s.about, At: t.At})
		case k >= 0 && t.At.Before(known[k].At):
			known = slices.Clone(known)
			known[k].At = t.At
		}
	}
	slices.SortFunc(known, func(a, b event.Took) int { return strings.Compare(a.About, b.About) })
	return known
}

// concerns tells whether a subject is what an intent is about.
func concerns(about, intent string) bool {
	k := slices.IndexFunc(subjectTable[:], func(s subject) bool { return s.about == about })
	if k < 0 {
		return false
	}
	for name := range strings.SplitSeq(subjectTable[k].wants, "|") {
		if strings.Contains(intent, name) {
			return true
		}
	}
	return false
}

// pickup is the number of agents' turns in a talk before the one that picked one
// of the carried intents up; nil where none did yet.
func pickup(b *event.Basis, carried []string) *int {
	if b == nil || len(carried) == 0 {
		return nil
	}
	var at *event.Took
	for k := range b.Took {
		t := &b.Took[k]
		if slices.ContainsFunc(carried, func(name string) bool { return concerns(t.About, name) }) && (at == nil || t.At.Before(at.At)) {
			at = t
		}
	}
	if at == nil {
		return nil
	}
	n := 0
	for _, a := range b.Answers {
		if a.Before(at.At) {
			n++
		}
	}
	return &n
}
