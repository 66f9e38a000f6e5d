package audiohook

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"throughline/event"
)

// entity is a transcript as Genesys shows it to an agent.
type entity struct {
	Type string     `json:"type"`
	Data transcript `json:"data"`
}

type transcript struct {
	ID           string        `json:"id"`
	ChannelID    int           `json:"channelId"`
	Final        bool          `json:"isFinal"`
	Offset       duration      `json:"offset"`
	Duration     duration      `json:"duration"`
	Alternatives []alternative `json:"alternatives"`
}

type alternative struct {
	Confidence      float64          `json:"confidence"`
	Languages       []string         `json:"languages,omitempty"`
	Interpretations []interpretation `json:"interpretations"`
}

type interpretation struct {
	Type       string  `json:"type"`
	Transcript string  `json:"transcript"`
	Tokens     []token `json:"tokens,omitempty"`
}

type token struct {
	Type       string   `json:"type"`
	Value      string   `json:"value"`
	Confidence float64  `json:"confidence"`
	Offset     duration `json:"offset"`
	Duration   duration `json:"duration"`
}

// tell sends the turns of the call back for as long as the session lasts.
func (c *session) tell(ctx context.Context) {
	if c.server.cfg.Transcripts == nil || c.call == nil {
		return
	}
	c.transcripts = make(chan struct{})
	go func() {
		defer close(c.transcripts)
		err := c.server.cfg.Transcripts(ctx, c.call.Interaction(), func(t event.Turn, final bool) error {
			e, ok := c.entity(t, final)
			if !ok {
				return nil
			}
			return c.send("event", map[string]any{"entities": []entity{e}})
		})
		if err != nil && ctx.Err() == nil {
			c.server.log.Warn("transcripts cannot be sent back", "interaction_id", c.call.Interaction(), "error", err)
		}
	}()
}

// flush waits for the last transcripts.
func (c *session) flush() {
	if c.transcripts == nil {
		return
	}
	t := time.NewTimer(c.server.cfg.Flush)
	defer t.Stop()
	select {
	case <-c.transcripts:
	case <-t.C:
	}
}

// entity writes a turn with its times in the session, whose audio may have begun
// later than the call. Turns of nobody on the session's channels are left out.
func (c *session) entity(t event.Turn, final bool) (entity, bool) {
	channel := slices.IndexFunc(c.media.Channels, func(name string) bool { return role(name) == t.Role })
	if channel < 0 || t.Text == "" {
		return entity{}, false
	}
	c.sending.Lock()
	base := c.base
	c.sending.Unlock()
	at := func(ms int64) duration { return duration(time.Duration(ms)*time.Millisecond - base) }
	span := func(from, to int64) duration { return duration(time.Duration(max(to-from, 0)) * time.Millisecond) }
	said := interpretation{Type: "display", Transcript: t.Text}
	for _, w := range t.Words {
		said.Tokens = append(said.Tokens, token{Type: "word", Value: w.Text, Confidence: t.Confidence, Offset: at(w.StartMS), Duration: span(w.StartMS, w.EndMS)})
	}
	a := alternative{Confidence: t.Confidence, Interpretations: []interpretation{said}}
	if t.Language != "" {
		a.Languages = []string{t.Language}
	}
	return entity{Type: "transcript", Data: transcript{ID: uuid(t.ID), ChannelID: channel, Final: final,
		Offset: at(t.StartMS), Duration: span(t.StartMS, t.EndMS), Alternatives: []alternative{a}}}, true
}

// uuid is the name of a turn in the form that Genesys wants (RFC 9562 §5.8): the
// growing transcripts of a turn and its final one have the same.
func uuid(id string) string {
	h := sha256.Sum256([]byte(id))
	h[6] = h[6]&0x0f | 0x80
	h[8] = h[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16])
}
