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

	// Into is the customer that this one became: then everything here is shown
	// there, and this state counts nowhere. Within is the journey that took this
	// one's interactions over, or the customer where none did: then nothing of
	// this id is left.
	Into   string `json:"into,omitempty"`
	Within string `json:"within,omitempty"`
	// Since is when the handle passed to somebody else. What the customer id did
	// before is another person's.
	Since time.Time `json:"since,omitzero"`

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
	Merged       []string           `json:"merged,omitempty"` // customers who became this one
	Past         []PastJourney      `json:"past,omitempty"`   // earlier journeys, newest last, bounded
	Turns        int                `json:"turns"`
	Curve        []Point            `json:"curve,omitempty"` // the customer's sentiment over time, bounded

	Resolved     time.Time `json:"resolved,omitzero"`       // since when nothing is open
	ResolvedBy   string    `json:"resolved_by,omitempty"`   // "thanks", "silence", "released"
	FirstContact *bool     `json:"first_contact,omitempty"` // whether one contact resolved it; nil until that is known
	Pickup       *float64  `json:"pickup,omitempty"`        // mean of its interactions' pick-ups; nil where nothing was carried over and picked up
	Reasks       int       `json:"reasks,omitempty"`        // times the customer was asked again for what was known

	Keep *Keep `json:"keep,omitempty"` // what the journey stage must know besides, to go on from here
}

// Elsewhere tells that what this state tells of is shown, counted and decided on
// in another customer's or another journey's.
func (j Journey) Elsewhere() bool { return j.Into != "" || j.Within != "" }

// Keep is the rest of what the journey stage remembers of a customer: with the
// shown interactions of the customer's own it is all that the stage's figures
// are derived from.
type Keep struct {
	Others  []InteractionState `json:"others,omitempty"`  // own interactions of other journeys
	Recent  []TurnDigest       `json:"recent,omitempty"`  // own turns that are not among the recent ones shown
	Archive []PastJourney      `json:"archive,omitempty"` // own journeys whose interactions are no longer held
	Handle  string             `json:"handle,omitempty"`  // masked
	Name    string             `json:"name,omitempty"`
	Named   time.Time          `json:"named,omitzero"` // when the name was given, where that is known
	Tags    []Tagged           `json:"tags,omitempty"`
	Told    time.Time          `json:"told,omitzero"`  // up to when what time alone changes was told
	Version uint64             `json:"version"`        // of the own part: grows with each change of it
	Seen    []byte             `json:"seen,omitempty"` // hashes of the ids lately applied: a redelivery changes nothing
}

// ConsentGiven is the last that a customer said of one purpose on one channel.
type ConsentGiven struct {
	Purpose Purpose   `json:"purpose"`
	Channel Channel   `json:"channel,omitempty"` // empty: all
	Allowed bool      `json:"allowed"`
	At      time.Time `json:"at"`
}

// Tagged is a tag that policy set, and in which interaction.
type Tagged struct {
	Tag         string `json:"tag"`
	Interaction string `json:"interaction"`
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
	Type        string    `json:"type"` // "turn", "interaction", "identity", "consent", "feedback", "tag", "stitch", "time"
	ID          string    `json:"id"`
	Interaction string    `json:"interaction,omitempty"` // where it happened, if in one
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
	Pickup    *int      `json:"pickup,omitempty"`    // agents' turns before the one that picked the carried intent up; nil until one did
	Reasks    int       `json:"reasks,omitempty"`    // times asked again for what is known
	Measures  *Measures `json:"measures,omitempty"`  //
	Delivered string    `json:"delivered,omitempty"` // best status of the last outgoing message

	Of       string   `json:"of,omitempty"`        // whose it is, where that is a customer who became this one
	JoinedBy string   `json:"joined_by,omitempty"` // why it belongs to this journey, as a code: first, time, case, intent, reopened
	Carried  []string `json:"carried,omitempty"`   // intents that were open when it began on another channel
	Basis    *Basis   `json:"basis,omitempty"`     // what the figures above are derived from
}

// Basis is what was noted of an interaction's turns. Figures of interaction and
// journey are derived from it, so that journeys which were joined count alike.
// It is bounded; where there is more, the earliest of a kind stay.
type Basis struct {
	Points   []Point     `json:"points,omitempty"`   // the customer's sentiment, neighbours joined
	Wants    []Want      `json:"wants,omitempty"`    // intents of the customer
	Thanks   []time.Time `json:"thanks,omitempty"`   // when the customer thanked, and meant it
	Facts    []Fact      `json:"facts,omitempty"`    // asked, given and promised, by time
	Took     []Took      `json:"took,omitempty"`     // what agents spoke about, first time each
	Answers  []time.Time `json:"answers,omitempty"`  // agents' first turns
	Customer time.Time   `json:"customer,omitzero"`  // the customer's last word
	Centre   time.Time   `json:"centre,omitzero"`    // the last word of agent or bot
	Assigned time.Time   `json:"assigned,omitzero"`  // since when the agent has it
	Queued   time.Time   `json:"queued,omitzero"`    // since when it is in its queue
	Paused   time.Time   `json:"paused,omitzero"`    // when it was held or resumed last
	Historic bool        `json:"historic,omitempty"` // backfilled
}

// Want is an intent over the neighbouring turns that named it.
type Want struct {
	Name        string    `json:"name"`
	First       time.Time `json:"first"`
	Last        time.Time `json:"last"`
	Turn        string    `json:"turn"` // the first
	Probability float64   `json:"probability"`
	Mentions    int       `json:"mentions"`
}

// Took says that an agent spoke about something the first time.
type Took struct {
	About string    `json:"about"`
	At    time.Time `json:"at"`
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

// Factor is one feature's push on a score: points of effort, log-odds of the others.
type Factor struct {
	Name string  `json:"name"`
	Push float64 `json:"push"`
}

// Fact is something the centre has been told or has promised.
type Fact struct {
	Kind        string    `json:"kind"`  // "answered", "promised"; in a Basis "asked", "given", "promised"
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
