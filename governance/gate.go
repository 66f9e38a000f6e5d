package governance

import (
	"context"
	"errors"
	"fmt"

	"throughline/event"
	"throughline/governance/redact"
)

// Version names the rules of the gate; turns carry it as their Clearance.
const Version = "gate/1 " + redact.Version

// Gate turns raw turns into cleared ones: it asks the ledger for consent and
// takes personal data out. It is safe for concurrent use; turns of one
// interaction come out in the order in which they are given.
type Gate struct {
	ledger   *Ledger
	redacter *redact.Redacter
	cards    *redact.Redacter // for ids, where only a card number is out of place
	memory   *memory
	optOuts  map[string]bool
}

// NewGate makes a Gate that asks ledger, which somebody keeps up to date.
func NewGate(c Config, ledger *Ledger) (*Gate, error) {
	if ledger == nil {
		return nil, errors.New("governance gate: a ledger of consents is needed")
	}
	r, err := redact.New(c.Redact)
	if err != nil {
		return nil, fmt.Errorf("governance gate: %w", err)
	}
	cards, err := redact.New(redact.Config{Types: []redact.Type{redact.Card}})
	if err != nil {
		return nil, fmt.Errorf("governance gate: %w", err)
	}
	return &Gate{ledger: ledger, redacter: r, cards: cards, memory: newMemory(c.Conversations, c.Idle), optOuts: optOutWords(c.OptOut)}, nil
}

// Verdict is what the gate says of a turn: the turn that may be published, and
// what else follows from it.
type Verdict struct {
	Cleared  Cleared
	Consents []event.Consent // the customer opted out with this message
	Audit    []event.Audit   // content was withheld, consent was withdrawn
}

// Turn clears a final turn. Without consent the turn still comes out, as the
// fact that something was said, without its content. The only errors are a
// cancelled context and a turn that lacks what the decision needs.
func (g *Gate) Turn(ctx context.Context, raw event.Turn) (Verdict, error) {
	return g.clear(ctx, raw, false)
}

// Partial clears a growing transcript. It remembers nothing: the final turn
// says it all again. Opt-outs are not looked for.
func (g *Gate) Partial(ctx context.Context, raw event.Turn) (Cleared, error) {
	v, err := g.clear(ctx, raw, true)
	return v.Cleared, err
}

func (g *Gate) clear(ctx context.Context, raw event.Turn, partial bool) (Verdict, error) {
	if err := ctx.Err(); err != nil {
		return Verdict{}, fmt.Errorf("clear turn: %w", err)
	}
	for field, value := range map[string]string{"id": raw.ID, "tenant": raw.Tenant, "customer": raw.Customer, "interaction": raw.Interaction} {
		if value == "" {
			return Verdict{}, fmt.Errorf("clear turn: field %s is empty", field)
		}
	}
	t := clone(raw)
	t.Clearance, t.Redacted, t.Withheld = Version, nil, ""
	var v Verdict
	if !partial {
		v.Consents = g.optOut(raw)
		for _, c := range v.Consents {
			v.Audit = append(v.Audit, audit(t, "consent.withdrawn", map[string]string{"purpose": string(c.Purpose), "channel": string(c.Channel), "consent": c.ID}))
		}
	}
	if why := g.refused(t); why != "" {
		withhold(&t, why)
		v.Audit = append(v.Audit, audit(t, "turn.withheld", map[string]string{"reason": why}))
	} else {
		g.redact(&t, partial)
	}
	t.Provider, t.Agent = g.id(t.Tenant, t.Provider), g.id(t.Tenant, t.Agent)
	v.Cleared = Cleared{turn: t, passed: true}
	return v, nil
}

// refused names the first purpose that is not allowed, and why.
func (g *Gate) refused(t event.Turn) string {
	purposes := []event.Purpose{event.AnalyseText}
	if t.Channel == event.Voice || t.Kind == event.Utterance {
		purposes = []event.Purpose{event.Record, event.Transcribe}
	}
	for _, p := range purposes {
		if ok, why := g.ledger.Allowed(t.Tenant, t.Customer, p, t.Channel); !ok {
			return string(p) + ": " + why
		}
	}
	return ""
}

