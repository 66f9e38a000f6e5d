package webchat

import (
	"encoding/json"
	"time"

	"throughline/event"
)

// in is what a client sends. Type is hello, msg or end.
type in struct {
	Type string `json:"t"`

	// hello
	Token   string `json:"token"`   // from an earlier welcome, or signed by the site
	Conv    string `json:"conv"`    // the conversation that the client shows
	Last    int    `json:"last"`    // the highest seq that it has of it
	Account string `json:"account"` // the widget, where no token tells it
	Name    string `json:"name"`    // what the visitor calls themself

	// msg
	CID      string `json:"cid"` // the client's id of the message: sent again, it is the same message
	Text     string `json:"text"`
	TS       int64  `json:"ts"` // the client's clock, Unix milliseconds: a hint
	Language string `json:"language"`
}

// out is what a client is sent. Type is welcome, msg, ack, ended or error.
type out struct {
	Type string `json:"t"`
	Conv string `json:"conv,omitempty"`

	// welcome
	Next    int    `json:"next,omitempty"`  // the seq that the next message will have
	Reset   bool   `json:"reset,omitempty"` // forget what you show: everything that is kept follows
	Token   string `json:"token,omitempty"` // keep it: it resumes the conversation
	Expires int64  `json:"expires,omitempty"`

	// msg, ack
	Seq   int        `json:"seq,omitempty"`
	CID   string     `json:"cid,omitempty"`
	ID    string     `json:"id,omitempty"`
	Role  event.Role `json:"role,omitempty"`
	Agent string     `json:"agent,omitempty"`
	Text  string     `json:"text,omitempty"`
	At    *time.Time `json:"at,omitempty"`

	// ended, error
	Reason  string `json:"reason,omitempty"`
	Pointer string `json:"pointer,omitempty"` // the field of the frame that is wrong
	Retry   bool   `json:"retry,omitempty"`   // not stored yet: send the same frame again
}

func (o out) encode() []byte {
	raw, err := json.Marshal(o)
	if err != nil {
		return []byte(`{"t":"error","reason":"the answer could not be written"}`)
	}
	return raw
}
