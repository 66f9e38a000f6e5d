package event

import "time"

// JourneyState is where a journey stands.
type JourneyState string

// The states of a journey.
const (
	JourneyOpen     JourneyState = "open"     // somebody is waiting for an answer
	JourneyWaiting  JourneyState = "waiting"  // the customer has the last word to say
	JourneyResolved JourneyState = "resolved" // nothing is open
)

// Journey is the state of a customer's journey after a change: a snapshot, not
// a delta, so the latest one of a key is all there is to know.
type Journey struct {
	ID       string       `json:"id"`
	Tenant   string       `json:"tenant"`
	Customer string       `json:"customer"`
	Version  uint64       `json:"version"` // grows by one with each change
	State    JourneyState `json:"state"`
	Opened   time.Time    `json:"opened"`
	Updated  time.Time    `json:"updated"` // when the cause happened
	Cause    Cause        `json:"cause"`   // what made this version

	Handle string `json:"handle,omitempty"` // masked
	Name   string `json:"name,omitempty"`

	Interactions []InteractionState `json:"interactions"`     // oldest first, bounded
	Intents      []OpenIntent       `json:"intents"`          // open and recently closed
	Recent       []TurnDigest       `json:"recent"`           // last turns, oldest first, bounded
	Sentiment    JourneySentiment   `json:"sentiment"`        // over the whole journey
	Scores       Scores             `json:"scores"`           //
	Facts        []Fact             `json:"facts,omitempty"`  // asked and answered, promised
	Tags         []string           `json:"tags,omitempty"`   // set by policy
	Opted        map[string]bool    `json:"opted,omitempty"`  // purpose → allowed, as consent stands
	Merged       []string           `json:"merged,omitempty"` // customers whose journeys were joined into this one
	Past         []PastJourney      `json:"past,omitempty"`   // earlier journeys, newest last, bounded
	Turns        int                `json:"turns"`
	Curve        []Point            `json:"curve,omitempty"` // the customer's sentiment over time, bounded
	Seen         []byte             `json:"seen,omitempty"`  // hashes of the ids lately applied: a redelivery changes nothing
}

// Point is one or several neighbouring scored turns of the customer. Where a
// journey has many, neighbours are joined; sums stay exact.
type Point struct {
	At      time.Time `json:"at"`  // of the first turn
	Sum     float64   `json:"sum"` // of the scores, each −1..1
	Squares float64   `json:"squares"`
	N       int       `json:"n"`
	Neutral int       `json:"neutral"` // how many of them are neutral
}

// Cause names the event that made a version of a journey. The features of the
// turn travel along so that policy can be decided on them.
type Cause struct {
	Type        string    `json:"type"` // "turn", "interaction", "identity", "feedback", "tag", "time"
	ID          string    `json:"id"`
	Interaction string    `json:"interaction,omitempty"` // where it happened, for a change of an interaction
	Features    *Features `json:"features,omitempty"`
	Change      Change    `json:"change,omitempty"`
}

// InteractionState is one interaction of a journey.
type InteractionState struct {
	ID        string    `json:"id"`
	Channel   Channel   `json:"channel"`
	Direction string    `json:"direction,omitempty"` // inbound or outbound, seen from the centre
	Started   time.Time `json:"started"`
	Last      time.Time `json:"last"`
	Ended     time.Time `json:"ended,omitzero"`
	Reason    string    `json:"reason,omitempty"` // of the end
	Outcome   Change    `json:"outcome,omitempty"`
	Joined    string    `json:"joined"` // why it belongs to this journey, in words
	Agent     string    `json:"agent,omitempty"`
	Queue     string    `json:"queue,omitempty"`
	Case      string    `json:"case,omitempty"`
	Held      bool      `json:"held,omitempty"`
	Turns     int       `json:"turns"`
	Customer  int       `json:"customer_turns"`
	Words     int       `json:"words,omitempty"`     // of the customer
	Upset     int       `json:"upset,omitempty"`     // customer turns that read as anger or disgust
	Transfers int       `json:"transfers,omitempty"` // times handed to another agent or queue
	Holds     int       `json:"holds,omitempty"`     // times put on hold
	Sentiment float64   `json:"sentiment"`           // −5..+5, customer turns
	Scored    int       `json:"scored"`              // turns behind Sentiment
	LastScore float64   `json:"last_score"`
	Pickup    *int      `json:"pickup,omitempty"`    // agent turns until the carried intent was picked up
	Reasks    int       `json:"reasks,omitempty"`    // times asked again for what is known
	Measures  *Measures `json:"measures,omitempty"`  //
	Delivered string    `json:"delivered,omitempty"` // best status of the last outgoing message
}

