package event

import (
	"strings"
	"time"
)

// Part is what the events of one customer made, on its way to the customer that
// this one became: a snapshot, the newest of a key counts. It goes along Path,
// from one merge to the next.
type Part struct {
	Tenant  string    `json:"tenant"`
	Origin  string    `json:"origin"`  // whose events these are; for a released handle with the time of its release
	Path    []string  `json:"path"`    // the customers it came by, Origin's first; the last one sent it
	Into    string    `json:"into"`    // the customer it goes to; the sender itself: kept for later
	Version uint64    `json:"version"` // Origin's
	Gone    bool      `json:"gone,omitempty"`
	Linked  time.Time `json:"linked"`        // when the last of the path was merged into Into
	By      string    `json:"by,omitempty"`  // who said so
	Why     string    `json:"why,omitempty"` // in words
	Cause   Cause     `json:"cause"`

	Handle       string             `json:"handle,omitempty"` // masked
	Name         string             `json:"name,omitempty"`
	Interactions []InteractionState `json:"interactions,omitempty"`
	Recent       []TurnDigest       `json:"recent,omitempty"`
	Archive      []PastJourney      `json:"archive,omitempty"`
	Consents     []ConsentGiven     `json:"consents,omitempty"`
	Tags         []Tagged           `json:"tags,omitempty"`
	Seen         []byte             `json:"seen,omitempty"` // of a released handle: ids applied since
}

// Sender is the customer whose shard sent the part.
func (p Part) Sender() string { return p.Path[len(p.Path)-1] }

// Key is what a later part replaces: the same events by the same sender to the
// same customer.
func (p Part) Key() string { return strings.Join([]string{p.Origin, p.Sender(), p.Into}, "/") }
