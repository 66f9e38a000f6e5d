package patterns

import (
	"cmp"
	"time"
)

// Config says how patterns are looked for.
type Config struct {
	Every   time.Duration `yaml:"every" default:"1h" doc:"how often changes are looked for and stored; 0 never, they can still be asked for"`
	Window  time.Duration `yaml:"window" default:"168h" doc:"how far back a change may lie"`
	History time.Duration `yaml:"history" default:"672h" doc:"how much before the window it is compared with; from three weeks on the hour of the week is allowed for"`
	Level   float64       `yaml:"level" default:"0.05" doc:"share of what is reported that may be chance (false discovery rate)"`
	Turns   int           `yaml:"turns" default:"1000" doc:"turns that no intent explains, of the window and of the history each, that themes are looked for in; the work grows with the square"`
}

// The defaults of a search.
const (
	DefaultWindow  = week * time.Hour
	DefaultHistory = 4 * week * time.Hour
	DefaultLevel   = 0.05
	DefaultTurns   = 1000
	DefaultLeast   = 8 // turns of the smallest theme
)

func (c Config) settled() Config {
	c.Window = cmp.Or(c.Window, DefaultWindow)
	c.History = cmp.Or(c.History, DefaultHistory)
	c.Level = cmp.Or(c.Level, DefaultLevel)
	c.Turns = cmp.Or(c.Turns, DefaultTurns)
	return c
}
