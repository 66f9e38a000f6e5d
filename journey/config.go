package journey

import (
	"time"

	"throughline/journey/score"
)

// The defaults of Config.
const (
	DefaultGap          = 72 * time.Hour
	DefaultResolveAfter = 24 * time.Hour
)

// Config says when a journey begins and ends.
type Config struct {
	Gap          time.Duration `yaml:"gap" default:"72h" doc:"an interaction that begins within this time of the last change continues the journey"`
	ResolveAfter time.Duration `yaml:"resolve_after" default:"24h" doc:"a journey whose interactions have all ended is resolved after this silence"`
	Social       []string      `yaml:"social" default:"greeting,goodbye,thanks,confirm,deny" doc:"intents that want nothing and so are never open"`
	Scores       score.Config  `yaml:"scores" doc:"what scores are made with: docs/metrics.md"`
}

func (c Config) withDefaults() Config {
	if c.Gap == 0 {
		c.Gap = DefaultGap
	}
	if c.ResolveAfter == 0 {
		c.ResolveAfter = DefaultResolveAfter
	}
	if c.Social == nil {
		c.Social = []string{"greeting", "goodbye", "thanks", "confirm", "deny"}
	}
	return c
}
