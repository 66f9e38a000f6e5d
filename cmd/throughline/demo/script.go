package demo

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"throughline/event"
)

//go:embed day.yaml
var dayFile []byte

// day is the script.
type day struct {
	Number        number         `yaml:"number"`    // our WhatsApp number
	Mailbox       string         `yaml:"mailbox"`   // our mail address
	Shortcode     string         `yaml:"shortcode"` // our number for SMS
	Widget        string         `yaml:"widget"`    // our chat widget
	People        []person       `yaml:"people"`
	Conversations []conversation `yaml:"conversations"`
	Calls         []call         `yaml:"calls"`
}

// number is a WhatsApp number as Meta names it.
type number struct {
	ID       string `yaml:"id"`       // phone_number_id
	Shows    string `yaml:"shows"`    // display_phone_number, digits
	Business string `yaml:"business"` // the WhatsApp Business Account
}

// person is a part that somebody plays: each round somebody else.
type person struct {
	ID    string   `yaml:"id"`
	Names []string `yaml:"names"`
	Phone string   `yaml:"phone"` // # stands for digits that are new in every round
	Mail  string   `yaml:"mail"`  // the same, and {first}
}

// conversation is one interaction, from its first step to its last. Two of the
// same person follow each other and are one journey.
type conversation struct {
	ID      string        `yaml:"id"`
	Title   string        `yaml:"title"`
	At      clock         `yaml:"at"`
	Channel event.Channel `yaml:"channel"`
	Who     string        `yaml:"who"`
	OptsOut bool          `yaml:"opts_out"` // the customer withdraws consent to marketing
	Expect  []string      `yaml:"expect"`   // rules of the default policy that fire for this customer
	Steps   []step        `yaml:"steps"`
}

// step is one thing that happens. It says something (Says or Kind), or it is
// one of Event, End, Identify and Preference.
type step struct {
	In    time.Duration `yaml:"in"` // script time since the step before
	ID    string        `yaml:"id"` // by which later steps refer to what is said
	Agent string        `yaml:"agent"`
	Bot   bool          `yaml:"bot"`

	Says     string     `yaml:"says"`
	Kind     event.Kind `yaml:"kind"` // WhatsApp; empty is text
	Subject  string     `yaml:"subject"`
	ReplyTo  string     `yaml:"reply_to"`
	Echo     bool       `yaml:"echo"`     // the agent wrote it in the WhatsApp app, and it comes as an echo
	Statuses []string   `yaml:"statuses"` // of an agent's WhatsApp message, in the order in which they come
	Twice    bool       `yaml:"twice"`    // the webhook is delivered again
	Together bool       `yaml:"together"` // in one webhook with the step before

	Event      event.Change `yaml:"event"`
	Queue      string       `yaml:"queue"`
	Reason     string       `yaml:"reason"`
	End        string       `yaml:"end"`        // the reason
	Identify   string       `yaml:"identify"`   // who says that the person's mail and phone belong together
	Preference string       `yaml:"preference"` // WhatsApp's marketing switch: stop, resume
}

// The replies and inventions of WhatsApp that are no event.Kind of their own.
const (
	buttonReply event.Kind = "button_reply"
	listReply   event.Kind = "list_reply"
	hologram    event.Kind = "hologram" // of tomorrow: nobody knows it
)

// said tells whether s is a message, and so becomes a turn.
func (s step) said() bool {
	return s.Event == "" && s.End == "" && s.Identify == "" && s.Preference == ""
}

func (s step) role() event.Role {
	switch {
	case s.Agent != "":
		return event.Agent
	case s.Bot:
		return event.Bot
	}
	return event.Customer
}

// kind is what s is in the report: the kind of turn that should come of it.
func (s step) kind() event.Kind {
	switch s.Kind {
	case "":
		return event.Text
	case buttonReply, listReply:
		return event.Interactive
	case hologram:
		return event.Unsupported
	}
	return s.Kind
}

// clock is a time of the script's day, "09:30".
type clock time.Duration

// UnmarshalYAML reads "15:04".
func (c *clock) UnmarshalYAML(n *yaml.Node) error {
	t, err := time.Parse("15:04", n.Value)
	if err != nil {
		return fmt.Errorf("line %d: at must be a time of day, 09:30", n.Line)
	}
	*c = clock(time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute)
	return nil
}

func (c clock) String() string {
	return time.Time{}.Add(time.Duration(c)).Format("15:04")
}

// bundled reads the script in the binary.
func bundled() (day, error) { return parseDay(dayFile) }

func parseDay(file []byte) (day, error) {
	var d day
	dec := yaml.NewDecoder(bytes.NewReader(file))
	dec.KnownFields(true)
	if err := dec.Decode(&d); err != nil {
		return day{}, fmt.Errorf("read day: %w", err)
	}
	if err := d.check(); err != nil {
		return day{}, fmt.Errorf("check day: %w", err)
	}
	return d, nil
}

func (d day) person(id string) (person, bool) {
	i := slices.IndexFunc(d.People, func(p person) bool { return p.ID == id })
	if i < 0 {
		return person{}, false
	}
	return d.People[i], true
}

// begins is when the first conversation starts, ends when the last is over.
func (d day) begins() time.Duration {
	first := time.Duration(1 << 62)
	for _, c := range d.Conversations {
		first = min(first, time.Duration(c.At))
	}
	return first
}

func (d day) ends() time.Duration {
	last := time.Duration(0)
	for _, c := range d.Conversations {
		last = max(last, time.Duration(c.At)+c.lasts())
	}
	return last
}

