package webrtc

import (
	"fmt"
	"log/slog"

	"github.com/pion/logging"
)

// loggers give pion's parts our log. What pion calls an error is mostly a peer's
// doing, so it is a warning here, and its warnings are for debugging.
type loggers struct{ to *slog.Logger }

// NewLogger gives the logger of one part.
func (l loggers) NewLogger(scope string) logging.LeveledLogger {
	return logger{l.to.With("component", "webrtc", "part", scope)}
}

type logger struct{ to *slog.Logger }

func (logger) Trace(string)                {}
func (logger) Tracef(string, ...any)       {}
func (logger) Debug(string)                {}
func (logger) Debugf(string, ...any)       {}
func (logger) Info(string)                 {}
func (logger) Infof(string, ...any)        {}
func (l logger) Warn(msg string)           { l.to.Debug(msg) }
func (l logger) Warnf(f string, a ...any)  { l.to.Debug(fmt.Sprintf(f, a...)) }
func (l logger) Error(msg string)          { l.to.Warn(msg) }
func (l logger) Errorf(f string, a ...any) { l.to.Warn(fmt.Sprintf(f, a...)) }
