package dashboards

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"throughline/event"
)

// The states of an interaction. One that is over has its last change as state.
const (
	StateOpen = "open"
	StateHeld = "held"
)

// Interaction is a call or conversation as a list shows it. Sentiment is of the
// customer's turns only; docs/metrics.md.
type Interaction struct {
	ID        string        `json:"id"`
	Customer  string        `json:"customer"`
	Channel   event.Channel `json:"channel"`
	State     string        `json:"state"` // open, held, ended, failed or abandoned
	Reason    string        `json:"reason,omitempty"`
	Direction string        `json:"direction,omitempty"`
	Handle    string        `json:"handle,omitempty"` // masked
	Name      string        `json:"name,omitempty"`
	Agent     string        `json:"agent,omitempty"`
	Queue     string        `json:"queue,omitempty"`
	Case      string        `json:"case,omitempty"`
	Started   time.Time     `json:"started"`
	Last      time.Time     `json:"last"`               // when something last happened
	LastTurn  time.Time     `json:"last_turn,omitzero"` // when something was last said
	Ended     time.Time     `json:"ended,omitzero"`

	Turns     int        `json:"turns"`
	Scored    int        `json:"scored"`               // customer turns with a score
	Sentiment *float64   `json:"sentiment,omitempty"`  // −5..+5; absent until a turn has a score
	LastScore *float64   `json:"last_score,omitempty"` // −1..1, of the last scored customer turn
	Curve     []Point    `json:"curve,omitempty"`      // sentiment over time, oldest first, bounded
	LastText  string     `json:"last_text,omitempty"`  // the last words, cut
	LastRole  event.Role `json:"last_role,omitempty"`
	Intent    string     `json:"intent,omitempty"`  // the last one
	Intents   []string   `json:"intents,omitempty"` // all, in order of first mention, bounded

	Trouble  []Trouble      `json:"trouble,omitempty"`  // what is wrong with the audio of an open call
	Alerts   int            `json:"alerts"`             // open ones
	Severity event.Severity `json:"severity,omitempty"` // the worst of them
	Live     bool           `json:"live"`               // false: read from the store

	assigned time.Time // since when the agent has it
}

// Trouble is what is wrong with the audio of one leg.
type Trouble struct {
	Leg  string     `json:"leg"`
	Role event.Role `json:"role,omitempty"`
	What string     `json:"what"` // such as "no audio"
}

// Point is one or several neighbouring scored turns on a curve.
type Point struct {
	At    time.Time `json:"at"`
	Score float64   `json:"score"` // −1..1
	N     int       `json:"n"`
}

const (
	maxCurve    = 48
	maxIntents  = 8
	maxLastText = 160 // runes
)

func (i *Interaction) over() bool { return i.State != StateOpen && i.State != StateHeld }

// change applies one change in the life of the interaction.
func (i *Interaction) change(c event.Interaction) {
	i.seen(c.At)
	keep(&i.Channel, c.Channel) // what its own event says counts, whichever came first
	keep(&i.Direction, c.Direction)
	keep(&i.Handle, c.Handle)
	keep(&i.Name, c.Name)
	keep(&i.Case, c.Case)
	keep(&i.Queue, c.Queue)
	if c.Role == event.Agent || c.Change == event.Transferred || c.Change == event.Started {
		i.assign(c.Agent, c.At)
	}
	switch {
	case c.Change.Terminal():
		i.State, i.Reason, i.Ended, i.Trouble = string(c.Change), c.Reason, c.At, nil
	case i.over(): // an order of arrival that time does not have: what is over stays over
	case c.Change == event.Held:
		i.State = StateHeld
	case c.Change == event.Resumed, c.Change == event.Transferred:
		i.State = StateOpen
	case c.Change == event.Measured:
		i.heard(c)
	}
}

// heard notes that a leg's audio does not come, or comes again. The slice is made
// anew: rows that were given out keep theirs.
func (i *Interaction) heard(c event.Interaction) {
	leg, problem := c.Attrs["leg"], c.Attrs["problem"]
	if leg == "" || problem == "" && c.Attrs["problem_over"] == "" {
		return
	}
	now := slices.DeleteFunc(slices.Clone(i.Trouble), func(t Trouble) bool { return t.Leg == leg })
	if problem != "" {
		now = append(now, Trouble{Leg: leg, Role: c.Role, What: problem})
	}
	i.Trouble = now
}

// turn applies one analysed turn.
func (i *Interaction) turn(f event.Features) {
	t := f.Turn
	i.seen(t.At)
	latest := !t.At.Before(i.LastTurn)
	if latest {
		i.LastTurn = t.At
	}
	i.Turns++
	if t.Role == event.Agent {
		i.assign(t.Agent, t.At)
	}
	if latest && t.Text != "" {
		i.LastText, i.LastRole = cut(t.Text, maxLastText), t.Role
	}
	if t.Role != event.Customer {
		return
	}
	if len(f.Intents) > 0 {
		i.intent(f.Intents[0].Name, latest)
	}
	if f.Sentiment != nil {
		i.score(t.At, f.Sentiment.Score)
	}
}

// assign gives the interaction to an agent from a moment on. What one said before
// another took over is often understood after that.
func (i *Interaction) assign(agent string, at time.Time) {
	if agent != "" && !at.Before(i.assigned) {
		i.Agent, i.assigned = agent, at
	}
}

func (i *Interaction) intent(name string, latest bool) {
	if latest || i.Intent == "" {
		i.Intent = name
	}
	for _, known := range i.Intents {
		if known == name {
			return
		}
	}
	if len(i.Intents) < maxIntents {
		i.Intents = append(i.Intents, name)
	}
}

func (i *Interaction) score(at time.Time, score float64) {
	sum := score
	if i.Sentiment != nil {
		sum += *i.Sentiment / 5 * float64(i.Scored)
	}
	i.Scored++
	mean := 5 * sum / float64(i.Scored)
	i.Sentiment = &mean
	p := Point{At: at, Score: score, N: 1}
	n := len(i.Curve)
	for n > 0 && i.Curve[n-1].At.After(at) {
		n--
	}
	if n == len(i.Curve) {
		i.LastScore = &score
	}
	// A new slice each time: readers may still hold the one before.
	curve := make([]Point, 0, maxCurve+1)
	curve = append(append(append(curve, i.Curve[:n]...), p), i.Curve[n:]...)
	if len(curve) > maxCurve {
		curve = halve(curve)
	}
	i.Curve = curve
}

// halve joins neighbours in pairs; the mean stays exact.
func halve(curve []Point) []Point {
	half := make([]Point, 0, maxCurve+1)
	for k := 0; k < len(curve); k += 2 {
		p := curve[k]
		if k+1 < len(curve) {
			q := curve[k+1]
			p.Score = (p.Score*float64(p.N) + q.Score*float64(q.N)) / float64(p.N+q.N)
			p.N += q.N
		}
		half = append(half, p)
	}
	return half
}

func (i *Interaction) seen(at time.Time) {
	if i.Started.IsZero() || at.Before(i.Started) {
		i.Started = at
	}
	if at.After(i.Last) {
		i.Last = at
	}
}

// keep sets *s to v where v says something.
func keep[S ~string](s *S, v S) {
	if v != "" {
		*s = v
	}
}

// cut shortens text to n runes and one line.
func cut(text string, n int) string {
	text = strings.Join(strings.Fields(text), " ")
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	runes := []rune(text)
	return strings.TrimSpace(string(runes[:n-1])) + "…"
}
