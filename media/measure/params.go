package measure

import "time"

// Params are the thresholds of the definitions. They are stored beside the values, because a
// number without its definition starts arguments. A zero field means its default.
type Params struct {
	// NonTalk is the least silence of both parties that counts as non-talk. Amazon Contact Lens
	// fixes it at 3 s.
	NonTalk time.Duration `json:"non_talk"`
	// Join is the pause within which a party's intervals are one utterance.
	Join time.Duration `json:"join"`
	// Backchannel is the longest utterance that, begun over the other party, only says "I listen".
	Backchannel time.Duration `json:"backchannel"`
	// Lead is how long a party must have been speaking before it can be interrupted: two who begin
	// together collide, neither interrupts.
	Lead time.Duration `json:"lead"`
	// Overlap is the least simultaneous speech that makes an interruption. LiveKit's example of a
	// shortest interruption is 0.5 s; Verint's alarm takes 3 s.
	Overlap time.Duration `json:"overlap"`
	// Spoken is the least speech for which a talk speed is given.
	Spoken time.Duration `json:"spoken"`
}

// The defaults of Params.
const (
	DefaultNonTalk     = 3 * time.Second
	DefaultJoin        = 500 * time.Millisecond
	DefaultBackchannel = time.Second
	DefaultLead        = 500 * time.Millisecond
	DefaultOverlap     = 500 * time.Millisecond
	DefaultSpoken      = 3 * time.Second
)

func (p Params) withDefaults() Params {
	for _, f := range []struct {
		value   *time.Duration
		standby time.Duration
	}{
		{&p.NonTalk, DefaultNonTalk}, {&p.Join, DefaultJoin}, {&p.Backchannel, DefaultBackchannel},
		{&p.Lead, DefaultLead}, {&p.Overlap, DefaultOverlap}, {&p.Spoken, DefaultSpoken},
	} {
		if *f.value <= 0 {
			*f.value = f.standby
		}
	}
	return p
}