func (c conversation) lasts() time.Duration {
	var sum time.Duration
	for _, s := range c.Steps {
		sum += s.In
	}
	return sum
}

// check finds every mistake of the script, so that an author hears of all at once.
func (d day) check() error {
	var wrong []error
	refuse := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	ids := map[string]bool{}
	for _, p := range d.People {
		if p.ID == "" || ids["person "+p.ID] || len(p.Names) == 0 {
			refuse("person %q: needs an id of its own and names", p.ID)
		}
		ids["person "+p.ID] = true
	}
	if len(d.Conversations) == 0 {
		refuse("conversations is empty")
	}
	over := map[string]time.Duration{}
	for _, c := range d.Conversations {
		who, ok := d.person(c.Who)
		if c.ID == "" || ids["conversation "+c.ID] || c.Title == "" || !ok {
			refuse("conversation %q: needs an id of its own, a title, and who of people", c.ID)
		}
		ids["conversation "+c.ID] = true
		if at := time.Duration(c.At); at < over[c.Who] {
			refuse("conversation %s: begins before the one before of the same person is over", c.ID)
		}
		over[c.Who] = time.Duration(c.At) + c.lasts()
		switch c.Channel {
		case event.WhatsApp, event.SMS:
			if !strings.Contains(who.Phone, "####") {
				refuse("conversation %s: %s has no phone with room for digits", c.ID, c.Who)
			}
		case event.Email:
			if !strings.Contains(who.Mail, "####") {
				refuse("conversation %s: %s has no mail with room for digits", c.ID, c.Who)
			}
		case event.WebChat:
		default:
			refuse("conversation %s: channel %q is not one that is played", c.ID, c.Channel)
		}
		for _, err := range c.check() {
			refuse("conversation %s: %w", c.ID, err)
		}
	}
	return errors.Join(append(wrong, d.checkCalls()...)...)
}

func (c conversation) check() (wrong []error) {
	ids := map[string]bool{}
	for i, s := range c.Steps {
		refuse := func(what string) { wrong = append(wrong, fmt.Errorf("step %d: %s", i+1, what)) }
		acts := 0
		for _, set := range []bool{s.Event != "", s.End != "", s.Identify != "", s.Preference != "", s.Says != "" || s.Kind != ""} {
			if set {
				acts++
			}
		}
		if acts != 1 {
			refuse("is not exactly one of says or kind, event, end, identify, preference")
		}
		if s.In < 0 || (s.End != "") != (i == len(c.Steps)-1) {
			refuse("must follow the one before, and end must be the last")
		}
		whatsApp := c.Channel == event.WhatsApp
		if !whatsApp && (s.Kind != "" || s.Echo || s.Twice || s.Together || s.Preference != "" || len(s.Statuses) > 0) {
			refuse("uses what only WhatsApp has")
		}
		if s.Together && (i == 0 || !c.Steps[i-1].said() || c.Steps[i-1].role() != event.Customer || s.role() != event.Customer) {
			refuse("together needs two messages of the customer")
		}
		if s.role() == event.Customer && len(s.Statuses) > 0 || s.Echo && s.Agent == "" {
			refuse("statuses and echo are of our own messages")
		}
		if (s.ReplyTo != "" && !ids[s.ReplyTo]) || ids[s.ID] {
			refuse("refers to an id that is not there yet, or gives one twice")
		}
		if s.ID != "" {
			ids[s.ID] = true
		}
		if _, _, err := plant(s.Says); err != nil {
			refuse(err.Error())
		}
	}
	return wrong
}

// secret is something that must not stay.
type secret struct {
	Type  string // as the gate names it: CARD, CVV, PHONE …
	Value string // as it is written
	Meant string // the digits that are meant, where the value does not show them
	After string // the words just before, which tell a short number from any other
}

var marked = regexp.MustCompile(`<<([^|<>]*)\|([^|<>]*)(?:\|([^|<>]*))?>>`)

// plant takes the marks out of says and gives the text as it is sent with the
// secrets in it.
func plant(says string) (text string, secrets []secret, err error) {
	from := 0
	for _, m := range marked.FindAllStringSubmatchIndex(says, -1) {
		text += says[from:m[0]]
		s := secret{Type: says[m[2]:m[3]], Value: says[m[4]:m[5]], After: text[max(0, len(text)-lead):]}
		if m[6] >= 0 {
			s.Meant = says[m[6]:m[7]]
		}
		if s.Type == "" || s.Value == "" {
			return "", nil, errors.New("a mark must be <<TYPE|value>> or <<TYPE|value|meant>>")
		}
		secrets = append(secrets, s)
		text += s.Value
		from = m[1]
	}
	text += says[from:]
	if strings.Contains(text, "<<") || strings.Contains(text, ">>") {
		return "", nil, errors.New("a mark is not closed: <<TYPE|value>>")
	}
	return text, secrets, nil
}

// lead is how many bytes before a short secret are looked for with it.
const lead = 14

// needles are the texts by which the secret would be found.
func (s secret) needles() []string {
	written, plain := s.Value, digits(s.Value)
	if len(plain) > 0 && len(plain) < 6 {
		return []string{s.After + written} // alone it would be found in many a number
	}
	found := []string{written}
	if len(plain) >= 8 && plain != written && len(plain) >= len(written)/2 {
		found = append(found, plain)
	}
	if s.Type == "IBAN" {
		found = append(found, strings.ReplaceAll(written, " ", ""))
	}
	if s.Meant != "" {
		found = append(found, s.Meant)
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}
