package audiohook

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"throughline/event"
)

// Path is where the WebSocket is served.
const Path = "/v1/media/audiohook"

// The defaults of Config.
const (
	DefaultMaxSessions = 2000
	DefaultGrace       = 20 * time.Second
	DefaultFlush       = 3 * time.Second
)

// Client is one AudioHook integration, as its settings in Genesys show it.
type Client struct {
	Key    string `yaml:"key" doc:"API key, sent as X-API-KEY"`
	Secret string `yaml:"secret" secret:"true" doc:"client secret in base64: connections must be signed with it; empty: the key alone is enough"`
}

// Config of the AudioHook server. Tenant is required; without Clients only this
// machine is answered.
type Config struct {
	Clients     []Client      `yaml:"clients" secret:"true" doc:"integrations that may connect, each with key and secret"`
	Authority   string        `yaml:"authority" doc:"host that Genesys connects to, where a proxy puts another into the request; it is signed"`
	MaxSessions int           `yaml:"max_sessions" default:"2000" doc:"connections at once; more are answered 503"`
	Grace       time.Duration `yaml:"grace" default:"20s" doc:"a call whose connection broke is ended as failed unless it is connected again within this time"`
	Flush       time.Duration `yaml:"flush" default:"3s" doc:"time for the last transcripts before a session is closed; Genesys waits ten seconds"`

	SendBack string `yaml:"transcripts" default:"off" doc:"what is sent back to Genesys while people speak: off, finals, or partials, which are finals and growing transcripts"`

	Tenant func(*http.Request) string `yaml:"-"` // whose calls they are
	// Transcripts gives the turns of an interaction, growing ones with final false,
	// until ctx ends or no more can come; nil: none are sent back.
	Transcripts func(ctx context.Context, interaction string, emit func(turn event.Turn, final bool) error) error `yaml:"-"`
	Metrics     prometheus.Registerer                                                                             `yaml:"-"` // nil: not registered
	Logger      *slog.Logger                                                                                      `yaml:"-"` // nil: slog.Default()
	Now         func() time.Time                                                                                  `yaml:"-"` // nil: time.Now
}

// Check says what is wrong with the settings.
func (c Config) Check() error {
	switch c.SendBack {
	case "", SendNothing, SendFinals, SendPartials:
		_, err := newGuard(c)
		return err
	}
	return fmt.Errorf("audiohook.transcripts is %q: use %s, %s or %s", c.SendBack, SendNothing, SendFinals, SendPartials)
}

func (c Config) withDefaults() Config {
	if c.MaxSessions <= 0 {
		c.MaxSessions = DefaultMaxSessions
	}
	if c.Grace <= 0 {
		c.Grace = DefaultGrace
	}
	if c.Flush <= 0 {
		c.Flush = DefaultFlush
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}
