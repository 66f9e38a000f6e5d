package event

import (
	"encoding/json"
	"time"
)

// Kind says what a turn is made of.
type Kind string

// The kinds of turn. Anything a provider invents later arrives as Unsupported
// with its (redacted) body in Raw.
const (
	Utterance   Kind = "utterance" // spoken
	Text        Kind = "text"
	Image       Kind = "image"
	Video       Kind = "video"
	AudioFile   Kind = "audio"
	VoiceNote   Kind = "voice_note"
	Document    Kind = "document"
	Sticker     Kind = "sticker"
	Location    Kind = "location"
	Contacts    Kind = "contacts"
	Reaction    Kind = "reaction"
	Button      Kind = "button"
	Interactive Kind = "interactive"
	Order       Kind = "order"
	Notice      Kind = "notice" // the platform's own words: number changed, ad referral
	Edit        Kind = "edit"
	Revoke      Kind = "revoke"
	Unsupported Kind = "unsupported"
)

// Turn is one final utterance or message. What is read from a topic has passed
// governance.Gate: Text holds placeholders where personal data stood.
type Turn struct {
	ID          string    `json:"id"`
	Tenant      string    `json:"tenant"`
	Customer    string    `json:"customer"`
	Interaction string    `json:"interaction"`
	Channel     Channel   `json:"channel"`
	Role        Role      `json:"role"`
	Agent       string    `json:"agent,omitempty"` // the agent's id when Role is Agent
	Kind        Kind      `json:"kind"`
	At          time.Time `json:"at"`       // when it was said, by the source's clock
	Received    time.Time `json:"received"` // when it was accepted here

	Text     string `json:"text,omitempty"`
	Language string `json:"language,omitempty"` // BCP 47, as the source says or as detected

	// For utterances: position in the call and word times where the recogniser gives them.
	StartMS    int64   `json:"start_ms,omitempty"`
	EndMS      int64   `json:"end_ms,omitempty"`
	Confidence float64 `json:"confidence,omitempty"` // of the recogniser, 0–1
	Words      []Word  `json:"words,omitempty"`
	Stable     int     `json:"stable,omitempty"` // for partials: bytes of Text that will not change

	ReplyTo  string            `json:"reply_to,omitempty"` // turn id
	Target   string            `json:"target,omitempty"`   // turn id that an edit, revoke or reaction is about
	Media    *Media            `json:"media,omitempty"`
	Provider string            `json:"provider,omitempty"` // the provider's own message id
	Attrs    map[string]string `json:"attrs,omitempty"`
	Raw      json.RawMessage   `json:"raw,omitempty"` // unsupported kinds: the provider's body, redacted

	Historic  bool        `json:"historic,omitempty"` // backfilled: stored and scored, never alerted on
	Withheld  string      `json:"withheld,omitempty"` // why the content was not kept, e.g. "consent withdrawn"
	Redacted  []Redaction `json:"redacted,omitempty"`
	Clearance string      `json:"clearance,omitempty"` // version of the gate's rules that cleared it

	Acoustics *Acoustics `json:"acoustics,omitempty"`
}

// Word is a word with its times in the call.
type Word struct {
	Text        string `json:"text"`
	StartMS     int64  `json:"start_ms"`
	EndMS       int64  `json:"end_ms"`
	Approximate bool   `json:"approximate,omitempty"` // spread over the speech, not measured
}

// Media is a reference to a file at the provider; bytes never travel in events.
type Media struct {
	ID       string `json:"id,omitempty"`
	MIME     string `json:"mime,omitempty"`
	SHA256   string `json:"sha256,omitempty"` // base64, as providers give it
	Filename string `json:"filename,omitempty"`
	Size     int64  `json:"size,omitempty"` // bytes
}

// Redaction says what was taken out of Text and where its placeholder stands
// (byte offsets into the redacted text).
type Redaction struct {
	Type      string `json:"type"` // CARD, CVV, PHONE, MAIL, IBAN, NATIONAL_ID, …
	Start     int    `json:"start"`
	End       int    `json:"end"`
	Pseudonym string `json:"pseudonym,omitempty"` // the same value gives the same one within the tenant
}

// Acoustics are observable properties of how a turn was spoken, against the
// speaker's own baseline in this call. Never made for agents by default.
type Acoustics struct {
	PitchHz      float64 `json:"pitch_hz,omitempty"`
	PitchShift   float64 `json:"pitch_shift,omitempty"` // semitones from the baseline
	Loudness     float64 `json:"loudness,omitempty"`    // 0–100
	LoudnessUp   float64 `json:"loudness_up,omitempty"` // decibel from the baseline
	WordsPerMin  float64 `json:"words_per_minute,omitempty"`
	PauseShare   float64 `json:"pause_share,omitempty"` // 0–1 of the turn's time
	ObservedOnly bool    `json:"observed_only"`         // no emotion was inferred from voice
}

// AudioChunk is 100–200 ms of one leg's ordered audio as codec payloads.
type AudioChunk struct {
	ID          string    `json:"id"` // leg + media offset
	Tenant      string    `json:"tenant"`
	Customer    string    `json:"customer"`
	Interaction string    `json:"interaction"`
	Leg         string    `json:"leg"`
	Role        Role      `json:"role,omitempty"`
	Agent       string    `json:"agent,omitempty"`
	Seq         uint64    `json:"seq"`
	At          time.Time `json:"at"`
	OffsetMS    int64     `json:"offset_ms"` // of the chunk's first sample from the interaction's start
	Payload     []byte    `json:"payload"`   // media.Chunk in its binary form
	Last        bool      `json:"last,omitempty"`
	Reason      string    `json:"reason,omitempty"` // with Last: why the leg ended
}
