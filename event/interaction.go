package event

import "time"

// Channel is the medium of an interaction.
type Channel string

// The channels.
const (
	Voice    Channel = "voice"
	WhatsApp Channel = "whatsapp"
	WebChat  Channel = "webchat"
	SMS      Channel = "sms"
	Email    Channel = "email"
)

// Role says who speaks.
type Role string

// The roles. An unknown speaker is treated as an agent wherever the law
// protects agents (protocols: EU AI Act Art. 5(1)(f)).
const (
	Customer    Role = "customer"
	Agent       Role = "agent"
	Bot         Role = "bot"
	System      Role = "system"
	UnknownRole Role = ""
)

// Change is what happened to an interaction.
type Change string

// The changes. Ended, Failed and Abandoned are terminal: every interaction
// reaches one of them, with a reason.
const (
	Started     Change = "started"
	Joined      Change = "joined"
	Held        Change = "held"
	Resumed     Change = "resumed"
	Transferred Change = "transferred"
	Delivery    Change = "delivery" // of an outgoing message: see Interaction.Status
	Measured    Change = "measured" // conversation measures of a call, growing
	Ended       Change = "ended"
	Failed      Change = "failed"
	Abandoned   Change = "abandoned"
)

// Terminal tells whether nothing more can follow c.
func (c Change) Terminal() bool { return c == Ended || c == Failed || c == Abandoned }

// Interaction is one change in the life of a call or conversation.
type Interaction struct {
	ID          string    `json:"id"` // of this change
	Tenant      string    `json:"tenant"`
	Customer    string    `json:"customer"`
	Interaction string    `json:"interaction"`
	Channel     Channel   `json:"channel"`
	Change      Change    `json:"change"`
	At          time.Time `json:"at"`       // when it happened, by the source's clock
	Received    time.Time `json:"received"` // when it was accepted here
	Reason      string    `json:"reason,omitempty"`

	Direction string `json:"direction,omitempty"` // "inbound" or "outbound", seen from the centre
	Handle    string `json:"handle,omitempty"`    // the customer's, masked
	Name      string `json:"name,omitempty"`      // what the customer calls themself, as the channel gave it
	Account   string `json:"account,omitempty"`   // our side: number id, mailbox, widget
	Queue     string `json:"queue,omitempty"`
	Role      Role   `json:"role,omitempty"`  // who joined, held, transferred
	Agent     string `json:"agent,omitempty"` // the agent's id, never a name
	Case      string `json:"case,omitempty"`  // ticket or order the interaction is about

	Message string `json:"message,omitempty"` // for Delivery: the turn's id
	Status  string `json:"status,omitempty"`  // for Delivery: sent, delivered, read, played, failed
	Error   string `json:"error,omitempty"`   // for Delivery and Failed: the provider's code and title

	Measures *Measures         `json:"measures,omitempty"`
	Attrs    map[string]string `json:"attrs,omitempty"` // what the source adds: ad referral, billing, SIP ids
}

// Measures are the conversation measures of a call up to At. A nil field could
// not be known (a mono recording has no interruptions), which is not zero.
// Definitions and parameters: docs/metrics.md.
type Measures struct {
	DurationMS       int64    `json:"duration_ms"`
	TalkMS           *int64   `json:"talk_ms,omitempty"` // may exceed the duration: both can talk at once
	AgentTalkMS      *int64   `json:"agent_talk_ms,omitempty"`
	CustomerTalkMS   *int64   `json:"customer_talk_ms,omitempty"`
	NonTalkMS        *int64   `json:"non_talk_ms,omitempty"`
	HoldMS           *int64   `json:"hold_ms,omitempty"`
	OvertalkMS       *int64   `json:"overtalk_ms,omitempty"`
	Interruptions    *int     `json:"interruptions,omitempty"`     // by either side
	AgentInterrupts  *int     `json:"agent_interrupts,omitempty"`  // by the agent
	AgentWPM         *float64 `json:"agent_wpm,omitempty"`         // words a minute of own talk
	CustomerWPM      *float64 `json:"customer_wpm,omitempty"`      //
	AgentLoudness    *float64 `json:"agent_loudness,omitempty"`    // 0–100
	CustomerLoudness *float64 `json:"customer_loudness,omitempty"` // 0–100
	MOS              *float64 `json:"mos,omitempty"`               // estimated, ITU-T G.107
	LossPercent      *float64 `json:"loss_percent,omitempty"`
	JitterMS         *float64 `json:"jitter_ms,omitempty"`
	Parameters       string   `json:"parameters,omitempty"` // thresholds in force, "non_talk=3s;interruption=1s"
	Unknown          string   `json:"unknown,omitempty"`    // why some fields are missing, in words
}

// Merge gives m with what o knows besides or later: reports of a call come from
// several sides (the media, the transcript), each with its own fields.
func (m Measures) Merge(o Measures) Measures {
	m.DurationMS = max(m.DurationMS, o.DurationMS)
	for _, f := range []struct{ into, from **int64 }{
		{&m.TalkMS, &o.TalkMS}, {&m.AgentTalkMS, &o.AgentTalkMS}, {&m.CustomerTalkMS, &o.CustomerTalkMS},
		{&m.NonTalkMS, &o.NonTalkMS}, {&m.HoldMS, &o.HoldMS}, {&m.OvertalkMS, &o.OvertalkMS},
	} {
		keep(f.into, f.from)
	}
	keep(&m.Interruptions, &o.Interruptions)
	keep(&m.AgentInterrupts, &o.AgentInterrupts)
	for _, f := range []struct{ into, from **float64 }{
		{&m.AgentWPM, &o.AgentWPM}, {&m.CustomerWPM, &o.CustomerWPM}, {&m.AgentLoudness, &o.AgentLoudness},
		{&m.CustomerLoudness, &o.CustomerLoudness}, {&m.MOS, &o.MOS}, {&m.LossPercent, &o.LossPercent}, {&m.JitterMS, &o.JitterMS},
	} {
		keep(f.into, f.from)
	}
	if o.Parameters != "" {
		m.Parameters = o.Parameters
	}
	if o.Unknown != "" {
		m.Unknown = o.Unknown
	}
	return m
}

func keep[T any](into, from **T) {
	if *from != nil {
		*into = *from
	}
}
