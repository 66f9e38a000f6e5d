package nlp

import (
	"strings"
	"unicode"
)

// keyword tells whether a whole message is a word that machines answer: the
// opt-out, help and opt-in words of text messaging (CTIA Messaging Principles and
// Best Practices, 2023, §5.1; 47 CFR 64.1200(a)(10)) and of WhatsApp, in the
// languages carriers use them in. Whoever sends STOP follows an instruction; it
// tells nothing of how they feel.
func keyword(text string) bool {
	if len(text) > longestKeyword {
		return false
	}
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.Mn, r)
	})
	switch strings.Join(words, " ") {
	case "stop", "stopall", "stop all", "quit", "end", "revoke", "opt out", "optout", "cancel", "unsubscribe", "stop promotions",
		"help", "info", "start", "unstop", "subscribe", "opt in", "optin", "menu", "agent", "operator",
		"arrêt", "arret", "désabonner", "desabonner", "aide",
		"parar", "sair", "pare", "descadastrar", "cancelar", "ajuda",
		"alto", "baja", "detener", "cancelar suscripción", "cancelar suscripcion", "ayuda",
		"stopp", "abmelden", "abbestellen", "hilfe",
		"fermare", "annulla", "cancella", "aiuto":
		return true
	}
	return false
}

// longestKeyword bounds what is looked at, in bytes.
const longestKeyword = 64
