package redact

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Version names the rules of this package. It changes when the same text could
// come out differently.
const Version = "redact/2"

// Config says what is taken out. The zero value takes out DefaultTypes, with
// placeholders that carry no pseudonym.
type Config struct {
	Types []Type `yaml:"types" doc:"what is taken out of text" default:"CARD, CARD_PART, CVV, CARD_EXPIRY, PHONE, MAIL, IBAN, NATIONAL_ID, LICENSE, IP"`
	Key   string `yaml:"key" doc:"secret of at least 16 bytes that pseudonyms are keyed with, the same on every process; empty: placeholders carry no pseudonym"`
}

// Redacter takes personal data out of text. It is safe for concurrent use.
type Redacter struct {
	types map[Type]bool
	named bool // some type needs the rules for people and places
	key   []byte
}

// New makes a Redacter. An unknown type or a short key is an error.
func New(c Config) (*Redacter, error) {
	if len(c.Types) == 0 {
		c.Types = DefaultTypes()
	}
	r := &Redacter{types: map[Type]bool{}}
	for _, t := range c.Types {
		if rank(t) < 0 {
			return nil, fmt.Errorf("redact types: %q is not one of %v", t, AllTypes())
		}
		r.types[t] = true
		r.named = r.named || !slices.Contains(DefaultTypes(), t)
	}
	if c.Key != "" {
		if len(c.Key) < 16 {
			return nil, fmt.Errorf("redact key: %d bytes are too short, use 16 or more", len(c.Key))
		}
		r.key = []byte(c.Key)
	}
	return r, nil
}

// Said is one turn of a conversation.
type Said struct {
	Tenant  string // pseudonyms differ between tenants
	Speaker string // "customer", "agent": a number said in pieces belongs to one
	Text    string
	Partial bool // a growing transcript: the end may be the beginning of a number
}

// Replaced is a finding with the placeholder that stands for it.
type Replaced struct {
	Finding
	Pseudonym string // the same value of a type gives the same one within a tenant; often empty
	At, Until int    // byte offsets of the placeholder in the result
}

// Result is a text with placeholders. It is valid UTF-8.
type Result struct {
	Text     string
	Replaced []Replaced
}

// Text redacts one text on its own.
func (r *Redacter) Text(tenant, s string) Result {
	var c Conversation
	return r.Next(&c, Said{Tenant: tenant, Text: s})
}

// Next redacts the next turn of c and remembers in c what the turn after it
// needs. A partial turn leaves c as it is.
func (r *Redacter) Next(c *Conversation, s Said) Result {
	next := *c
	found := find(&next, s, r.named)
	if !s.Partial {
		*c = next
	}
	found = slices.DeleteFunc(found, func(f Finding) bool { return !r.types[f.Type] })
	return r.replace(s.Tenant, s.Text, settle(found))
}

// Find reports personal data of every type in s, sorted and without overlaps.
func Find(s string) []Finding {
	var c Conversation
	return settle(find(&c, Said{Text: s}, true))
}

func find(c *Conversation, s Said, named bool) []Finding {
	c.begin()
	t := scan(s.Text, make([]token, 0, min(len(s.Text)/5+4, 96))) // about as many as people write
	t.phrases()
	var out []Finding
	if strings.IndexByte(t.s, '@') >= 0 || t.spelled() {
		out = t.mails(out)
	}
	if t.numbers {
		words := t.besides()
		runs := t.runs()
		out = t.networks(out)
		out = t.ibans(runs, out)
		// A card is looked for in everything, also inside what looks like
		// something else; the rest shares what is left.
		asked := c.asked
		out = c.numbers(&t, runs, s.Speaker, s.Partial, out)
		out = t.nationals(runs, asked, words, out)
		out = t.phones(runs, asked, words, out)
	} else if strings.IndexByte(t.s, ':') >= 0 {
		out = t.networks(out)
	}
	if named {
		out = t.named(out)
	}
	c.talk(&t)
	return out
}

// spelled tells whether a mail address may be spelled out.
func (t *text) spelled() bool {
	return t.said("at") || t.said("arroba") || t.said("arobase")
}

func (r *Redacter) replace(tenant, s string, found []Finding) Result {
	if len(found) == 0 {
		return Result{Text: valid(s)}
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	out := make([]Replaced, 0, len(found))
	from := 0
	for _, f := range found {
		b.WriteString(valid(s[from:f.Start]))
		p := Replaced{Finding: f, At: b.Len(), Pseudonym: r.pseudonym(tenant, f)}
		b.WriteByte('[')
		b.WriteString(string(f.Type))
		if p.Pseudonym != "" {
			b.WriteByte('_')
			b.WriteString(p.Pseudonym)
		}
		b.WriteByte(']')
		p.Until = b.Len()
		out = append(out, p)
		from = f.End
	}
	b.WriteString(valid(s[from:]))
	return Result{Text: b.String(), Replaced: out}
}

// valid is s with U+FFFD for each byte that is not UTF-8. One for a row of them
// would bring digits closer together than they were when cards were looked for.
func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}

// pseudonym is HMAC-SHA256 under the tenant's key, 32 bits kept: enough to tell
// apart the numbers of one customer's history, too little to be an identifier.
func (r *Redacter) pseudonym(tenant string, f Finding) string {
	if len(r.key) == 0 || secret(f.Type) || f.value == "" {
		return ""
	}
	own := hmac.New(sha256.New, r.key)
	own.Write([]byte(tenant))
	h := hmac.New(sha256.New, own.Sum(nil))
	h.Write([]byte(f.Type))
	h.Write([]byte{0})
	h.Write([]byte(f.value))
	return hex.EncodeToString(h.Sum(nil)[:4])
}
