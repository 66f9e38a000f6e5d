package governance

import (
	"time"

	"throughline/event"
	"throughline/governance/redact"
)

// Defaults of Config.
const (
	DefaultConversations = 50_000
	DefaultIdle          = 30 * time.Minute
	DefaultConsents      = 1_000_000
)

// Config of the gate. The zero value redacts the default types, allows what
// nobody has refused, and honours the usual opt-out words.
type Config struct {
	Redact redact.Config `yaml:"redact" doc:"what is taken out of text and how placeholders are named"`

	Consent Policy            `yaml:"consent" doc:"what is allowed before a person has said anything"`
	Tenants map[string]Policy `yaml:"tenants" doc:"the same for single tenants, instead of consent above"`

	OptOut []string `yaml:"opt_out" doc:"whole messages that withdraw consent to marketing, besides stop, quit, end, revoke, opt out, cancel, unsubscribe and their usual translations"`

	Conversations int           `yaml:"conversations" doc:"how many interactions the gate remembers unfinished numbers of" default:"50000"`
	Idle          time.Duration `yaml:"idle" doc:"how long it remembers them after the last turn" default:"30m"`
	Consents      int           `yaml:"consents" doc:"how many consents are held; beyond that, people who are not held are refused" default:"1000000"`
}

// Policy is what a tenant may do before a person has said anything.
type Policy struct {
	OptIn        []event.Purpose            `yaml:"opt_in" doc:"purposes that need a yes first, everywhere: record, transcribe, analyse_text, analyse_voice_emotion, train, market; all others are allowed until withdrawn"`
	Jurisdiction string                     `yaml:"jurisdiction" doc:"where people are, as in jurisdictions below, when their consents do not say"`
	ByPlace      map[string][]event.Purpose `yaml:"jurisdictions" doc:"purposes that need a yes first, by jurisdiction (US-CA, DE)"`
}

// needsYes tells whether purpose needs an opt-in in the jurisdiction, and by
// which rule.
func (p Policy) needsYes(purpose event.Purpose, jurisdiction string) (string, bool) {
	for _, q := range p.OptIn {
		if q == purpose {
			return "opt-in needed by tenant policy", true
		}
	}
	if jurisdiction == "" {
		jurisdiction = p.Jurisdiction
	}
	for _, q := range p.ByPlace[jurisdiction] {
		if q == purpose {
			return "opt-in needed in " + jurisdiction, true
		}
	}
	return "", false
}
