package assist

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"throughline/event"
	"throughline/moment"
)

// action is what a rule wants done. Each but suggest and disclose is an alert
// with its own Action.
type action interface {
	name() string
	check(env terms) []error
}

func (r *rule) actions() []action {
	var out []action
	if r.Alert != nil {
		out = append(out, r.Alert)
	}
	if r.Suggest != nil {
		out = append(out, r.Suggest)
	}
	if r.Escalate != nil {
		out = append(out, r.Escalate)
	}
	if r.Route != nil {
		out = append(out, r.Route)
	}
	if r.Disclose != nil {
		out = append(out, r.Disclose)
	}
	if len(r.Tag) > 0 {
		out = append(out, r.Tag)
	}
	if r.Webhook != nil {
		out = append(out, r.Webhook)
	}
	return out
}

// alarm is an action that is an alert: fill adds to a what is its own.
type alarm interface {
	action
	kind() event.Action
	fill(a *event.Alert, m *moment.Moment) error
}

type alertAction struct {
	Severity event.Severity `yaml:"severity"`
	Title    text           `yaml:"title"`
}

func (*alertAction) name() string       { return "alert" }
func (*alertAction) kind() event.Action { return event.ActionAlert }

func (a *alertAction) check(env terms) []error {
	return wrongs(severity(&a.Severity, event.Warning), title(&a.Title, env, ""))
}

func (a *alertAction) fill(out *event.Alert, m *moment.Moment) (err error) {
	out.Severity = a.Severity
	out.Title, err = a.Title.render(m)
	return err
}

// escalateAction hands the interaction to a supervisor.
type escalateAction struct {
	Severity event.Severity `yaml:"severity"`
	Title    text           `yaml:"title"`
	To       string         `yaml:"to"` // queue or group of who shall take it; empty: whoever watches
}

func (*escalateAction) name() string       { return "escalate" }
func (*escalateAction) kind() event.Action { return event.ActionEscalate }

func (a *escalateAction) check(env terms) []error {
	return wrongs(severity(&a.Severity, event.Critical), title(&a.Title, env, ""))
}

func (a *escalateAction) fill(out *event.Alert, m *moment.Moment) (err error) {
	out.Severity, out.Queue = a.Severity, cmp.Or(a.To, out.Queue)
	out.Title, err = a.Title.render(m)
	return err
}

// routeAction asks whoever distributes interactions to move this one.
type routeAction struct {
	Queue    string `yaml:"queue"`
	Skill    string `yaml:"skill"`
	Priority int    `yaml:"priority"` // higher goes first
	Title    text   `yaml:"title"`
}

func (*routeAction) name() string       { return "route" }
func (*routeAction) kind() event.Action { return event.ActionRoute }

func (a *routeAction) check(env terms) []error {
	var where error
	if a.Queue == "" && a.Skill == "" && a.Priority == 0 {
		where = errors.New("give queue, skill or priority")
	}
	if a.Priority < 0 || a.Priority > 100 {
		where = errors.New("priority is not between 0 and 100")
	}
	return wrongs(where, title(&a.Title, env, strings.TrimSpace("Route to "+cmp.Or(a.Queue, a.Skill))))
}

func (a *routeAction) fill(out *event.Alert, m *moment.Moment) (err error) {
	out.Severity, out.Skill, out.Priority = event.Info, a.Skill, a.Priority
	out.Queue = cmp.Or(a.Queue, out.Queue)
	out.Title, err = a.Title.render(m)
	return err
}

// The bounds of tags: a journey carries them for as long as it lives.
const (
	maxTags   = 10 // of one rule
	maxTagLen = 40 // bytes
)

// tags mark the journey.
type tags []string

func (tags) name() string       { return "tag" }
func (tags) kind() event.Action { return event.ActionTag }

func (a tags) check(terms) []error {
	if len(a) > maxTags {
		return []error{fmt.Errorf("more than %d tags", maxTags)}
	}
	for _, t := range a {
		if t == "" || len(t) > maxTagLen {
			return []error{fmt.Errorf("%q is not of 1 to %d bytes", t, maxTagLen)}
		}
	}
	return nil
}

