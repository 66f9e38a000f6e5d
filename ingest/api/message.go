package api

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"throughline/event"
	"throughline/ingest"
	"throughline/problem"
)

// source is what the request itself tells of its messages.
type source struct {
	tenant   string
	key      string // Idempotency-Key
	sessions *ingest.Sessions
}

// parseMessages reads one message, or an array of them.
func parseMessages(body []byte, src source) (arrivals []ingest.Arrival, many bool, err error) {
	items := []json.RawMessage{body}
	if many = len(body) > 0 && body[0] == '['; many {
		items = nil
		if err := json.Unmarshal(body, &items); err != nil {
			return nil, many, problem.JSON(body, "", err)
		}
		if len(items) == 0 || len(items) > MaxMessages {
			return nil, many, problem.Invalid(problem.Field{Pointer: "#", Detail: "has " + strconv.Itoa(len(items)) + " messages and must have 1 to " + strconv.Itoa(MaxMessages)})
		}
	}
	var wrong []problem.Field
	for i, item := range items {
		f, err := object(item, place(many, i), &wrong)
		if err != nil {
			return nil, many, err
		}
		arrivals = append(arrivals, f.message(src, i))
		f.refuseUnknown()
	}
	if len(wrong) > 0 {
		return nil, many, problem.Invalid(wrong...)
	}
	return arrivals, many, nil
}

// channels are the names of the channels that messages come by.
func channels() []string {
	return []string{string(event.WhatsApp), string(event.WebChat), string(event.SMS), string(event.Email), string(event.Voice)}
}

func (f *form) message(src source, index int) ingest.Arrival {
	id := f.text("id", MaxID)
	t := event.Turn{
		Interaction: f.text("interaction", MaxID),
		Role:        event.Role(f.one("role", string(event.Customer), string(event.Agent), string(event.Bot), string(event.System))),
		Agent:       f.text("agent", MaxID), Text: f.text("text", MaxText), At: f.time("at"),
		Language: f.language("language"), Attrs: f.pairs("attrs"), Kind: event.Text, Provider: id,
	}
	a := ingest.Arrival{Tenant: src.tenant, Channel: event.Channel(f.one("channel", channels()...)), Account: f.text("account", MaxID),
		Turn: &t, Opening: event.Interaction{Queue: f.text("queue", MaxName), Case: f.text("case", MaxID)}}
	a.Person = f.customer("customer", t.Interaction == "")
	if t.Text == "" && f.ok("text") {
		f.refuse("text", "is missing or empty")
	}
	if t.Role == event.UnknownRole {
		t.Role = event.Customer
	}
	if t.Agent != "" && t.Role != event.Agent {
		f.refuse("agent", "is given although role is not agent: set role to agent, or leave it out")
	}
	if t.Interaction != "" {
		if i, ok := src.sessions.Find(t.Interaction); ok && i.Tenant == src.tenant {
			a.Channel = i.Channel
		}
	} else if a.Channel == "" && f.ok("channel") {
		f.refuse("channel", "is missing: give it, or the interaction that the message belongs to")
	}
	if a.Channel == event.Voice {
		t.Kind = event.Utterance
	}
	t.ID = messageID(src, a, id, index)
	if reply := f.text("reply_to", MaxID); reply != "" {
		t.ReplyTo = ourID(src.tenant, a.Channel, reply)
	}
	return a
}

// ok tells whether nothing was found wrong with a field yet.
func (f *form) ok(name string) bool {
	for _, w := range *f.wrong {
		if w.Pointer == "#"+f.at+"/"+name {
			return false
		}
	}
	return true
}

// messageID makes the turn's id of the client's own, or of its idempotency key
// and the place in the request. A client that gives neither cannot send again
// safely: then the moment makes the difference.
func messageID(src source, a ingest.Arrival, id string, index int) string {
	switch {
	case id != "":
		return ourID(src.tenant, a.Channel, id)
	case src.key != "":
		return event.ID("t", src.tenant, "idempotency-key", src.key, strconv.Itoa(index))
	}
	handle := ""
	if len(a.Person.Handles) > 0 {
		handle = a.Person.Handles[0].Canonical().Value
	}
	moment := a.Turn.At
	if moment.IsZero() {
		moment = time.Now()
	}
	return event.ID("t", src.tenant, string(a.Channel), handle, a.Turn.Interaction, string(a.Turn.Role), moment.Format(time.RFC3339Nano), a.Turn.Text, strconv.Itoa(index))
}

// ourID is the turn's id for what a client calls id, which may be ours already.
func ourID(tenant string, ch event.Channel, id string) string {
	if rest, ok := strings.CutPrefix(id, "t_"); ok && len(rest) == 24 && strings.Trim(rest, "0123456789abcdefghjkmnpqrstvwxyz") == "" {
		return id
	}
	return ingest.TurnID(tenant, ch, id)
}
