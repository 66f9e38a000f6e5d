package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"throughline/event"
)

// words is one message on its way.
type words struct {
	step    step
	id      string // the provider's
	replyTo string // the same, of the message that it answers
	text    string
	secrets []secret
}

// line is the way by which a customer's words travel. What agents and bots
// write leaves through the centre's own system, whatever the line (see desk).
type line interface {
	// say sends what the customer says, in one piece where the provider would.
	say(ctx context.Context, said ...words) error
	// close hangs up. It may wait a moment for what is still to be shown.
	close(ctx context.Context)
}

// desk is the centre's own system: it writes messages of agents, and of
// channels that it serves itself, and tells what becomes of interactions.
type desk struct {
	courier *courier
	ledger  *ledger
}

// receipt is the answer of the API.
type receipt struct {
	ID          string `json:"id"`
	Customer    string `json:"customer"`
	Interaction string `json:"interaction"`
}

func (d *desk) post(ctx context.Context, path string, body object) (receipt, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return receipt{}, fmt.Errorf("write request: %w", err)
	}
	answer, err := d.courier.carry(ctx, "POST", path, raw)
	if err != nil {
		return receipt{}, err
	}
	var r receipt
	if err := json.Unmarshal(answer, &r); err != nil {
		return r, fmt.Errorf("POST %s: the answer is not JSON", path)
	}
	return r, nil
}

// write posts one message. Where is the interaction, or nothing but the fields
// that find it: channel, account and customer.
func (d *desk) write(ctx context.Context, w words, where object) error {
	body := object{"id": w.id, "text": w.text, "role": w.step.role()}
	for k, v := range where {
		body[k] = v
	}
	if w.step.Agent != "" {
		body["agent"] = w.step.Agent
	}
	if w.replyTo != "" {
		body["reply_to"] = w.replyTo
	}
	if w.step.Subject != "" {
		body["attrs"] = object{"subject": w.step.Subject}
	}
	r, err := d.post(ctx, "/v1/messages", body)
	if err != nil {
		return err
	}
	d.ledger.accepted(w.id, r.ID, r.Interaction, r.Customer)
	return nil
}

// happens tells of an event in the life of an interaction.
func (d *desk) happens(ctx context.Context, interaction, id string, s step) error {
	body := object{"id": id, "type": s.Event, "role": event.Agent, "agent": s.Agent}
	if s.Queue != "" {
		body["queue"] = s.Queue
	}
	if s.Reason != "" {
		body["reason"] = s.Reason
	}
	_, err := d.post(ctx, "/v1/interactions/"+interaction+"/events", body)
	return err
}

func (d *desk) end(ctx context.Context, interaction, reason string) error {
	_, err := d.post(ctx, "/v1/interactions/"+interaction+"/end", object{"reason": reason, "role": event.Agent})
	return err
}

// identify says that a mail address and a phone are the same person's.
func (d *desk) identify(ctx context.Context, id string, p player, s step) error {
	_, err := d.post(ctx, "/v1/identities", object{"id": id, "by": s.Identify, "why": s.Reason,
		"customer": object{"email": p.mail, "name": p.name}, "same_as": object{"phone": p.phone, "name": p.name}})
	return err
}

// direct is a channel that the centre's own system serves: mail, SMS.
type direct struct {
	desk  *desk
	where object
}

func (l *direct) say(ctx context.Context, said ...words) error {
	for _, w := range said {
		if err := l.desk.write(ctx, w, l.where); err != nil {
			return err
		}
	}
	return nil
}

func (l *direct) close(context.Context) {}

// whatsApp is a customer's WhatsApp.
type whatsApp struct {
	meta   *meta
	ledger *ledger
	player player
}

func (l *whatsApp) say(ctx context.Context, said ...words) error {
	changes := make([]object, len(said))
	twice := false
	for i, w := range said {
		changes[i] = l.meta.incoming(l.player, w.id, w.replyTo, w.text, w.step)
		twice = twice || w.step.Twice
	}
	if err := l.meta.deliver(ctx, changes...); err != nil {
		return err
	}
	for _, w := range said {
		l.ledger.accepted(w.id, "", "", "")
	}
	if !twice {
		return nil
	}
	l.ledger.count(func(n *counts) { n.Redelivered++ })
	return l.meta.deliver(ctx, changes...)
}

// echo brings what an agent wrote in the WhatsApp app itself.
func (l *whatsApp) echo(ctx context.Context, w words) error {
	if err := l.meta.deliver(ctx, l.meta.echo(l.player, w.id, w.text)); err != nil {
		return err
	}
	l.ledger.accepted(w.id, "", "", "")
	return nil
}

// statuses brings what became of a message, in the order of the script: Meta's
// come in any. The last two come in one webhook.
func (l *whatsApp) statuses(ctx context.Context, id string, names []string) error {
	for from := 0; from < len(names); {
		to := from + 1
		if to == len(names)-1 {
			to++
		}
		var changes []object
		for _, name := range names[from:to] {
			l.ledger.sentStatus(id, name)
			changes = append(changes, l.meta.status(l.player, id, name))
		}
		if err := l.meta.deliver(ctx, changes...); err != nil {
			return err
		}
		from = to
	}
	return nil
}

func (l *whatsApp) close(context.Context) {}

// whole is now in whole seconds: WhatsApp's clock has no finer ones, and a
// message of ours must not seem to come before the one that it answers.
func whole() string { return time.Now().UTC().Truncate(time.Second).Format(time.RFC3339) }
