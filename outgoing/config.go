package outgoing

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"throughline/event"
)

// Config says who is told what.
type Config struct {
	Screen  string   `yaml:"screen" doc:"address at which people reach the live screen; payloads then carry a link to the interaction"`
	Targets []Target `yaml:"targets" secret:"true" doc:"list of systems that are told: name, url, format (standard, slack or generic), secrets and filters; docs/webhooks.md has every key"`

	Metrics prometheus.Registerer `yaml:"-"`
	Logger  *slog.Logger          `yaml:"-"` // nil: slog.Default()
}

// Names are the targets' names, never nil.
func (c Config) Names() []string {
	out := make([]string, len(c.Targets))
	for i, t := range c.Targets {
		out[i] = t.Name
	}
	return out
}

// Target is one system that is told. URL, Secrets and the values of Headers may
// be "env:NAME": the value is then that environment variable's.
type Target struct {
	Name    string            `yaml:"name"` // of the consumer group, in metrics, and in the policy's webhook actions
	URL     string            `yaml:"url"`
	Format  Format            `yaml:"format"`  // empty: standard
	Secrets []string          `yaml:"secrets"` // whsec_ and base64 of 24 to 64 bytes; several while one is being rotated
	Headers map[string]string `yaml:"headers"` // sent with each request, such as Authorization

	// Filters. An empty one lets all pass; a webhook action that names the
	// target passes all but Tenants.
	Events     []string         `yaml:"events"` // alerts, suggestions; empty: alerts
	Actions    []event.Action   `yaml:"actions"`
	Severities []event.Severity `yaml:"severities"`
	Queues     []string         `yaml:"queues"`
	Rules      []string         `yaml:"rules"`
	Tenants    []string         `yaml:"tenants"`

	Include []string `yaml:"include"` // title, body: words that the policy wrote, which may quote a person
	Private bool     `yaml:"private"` // the address may be a private or local one, and plain http
	History bool     `yaml:"history"` // a target that is new is also told what Kafka still holds from before

	Timeout     time.Duration `yaml:"timeout"`     // of one attempt
	Rate        float64       `yaml:"rate"`        // requests a second and process, at most
	Concurrency int           `yaml:"concurrency"` // requests under way in one process, at most
	MaxAge      time.Duration `yaml:"max_age"`     // older than this it is set aside; less than the 7 days of the topics
	Patience    time.Duration `yaml:"patience"`    // for an event that fails while others are accepted
	StaleAfter  time.Duration `yaml:"stale_after"` // from when on a route, escalation or disclosure is stale
	Stale       string        `yaml:"stale"`       // mark: deliver it marked; refuse: set it aside
}

// Format is what a target wants to read.
type Format string

// The formats.
const (
	Standard Format = "standard" // Standard Webhooks: signed, an envelope of type, timestamp and data
	Slack    Format = "slack"    // a message of blocks, as Slack and those who copied it take it
	Generic  Format = "generic"  // the data alone, flat JSON
)

// The defaults of a Target.
const (
	DefaultTimeout     = 10 * time.Second
	DefaultRate        = 10.0
	DefaultSlackRate   = 1.0 // Slack takes one message a second and channel
	DefaultConcurrency = 4
	DefaultMaxAge      = 6 * 24 * time.Hour
	DefaultPatience    = time.Hour
	DefaultStaleAfter  = time.Hour
)

var targetName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)