// withhold leaves who, when, where and what kind, and takes away the content.
func withhold(t *event.Turn, why string) {
	t.Withheld = why
	t.Text, t.Words, t.Stable, t.Confidence = "", nil, 0, 0
	t.Media, t.Attrs, t.Raw, t.Acoustics, t.Language = nil, nil, nil, nil, ""
}

func conversationKey(tenant, interaction string) string { return tenant + "/" + interaction }

// redact takes personal data out of everything in t that people or their
// programs fill with words.
func (g *Gate) redact(t *event.Turn, partial bool) {
	said := redact.Said{Tenant: t.Tenant, Speaker: string(t.Role), Text: t.Text, Partial: partial}
	g.memory.with(conversationKey(t.Tenant, t.Interaction), t.ID, !partial, func(c *redact.Conversation) {
		ahead := *c
		r := g.redacter.Next(c, said)
		if len(t.Words) > 0 {
			blank(t.Words, said.Text, r, g.redacter.Next(&ahead, inWords(said, t.Words)))
		}
		t.Stable = moved(t.Stable, r)
		t.Text = r.Text
		for _, p := range r.Replaced {
			t.Redacted = append(t.Redacted, event.Redaction{Type: string(p.Type), Start: p.At, End: p.Until, Pseudonym: p.Pseudonym})
		}
	})
	if t.Media != nil {
		t.Media.Filename = g.redacter.Text(t.Tenant, t.Media.Filename).Text
	}
	if t.Acoustics != nil && !t.Acoustics.ObservedOnly {
		if ok, _ := g.ledger.Allowed(t.Tenant, t.Customer, event.VoiceEmotion, t.Channel); !ok {
			t.Acoustics = nil
		}
	}
	t.Attrs = g.attrs(t.Tenant, t.Attrs)
	if len(t.Raw) > 0 {
		raw, err := g.redacter.JSON(t.Tenant, t.Raw)
		if err != nil {
			raw = nil // what cannot be read cannot be cleared
		}
		t.Raw = raw
	}
}

// attrs redacts values in the light of their keys, and the keys.
func (g *Gate) attrs(tenant string, in map[string]string) map[string]string {
	if in == nil {
		return nil
	}
	out := make(map[string]string, len(in))
	for k, v := range in {
		out[g.redacter.Text(tenant, k).Text] = g.redacter.Value(tenant, k, v).Text
	}
	return out
}

// Interaction redacts what is free text in a change of an interaction. When the
// interaction is over, the gate forgets what it remembered of it.
func (g *Gate) Interaction(i event.Interaction) event.Interaction {
	if i.Change.Terminal() {
		g.memory.forget(conversationKey(i.Tenant, i.Interaction))
	}
	for _, s := range []*string{&i.Name, &i.Reason, &i.Error, &i.Handle} {
		*s = g.redacter.Text(i.Tenant, *s).Text
	}
	for _, s := range []*string{&i.Case, &i.Queue, &i.Agent, &i.Account} {
		*s = g.id(i.Tenant, *s)
	}
	i.Attrs = g.attrs(i.Tenant, i.Attrs)
	return i
}

// id gives an id of somebody else's system as it is, unless it holds a card
// number: then a hash, by which it can still be told apart.
func (g *Gate) id(tenant, s string) string {
	if s == "" || g.cards.Text(tenant, s).Text == s {
		return s
	}
	return event.ID("id", tenant, s)
}

// moved is where byte n of a text stands in its redacted form; inside a
// placeholder nothing is stable.
func moved(n int, r redact.Result) int {
	shift := 0
	for _, p := range r.Replaced {
		if n <= p.Start {
			break
		}
		if n < p.End {
			return p.At
		}
		shift = p.Until - p.End
	}
	return max(0, min(n+shift, len(r.Text)))
}
