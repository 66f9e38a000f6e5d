package event

import "time"

// PatternKind is what a pattern is about.
type PatternKind string

// The kinds of pattern.
const (
	PatternIntent    PatternKind = "intent"    // how many interactions have it
	PatternSentiment PatternKind = "sentiment" // of customers, mean over interactions
	PatternTheme     PatternKind = "theme"     // turns that no intent explains
)

// Pattern is a change over many customers that a test found. Formulas:
// docs/patterns.md.
type Pattern struct {
	ID           string      `json:"id"` // hash of tenant, kind, subject, place and day of the change
	Tenant       string      `json:"tenant"`
	Kind         PatternKind `json:"kind"`
	Subject      string      `json:"subject"`             // the intent, "out of scope", "sentiment", or the words of a theme
	Dimension    string      `json:"dimension,omitempty"` // queue, product or channel; empty: everywhere
	Value        string      `json:"value,omitempty"`     // which queue, product or channel
	Direction    string      `json:"direction"`           // rising, falling or new
	At           time.Time   `json:"at"`                  // the hour from which on it is different; of a theme, its first turn
	Earliest     time.Time   `json:"earliest"`            // hours that explain what was seen nearly as well
	Latest       time.Time   `json:"latest"`
	Found        time.Time   `json:"found"`        // when it was looked for
	Since        time.Time   `json:"since"`        // from when on a change was looked for
	Before       float64     `json:"before"`       // share of interactions, or mean sentiment −1..1
	After        float64     `json:"after"`        //
	Effect       float64     `json:"effect"`       // ratio of rates, or difference of means, the hour of the week allowed for
	Low          float64     `json:"low"`          // 95 % interval of Effect
	High         float64     `json:"high"`         //
	Interactions [2]int      `json:"interactions"` // all there were, before and after
	P            float64     `json:"p"`            // of such a change, or a greater one, where nothing changes
	Q            float64     `json:"q"`            // P after all tests of the search (Benjamini and Hochberg)
	Tests        int         `json:"tests"`        // of the search
	Examples     []string    `json:"examples"`     // ids of turns that show it
}
