package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"

	"throughline/event"
)

// chat is a visitor's page with the chat widget open: a WebSocket that is
// opened again when it breaks, and messages that are sent again until they are
// acknowledged.
type chat struct {
	url     string
	account string
	name    string
	about   string // the conversation, for the ledger
	ledger  *ledger

	ws     *websocket.Conn
	frames chan chatFrame // of ws; closed when it breaks
	token  string
	// What the page shows. Between open and drop they belong to the reader.
	conv string
	last int
}

// chatFrame is what the server sends.
type chatFrame struct {
	Type   string     `json:"t"`
	Conv   string     `json:"conv"`
	Token  string     `json:"token"`
	CID    string     `json:"cid"`
	Seq    int        `json:"seq"`
	ID     string     `json:"id"`
	Role   event.Role `json:"role"`
	Reason string     `json:"reason"`
	Retry  bool       `json:"retry"`
}

// ackWithin is how long the page waits before it sends a message again.
const ackWithin = 8 * time.Second

var (
	errBroken    = errors.New("the chat broke off")
	errNotStored = errors.New("the message is not stored yet")
)

func newChat(base, account, name, about string, l *ledger) *chat {
	return &chat{url: "ws" + strings.TrimPrefix(base, "http") + "/v1/chat", account: account, name: name, about: about, ledger: l}
}

func (c *chat) say(ctx context.Context, said ...words) error {
	for _, w := range said {
		if err := c.message(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

// message sends w until it is acknowledged.
func (c *chat) message(ctx context.Context, w words) error {
	frame, err := json.Marshal(object{"t": "msg", "cid": w.id, "text": w.text, "ts": time.Now().UnixMilli()})
	if err != nil {
		return fmt.Errorf("write chat frame: %w", err)
	}
	for wait := firstWait; ; wait = min(2*wait, longestTry) {
		err := c.try(ctx, w.id, frame)
		if err == nil {
			return nil
		}
		if _, final := errors.AsType[*refusal](err); final || ctx.Err() != nil {
			c.ledger.count(func(n *counts) { n.Refused++ })
			return fmt.Errorf("chat: %w", err)
		}
		if !errors.Is(err, errNotStored) {
			c.drop()
		}
		c.ledger.count(func(n *counts) { n.Retried++ })
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

func (c *chat) try(ctx context.Context, id string, frame []byte) error {
	if err := c.open(ctx); err != nil {
		return err
	}
	if err := c.ws.Write(ctx, websocket.MessageText, frame); err != nil {
		return err
	}
	return c.acknowledged(ctx, id)
}

// acknowledged waits for what becomes of a message.
func (c *chat) acknowledged(ctx context.Context, id string) error {
	late := time.NewTimer(ackWithin)
	defer late.Stop()
	for {
		select {
		case f, ok := <-c.frames:
			switch {
			case !ok:
				return errBroken
			case f.CID != id:
			case f.Type == "ack":
				c.ledger.accepted(id, f.ID, f.Conv, "")
				return nil
			case f.Type == "error" && f.Retry:
				return errNotStored
			case f.Type == "error":
				return &refusal{Title: f.Reason}
			}
		case <-late.C:
			return errors.New("no acknowledgement came")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// drop leaves the socket as it is. What was read until then is read.
func (c *chat) drop() {
	if c.ws == nil {
		return
	}
	_ = c.ws.CloseNow()
	for range c.frames {
		continue // the reader must be gone before another begins
	}
	c.ws = nil
}

// open connects and says hello, or resumes, unless the chat is open.
func (c *chat) open(ctx context.Context) error {
	if c.ws != nil {
		return nil
	}
	dctx, cancel := context.WithTimeout(ctx, longestTry)
	defer cancel()
	ws, resp, err := websocket.Dial(dctx, c.url, nil)
	if err != nil {
		if resp != nil && resp.StatusCode != http.StatusServiceUnavailable {
			return &refusal{Status: resp.StatusCode, Title: "the chat cannot be opened"}
		}
		return err
	}
	ws.SetReadLimit(1 << 20)
	hello, err := json.Marshal(object{"t": "hello", "account": c.account, "name": c.name, "token": c.token, "conv": c.conv, "last": c.last})
	if err != nil {
		return fmt.Errorf("write hello: %w", err)
	}
	if err := ws.Write(dctx, websocket.MessageText, hello); err != nil {
		return err
	}
	_, raw, err := ws.Read(dctx)
	var welcome chatFrame
	if err != nil || json.Unmarshal(raw, &welcome) != nil || welcome.Type != "welcome" {
		_ = ws.CloseNow()
		return errBroken
	}
	if welcome.Token != "" {
		c.token = welcome.Token
	}
	c.ws, c.frames = ws, make(chan chatFrame, 64)
	c.ledger.count(func(n *counts) { n.Requests++ })
	go c.read(ctx, ws, c.frames)
	return nil
}

// read passes frames on until the socket is gone. What agents wrote is noted as
// shown; everything else is for acknowledged to look at.
func (c *chat) read(ctx context.Context, ws *websocket.Conn, frames chan<- chatFrame) {
	defer close(frames)
	for {
		_, raw, err := ws.Read(ctx)
		if err != nil {
			return
		}
		var f chatFrame
		if json.Unmarshal(raw, &f) != nil {
			continue
		}
		if f.Seq > 0 && (f.Seq > c.last || f.Conv != c.conv) {
			c.conv, c.last = f.Conv, f.Seq
		}
		if f.Type == "msg" && f.Role != event.Customer {
			c.ledger.showed(f.CID)
		}
		if f.Type != "ack" && f.Type != "error" {
			continue
		}
		select {
		case frames <- f:
		case <-ctx.Done():
			return
		}
	}
}

// close leaves when the agents' last words have been shown, or soon after.
func (c *chat) close(ctx context.Context) {
	if c.ws == nil {
		return
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(ackWithin); c.ledger.unshown(c.about) > 0 && time.Now().Before(end) && ctx.Err() == nil; {
		select {
		case _, ok := <-c.frames:
			if !ok { // the socket broke while nobody spoke: what was missed comes now
				c.drop()
				_ = c.open(ctx)
			}
		case <-tick.C:
		case <-ctx.Done():
		}
		if c.ws == nil {
			return
		}
	}
	_ = c.ws.Close(websocket.StatusNormalClosure, "")
	c.drop()
}
