package governance

import (
	"strings"
	"unicode"

	"throughline/event"
)

// optOutWords are whole messages that withdraw consent to marketing: the per-se
// words of 47 CFR 64.1200(a)(10), their spellings, and what carriers and
// WhatsApp use for them in other languages.
func optOutWords(more []string) map[string]bool {
	words := map[string]bool{}
	for _, w := range append([]string{
		"stop", "stopall", "stop all", "quit", "end", "revoke", "opt out", "optout", "cancel", "unsubscribe", "stop promotions",
		"arrêt", "arret", "désabonner", "desabonner", // French
		"parar", "sair", "pare", "descadastrar", "cancelar", // Portuguese
		"alto", "baja", "detener", "cancelar suscripción", "cancelar suscripcion", // Spanish
		"stopp", "abmelden", "abbestellen", // German
		"fermare", "annulla", "cancella", // Italian
	}, more...) {
		words[plain(w)] = true
	}
	return words
}

// plain is s in lower case, with every row of signs and spaces as one space.
func plain(s string) string {
	words := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.Mn, r)
	})
	return strings.Join(words, " ")
}

// longestOptOut bounds what is looked at: an opt-out is a word or two.
const longestOptOut = 64

// optOut is the consent that a turn withdraws by its whole text, if it does.
// Only what a customer writes on a channel that carries campaigns counts:
// "cancel" said to an agent is about something else.
func (g *Gate) optOut(t event.Turn) []event.Consent {
	if t.Role != event.Customer || len(t.Text) > longestOptOut {
		return nil
	}
	switch t.Channel {
	case event.SMS, event.WhatsApp, event.Email:
	default:
		return nil
	}
	if t.Kind != event.Text && t.Kind != event.Button && t.Kind != event.Interactive || !g.optOuts[plain(t.Text)] {
		return nil
	}
	return []event.Consent{{
		ID:     event.ID("k", t.Tenant, t.Customer, string(event.Market), t.ID),
		Tenant: t.Tenant, Customer: t.Customer, Purpose: event.Market, Channel: t.Channel,
		Allowed: false, Basis: "consent", Evidence: t.ID, At: t.At,
	}}
}