// settle fills what was left out and lists what is wrong, by field.
func (t *Target) settle() []error {
	var problems []error
	wrong := func(field, format string, args ...any) {
		problems = append(problems, fmt.Errorf("outgoing.targets %q: %s %s", t.Name, field, fmt.Sprintf(format, args...)))
	}
	if !targetName.MatchString(t.Name) {
		wrong("name", "must be 1 to 40 of a-z, 0-9 and -, begun by a letter or digit")
	}
	t.Format = cmp.Or(t.Format, Standard)
	t.Stale = cmp.Or(t.Stale, "mark")
	if len(t.Events) == 0 {
		t.Events = []string{event.Alerts().Name}
	}
	rate := DefaultRate
	if t.Format == Slack {
		rate = DefaultSlackRate
	}
	t.Rate, t.Concurrency, t.Timeout = cmp.Or(t.Rate, rate), cmp.Or(t.Concurrency, DefaultConcurrency), cmp.Or(t.Timeout, DefaultTimeout)
	t.MaxAge, t.Patience, t.StaleAfter = cmp.Or(t.MaxAge, DefaultMaxAge), cmp.Or(t.Patience, DefaultPatience), cmp.Or(t.StaleAfter, DefaultStaleAfter)

	for field, err := range t.resolve() {
		wrong(field, "%v", err)
	}
	if err := t.checkURL(); err != nil {
		wrong("url", "%v", err)
	}
	for i, s := range t.Secrets {
		if _, err := parseSecret(s); err != nil {
			wrong(fmt.Sprintf("secrets[%d]", i), "%v", err)
		}
	}
	if t.Format == Standard && len(t.Secrets) == 0 {
		wrong("secrets", "is empty: give at least one; throughline webhook secret makes one")
	}
	oneOf(wrong, "format", []Format{t.Format}, Standard, Slack, Generic)
	oneOf(wrong, "stale", []string{t.Stale}, "mark", "refuse")
	oneOf(wrong, "events", t.Events, event.Alerts().Name, event.Suggestions().Name)
	oneOf(wrong, "actions", t.Actions, event.ActionAlert, event.ActionEscalate, event.ActionRoute, event.ActionDisclose, event.ActionTag, event.ActionWebhook)
	oneOf(wrong, "severities", t.Severities, event.Info, event.Warning, event.Critical)
	oneOf(wrong, "include", t.Include, "title", "body")
	if t.Rate < 0 || t.Concurrency < 0 || t.Timeout < 0 || t.MaxAge < 0 || t.Patience < 0 || t.StaleAfter < 0 {
		wrong("rate, concurrency, timeout, max_age, patience, stale_after", "must not be negative")
	}
	if t.MaxAge >= event.Alerts().Retention {
		wrong("max_age", "is %v: it must be less than the %v that Kafka keeps alerts", t.MaxAge, event.Alerts().Retention)
	}
	return problems
}

// resolve reads what stands in the environment.
func (t *Target) resolve() map[string]error {
	problems := map[string]error{}
	read := func(field, value string) string {
		name, from := strings.CutPrefix(value, "env:")
		if !from {
			return value
		}
		v := os.Getenv(name)
		if v == "" {
			problems[field] = fmt.Errorf("is env:%s, which is not set: set it", name)
		}
		return v
	}
	t.URL, t.Secrets = read("url", t.URL), slices.Clone(t.Secrets)
	for i, s := range t.Secrets {
		t.Secrets[i] = read(fmt.Sprintf("secrets[%d]", i), s)
	}
	headers := map[string]string{}
	for name, value := range t.Headers {
		headers[name] = read("headers."+name, value)
	}
	t.Headers = headers
	return problems
}

// checkURL does not quote the address: a chat's is its only secret.
func (t *Target) checkURL() error {
	u, err := url.Parse(t.URL)
	switch {
	case err != nil || u.Host == "":
		return errors.New("is not an address such as https://platform.example.com/hooks/throughline")
	case u.Scheme == "http" && t.Private, u.Scheme == "https":
	default:
		return fmt.Errorf("has the scheme %q: use https, or set private for http inside your own network", u.Scheme)
	}
	if u.User != nil {
		return errors.New("has a user in it: give Authorization under headers instead")
	}
	return nil
}

func oneOf[T ~string](wrong func(field, format string, args ...any), field string, values []T, allowed ...T) {
	for _, v := range values {
		if !slices.Contains(allowed, v) {
			wrong(field, "has %q: use %v", v, allowed)
		}
	}
}
