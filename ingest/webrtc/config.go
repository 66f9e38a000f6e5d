package webrtc

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// The defaults of Config.
const (
	DefaultListen        = "127.0.0.1:8189"
	DefaultMaxSessions   = 500
	DefaultConnectWithin = 15 * time.Second
	DefaultGrace         = 20 * time.Second
	DefaultReadBuffer    = 4 << 20
)

// ICEServer is a STUN or TURN server that publishers are told of.
type ICEServer struct {
	URL        string `yaml:"url" doc:"stun:host:port, turn:host:port?transport=udp or turns:…"`
	Username   string `yaml:"username" doc:"for TURN"`
	Credential string `yaml:"credential" secret:"true" doc:"for TURN; every publisher is told it"`
}

// Config of the WHIP server. Access and Tenant are required.
type Config struct {
	Listen        string        `yaml:"listen" default:"127.0.0.1:8189" doc:"UDP address that the media of all sessions comes to; 0.0.0.0:8189 for publishers on other machines"`
	Addresses     []string      `yaml:"addresses" doc:"IP addresses that publishers are told to send to, where they differ from those of this machine: the public ones of a NAT or a load balancer"`
	MaxSessions   int           `yaml:"max_sessions" default:"500" doc:"sessions at once; more are answered 503"`
	ConnectWithin time.Duration `yaml:"connect_within" default:"15s" doc:"a session whose media connection does not come about within this time is abandoned"`
	Grace         time.Duration `yaml:"grace" default:"20s" doc:"a session that nothing is received from for this long ends as failed; until then it may come back, also by an ICE restart"`
	Origins       []string      `yaml:"origins" doc:"origins of web pages that may publish (https://desk.example.com), beside those served from here; * allows all"`
	ICEServers    []ICEServer   `yaml:"ice_servers" doc:"STUN and TURN servers that publishers are told of"`
	ReadBuffer    int           `yaml:"read_buffer" default:"4194304" doc:"receive buffer of the UDP socket, in bytes; net.core.rmem_max bounds it"`

	Access  func(http.Handler) http.Handler `yaml:"-"` // admits who may publish
	Tenant  func(*http.Request) string      `yaml:"-"` // whose calls they are
	Metrics prometheus.Registerer           `yaml:"-"` // nil: not registered
	Logger  *slog.Logger                    `yaml:"-"` // nil: slog.Default()
	Now     func() time.Time                `yaml:"-"` // nil: time.Now
}

func (c Config) withDefaults() Config {
	if c.Listen == "" {
		c.Listen = DefaultListen
	}
	if c.MaxSessions <= 0 {
		c.MaxSessions = DefaultMaxSessions
	}
	if c.ConnectWithin <= 0 {
		c.ConnectWithin = DefaultConnectWithin
	}
	if c.Grace <= 0 {
		c.Grace = DefaultGrace
	}
	if c.ReadBuffer <= 0 {
		c.ReadBuffer = DefaultReadBuffer
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// Check says what is wrong with the settings. It opens no port.
func (c Config) Check() error {
	for i, a := range c.Addresses {
		if _, err := netip.ParseAddr(a); err != nil {
			return fmt.Errorf("webrtc config: addresses[%d] is no IP address: give one, without a port", i)
		}
	}
	for i, o := range c.Origins {
		u, err := url.Parse(o)
		if o != "*" && (err != nil || u.Scheme == "" || u.Host == "" || u.Path != "") {
			return fmt.Errorf("webrtc config: origins[%d] is no origin: write https://host, without a path", i)
		}
	}
	for i, s := range c.ICEServers {
		scheme, rest, _ := strings.Cut(s.URL, ":")
		// The URL is written between <> and its credentials between quotes (RFC 8288).
		if !slices.Contains([]string{"stun", "stuns", "turn", "turns"}, scheme) || rest == "" || strings.ContainsAny(s.URL, "<> \r\n") ||
			strings.ContainsAny(s.Username+s.Credential, "\"\\\r\n") {
			return fmt.Errorf("webrtc config: ice_servers[%d] needs a url such as stun:host:3478, and neither quotes nor line ends", i)
		}
	}
	return nil
}