func (a tags) fill(out *event.Alert, _ *moment.Moment) error {
	out.Severity, out.Tags, out.Title = event.Info, slices.Clone(a), "Tagged "+strings.Join(a, ", ")
	return nil
}

// webhookAction tells an outgoing target.
type webhookAction struct {
	Target string `yaml:"target"` // a name of outgoing.targets
	Title  text   `yaml:"title"`
}

func (*webhookAction) name() string       { return "webhook" }
func (*webhookAction) kind() event.Action { return event.ActionWebhook }

func (a *webhookAction) check(env terms) []error {
	var to error
	if a.Target == "" {
		to = errors.New("target is missing: give the name of one of outgoing.targets")
	}
	return wrongs(to, title(&a.Title, env, "Tell "+a.Target))
}

func (a *webhookAction) fill(out *event.Alert, m *moment.Moment) (err error) {
	out.Severity, out.Target = event.Info, a.Target
	out.Title, err = a.Title.render(m)
	return err
}

// adviceAction is a suggestion to the agent.
type adviceAction struct {
	Kind    string        `yaml:"kind"`
	Title   text          `yaml:"title"`
	Body    text          `yaml:"body"`
	Rank    float64       `yaml:"rank"` // higher goes first
	Expires time.Duration `yaml:"expires"`
}

func (*adviceAction) name() string { return "suggest" }

func (a *adviceAction) check(env terms) []error {
	a.Kind = cmp.Or(a.Kind, "next_best_action")
	var kind, rank, expires error
	if !slices.Contains([]string{"next_best_action", "reply", "knowledge", "context"}, a.Kind) {
		kind = fmt.Errorf("kind is %q: use next_best_action, reply, knowledge or context", a.Kind)
	}
	if math.IsNaN(a.Rank) || math.IsInf(a.Rank, 0) {
		rank = fmt.Errorf("rank is %v: give a number, higher goes first", a.Rank)
	}
	if a.Expires < 0 {
		expires = fmt.Errorf("expires is %s: give a time after which nobody needs it, such as 30m, or leave it out", a.Expires)
	}
	return wrongs(kind, rank, expires, title(&a.Title, env, ""), a.Body.compile(env))
}

// The bounds of a disclosure.
const (
	maxPhrases = 20
	maxWords   = 60 // of a phrase
	maxWithin  = 24 * time.Hour
)

// discloseAction requires that the centre's side says one of some phrases.
type discloseAction struct {
	Say      []string       `yaml:"say"`
	Within   time.Duration  `yaml:"within"`
	Severity event.Severity `yaml:"severity"` // of the alert when it was not said
	Title    text           `yaml:"title"`    // of that alert
}

func (*discloseAction) name() string { return "disclose" }

func (a *discloseAction) check(env terms) []error {
	var say, within error
	if len(a.Say) == 0 || len(a.Say) > maxPhrases {
		say = fmt.Errorf("say holds %d phrases: give 1 to %d, one of which must be said", len(a.Say), maxPhrases)
	}
	for _, s := range a.Say {
		if n := len(wordsOf(s)); n == 0 || n > maxWords {
			say = fmt.Errorf("%q is not of 1 to %d words", s, maxWords)
		}
	}
	if a.Within <= 0 || a.Within > maxWithin {
		within = fmt.Errorf("within is %s: give a time up to %s, such as 60s", a.Within, maxWithin)
	}
	return wrongs(say, within, severity(&a.Severity, event.Warning), title(&a.Title, env, "A required disclosure was not made"))
}

func wrongs(all ...error) []error {
	return slices.DeleteFunc(all, func(err error) bool { return err == nil })
}

func severity(s *event.Severity, standard event.Severity) error {
	*s = cmp.Or(*s, standard)
	if !slices.Contains([]event.Severity{event.Info, event.Warning, event.Critical}, *s) {
		return fmt.Errorf("severity is %q: use info, warning or critical", *s)
	}
	return nil
}

func title(t *text, env terms, standard string) error {
	if t.source == "" && standard == "" {
		return errors.New("title is missing")
	}
	if t.source == "" {
		t.source = strings.ReplaceAll(standard, "${", "$ {")
	}
	return t.compile(env)
}