// OpenIntent is a want of the customer and what became of it.
type OpenIntent struct {
	Name        string    `json:"name"`
	Since       time.Time `json:"since"`
	Last        time.Time `json:"last"`
	Interaction string    `json:"interaction"` // where it was first said
	Turn        string    `json:"turn"`
	Probability float64   `json:"probability"`
	Mentions    int       `json:"mentions"`
	Closed      time.Time `json:"closed,omitzero"`
}

// TurnDigest is a turn as the journey remembers it.
type TurnDigest struct {
	ID          string    `json:"id"`
	Interaction string    `json:"interaction"`
	Channel     Channel   `json:"channel"`
	Role        Role      `json:"role"`
	At          time.Time `json:"at"`
	Text        string    `json:"text,omitempty"` // cleared, cut to a line
	Score       *float64  `json:"score,omitempty"`
	Intent      string    `json:"intent,omitempty"`
}

// JourneySentiment is the sentiment of a whole journey. Formulas: docs/metrics.md.
type JourneySentiment struct {
	Overall    float64     `json:"overall"`    // −5..+5
	Last       float64     `json:"last"`       // of the last scored customer turn, −1..1
	Trend      float64     `json:"trend"`      // (mean of the last third − mean of the first third) / 2, −1..1
	Shift      string      `json:"shift"`      // "improved", "worsened" or ""
	Volatility float64     `json:"volatility"` // standard deviation of the scores
	Quarters   [4]*float64 `json:"quarters"`   // −5..+5, nil where nobody spoke
	Scored     int         `json:"scored"`     // turns with a score
	Neutral    float64     `json:"neutral"`    // share of them that are neutral
}

// Scores are what is predicted or counted of a journey. Each is nil until it
// can be known.
type Scores struct {
	Effort       *Score `json:"effort,omitempty"`       // 0–100, higher is harder
	Escalation   *Score `json:"escalation,omitempty"`   // probability
	Churn        *Score `json:"churn,omitempty"`        // probability
	Satisfaction *Score `json:"satisfaction,omitempty"` // 1–5 expected
	Resolution   *Score `json:"resolution,omitempty"`   // probability
}

// Score is a value with the features that moved it most, biggest first.
type Score struct {
	Value float64  `json:"value"`
	Model string   `json:"model"`
	Moved []Factor `json:"moved,omitempty"`
}

// Factor is one feature's push on a score.
type Factor struct {
	Name string  `json:"name"`
	Push float64 `json:"push"`
}

// Fact is something the centre has been told or has promised.
type Fact struct {
	Kind        string    `json:"kind"`  // "answered", "promised"
	About       string    `json:"about"` // "order number", "call back"
	Value       string    `json:"value,omitempty"`
	At          time.Time `json:"at"`
	Interaction string    `json:"interaction"`
	Turn        string    `json:"turn"`
}

// PastJourney is a closed journey in one line.
type PastJourney struct {
	ID        string    `json:"id"`
	Opened    time.Time `json:"opened"`
	Closed    time.Time `json:"closed"`
	Intents   []string  `json:"intents,omitempty"`
	Sentiment float64   `json:"sentiment"`
}
