package journey

import (
	"errors"
	"fmt"
	"time"

	"throughline/journey/score"
)

// The defaults of Config.
const (
	DefaultGap          = 72 * time.Hour
	DefaultIntentGap    = 14 * 24 * time.Hour
	DefaultCaseGap      = 30 * 24 * time.Hour
	DefaultResolveAfter = 24 * time.Hour
	DefaultReopen       = 7 * 24 * time.Hour
	DefaultForget       = 400 * 24 * time.Hour
)

// Config says when a journey begins and ends.
type Config struct {
	Gap          time.Duration `yaml:"gap" default:"72h" doc:"an interaction that begins within this time of the last change continues the journey"`
	IntentGap    time.Duration `yaml:"intent_gap" default:"336h" doc:"one that names an intent that is still open continues it within this time"`
	CaseGap      time.Duration `yaml:"case_gap" default:"720h" doc:"one with the same case id continues it within this time, resolved or not"`
	ResolveAfter time.Duration `yaml:"resolve_after" default:"24h" doc:"a journey whose interactions have all ended is resolved after this silence"`
	Reopen       time.Duration `yaml:"reopen" default:"168h" doc:"one that names an intent of a resolved journey within this time reopens it; after this time without, the first contact has resolved it"`
	Forget       time.Duration `yaml:"forget" default:"9600h" doc:"a customer who has been silent this long leaves the memory of journeys; what happened stays in ClickHouse, consents hold, and merged customers stay"`
	Social       []string      `yaml:"social" default:"greeting,goodbye,thanks,confirm,deny" doc:"intents that want nothing and so are never open"`
	Scores       score.Config  `yaml:"scores" doc:"what scores are made with: docs/metrics.md"`
}

// Check tells what is wrong with the settings and with the file that they name.
func (c Config) Check() error {
	var problems []error
	for _, d := range []struct {
		key string
		v   time.Duration
	}{{"gap", c.Gap}, {"intent_gap", c.IntentGap}, {"case_gap", c.CaseGap}, {"resolve_after", c.ResolveAfter}, {"reopen", c.Reopen}, {"forget", c.Forget}} {
		if d.v < 0 {
			problems = append(problems, fmt.Errorf("journey.%s is %s: give a time such as 72h", d.key, d.v))
		}
	}
	_, err := score.Open(c.Scores)
	return errors.Join(append(problems, err)...)
}

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		v        *time.Duration
		standard time.Duration
	}{{&c.Gap, DefaultGap}, {&c.IntentGap, DefaultIntentGap}, {&c.CaseGap, DefaultCaseGap}, {&c.ResolveAfter, DefaultResolveAfter}, {&c.Reopen, DefaultReopen}, {&c.Forget, DefaultForget}} {
		if *d.v == 0 {
			*d.v = d.standard
		}
	}
	c.Forget = max(c.Forget, c.horizon())
	if c.Social == nil {
		c.Social = []string{"greeting", "goodbye", "thanks", "confirm", "deny"}
	}
	return c
}

// horizon is how long the interactions of an own journey are held after its last
// change: beyond it no rule can join anything to it.
func (c Config) horizon() time.Duration {
	return max(c.Gap, c.IntentGap, c.CaseGap, c.ResolveAfter+c.Reopen)
}
