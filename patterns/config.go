package patterns

import (
	"cmp"
	"errors"
	"fmt"
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

// Check tells what is wrong with the settings.
func (c Config) Check() error {
	var problems []error
	wrong := func(is bool, format string, args ...any) {
		if is {
			problems = append(problems, fmt.Errorf("patterns."+format, args...))
		}
	}
	wrong(c.Every < 0, "every is %s: give a time such as 1h, or 0 for never", c.Every)
	wrong(c.Window < 0 || c.Window > 0 && c.Window < time.Hour || c.Window > longest, "window is %s: give 1h to %s", c.Window, longest)
	wrong(c.History < 0, "history is %s: give a time such as 672h", c.History)
	wrong(!(c.Level >= 0 && c.Level < 1), "level is %v: give a share between 0 and 1, such as 0.05", c.Level)
	wrong(c.Turns < 0, "turns is %d: give a number such as 1000", c.Turns)
	return errors.Join(problems...)
}

func (c Config) settled() Config {
	c.Window = cmp.Or(c.Window, DefaultWindow)
	c.History = cmp.Or(c.History, DefaultHistory)
	c.Level = cmp.Or(c.Level, DefaultLevel)
	c.Turns = cmp.Or(c.Turns, DefaultTurns)
	return c
}
