package twilio

import (
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"throughline/event"
)

// Path is where the WebSocket is served.
const Path = "/v1/media/twilio"

// The defaults of Config.
const (
	DefaultMaxStreams = 2000
	DefaultGrace      = 10 * time.Second
	DefaultInbound    = string(event.Customer)
	DefaultOutbound   = string(event.Agent)
)

// Config of the media streams. Tenant is required; with neither AuthTokens nor
// Keys only this machine is answered.
type Config struct {
	AuthTokens []string      `yaml:"auth_tokens" secret:"true" doc:"auth tokens of Twilio accounts: their signature of the address is checked"`
	Keys       []string      `yaml:"keys" secret:"true" doc:"keys for platforms that do not sign, sent as Authorization: Bearer KEY, or as the password of Basic"`
	PublicURL  string        `yaml:"public_url" doc:"address that platforms connect to, such as wss://calls.example.com, where a proxy changes it; Twilio signs it"`
	Inbound    string        `yaml:"inbound" default:"customer" doc:"who speaks on the track inbound: customer, or agent where streams are started on the agent's leg"`
	Outbound   string        `yaml:"outbound" default:"agent" doc:"who speaks on the track outbound"`
	Keep       []string      `yaml:"keep" doc:"names of custom parameters that are kept with the call; all others are dropped"`
	MaxStreams int           `yaml:"max_streams" default:"2000" doc:"connections at once; more are answered 503"`
	Grace      time.Duration `yaml:"grace" default:"10s" doc:"a call whose stream broke is ended as failed unless another stream of it begins within this time"`

	Tenant  func(*http.Request) string `yaml:"-"` // whose calls they are
	Metrics prometheus.Registerer      `yaml:"-"` // nil: not registered
	Logger  *slog.Logger               `yaml:"-"` // nil: slog.Default()
}

// Wanted tells whether anybody was given a way in.
func (c Config) Wanted() bool { return len(c.AuthTokens)+len(c.Keys) > 0 }

// Check says what is wrong with the settings.
func (c Config) Check() error {
	_, err := c.withDefaults().guard()
	return err
}

func (c Config) guard() (*guard, error) {
	for name, role := range map[string]string{"inbound": c.Inbound, "outbound": c.Outbound} {
		if _, ok := roleOf(role); !ok {
			return nil, fmt.Errorf("twilio config: %s is none of customer, agent, bot, system, mixed", name)
		}
	}
	return newGuard(c)
}

func (c Config) withDefaults() Config {
	if c.Inbound == "" {
		c.Inbound = DefaultInbound
	}
	if c.Outbound == "" {
		c.Outbound = DefaultOutbound
	}
	if c.MaxStreams <= 0 {
		c.MaxStreams = DefaultMaxStreams
	}
	if c.Grace <= 0 {
		c.Grace = DefaultGrace
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}
