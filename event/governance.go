package event

import "time"

// Purpose is what a consent is about.
type Purpose string

// The purposes.
const (
	Record       Purpose = "record"
	Transcribe   Purpose = "transcribe"
	AnalyseText  Purpose = "analyse_text"
	VoiceEmotion Purpose = "analyse_voice_emotion"
	Train        Purpose = "train"
	Market       Purpose = "market"
)

// Consent is what a person said of one purpose on one channel ("" = all).
type Consent struct {
	ID           string    `json:"id"`
	Tenant       string    `json:"tenant"`
	Customer     string    `json:"customer"`
	Purpose      Purpose   `json:"purpose"`
	Channel      Channel   `json:"channel,omitempty"`
	Allowed      bool      `json:"allowed"`
	Basis        string    `json:"basis,omitempty"` // consent, contract, legal_obligation, legitimate_interest
	Jurisdiction string    `json:"jurisdiction,omitempty"`
	Evidence     string    `json:"evidence,omitempty"` // reference: turn id, form id; never words
	Notice       string    `json:"notice,omitempty"`   // version of the notice shown
	At           time.Time `json:"at"`
}

// Key is what a later consent replaces.
func (c Consent) Key() string {
	return c.Tenant + "/" + c.Customer + "/" + string(c.Purpose) + "/" + string(c.Channel)
}

// Identity says that a handle belongs to a customer, or that two customers are
// one (Into set), or are one no more (Undo set), or that a handle passed from the
// person it stood for to somebody else (Released set; Into: who that person is
// known as now, if anybody knows).
type Identity struct {
	ID       string    `json:"id"`
	Tenant   string    `json:"tenant"`
	Customer string    `json:"customer"`
	Handle   *Handle   `json:"handle,omitempty"`
	Name     string    `json:"name,omitempty"`
	Into     string    `json:"into,omitempty"` // the customer that Customer became
	Undo     bool      `json:"undo,omitempty"`
	Released bool      `json:"released,omitempty"`
	By       string    `json:"by"`  // crm, agent, verified, whatsapp
	Why      string    `json:"why"` // in words
	At       time.Time `json:"at"`
}

// Key is what a later identity event replaces. A merge and its undo have keys of
// their own, so that whichever comes last on the topic both times are known.
func (i Identity) Key() string {
	who := i.Tenant + "/" + i.Customer
	switch {
	case i.Released:
		return who + "/released"
	case i.Handle != nil:
		return who + "/" + string(i.Handle.Kind) + "/" + i.Handle.Value
	case i.Undo:
		return who + "/not/" + i.Into
	}
	return who + "/into/" + i.Into
}

// Policy is a version of a tenant's rules as it was put in force. The last event
// of a tenant says which one holds.
type Policy struct {
	Tenant  string    `json:"tenant"`
	Version string    `json:"version"`        // as declared, and a hash of the text; empty: the configured file holds again
	Text    string    `json:"text,omitempty"` // the file, YAML
	By      string    `json:"by"`             // who put it in force
	At      time.Time `json:"at"`
	Request string    `json:"request"` // of this activation, unique
}

// Key is what a later activation of the same version replaces.
func (p Policy) Key() string { return p.Tenant + "/" + p.Version }

// Audit is one step that can be proved later. References only, never words.
type Audit struct {
	ID      string            `json:"id"`
	Tenant  string            `json:"tenant"`
	At      time.Time         `json:"at"`
	Actor   string            `json:"actor"`
	Action  string            `json:"action"`
	Object  string            `json:"object"`
	Policy  string            `json:"policy,omitempty"`
	Request string            `json:"request,omitempty"`
	Detail  map[string]string `json:"detail,omitempty"`
}
