package siprec

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"time"

	"throughline/media/codec"
)

// The defaults of Config.
const (
	DefaultListen         = ":5060"
	DefaultSessionExpires = 30 * time.Minute
	DefaultOrphanAfter    = 2 * time.Minute
	DefaultHoldLimit      = time.Hour
)

// minSE is the shortest session interval that RFC 4028 §4 lets anybody ask for.
const minSE = 90 * time.Second

// Config of the recording server. The zero value listens on port 5060, UDP and TCP.
type Config struct {
	UDP       string   `yaml:"udp" default:"127.0.0.1:5060" doc:"address for SIP over UDP, 0.0.0.0:5060 for other machines; off: none"`
	TCP       string   `yaml:"tcp" default:"127.0.0.1:5060" doc:"address for SIP over TCP, 0.0.0.0:5060 for other machines; off: none"`
	TLS       string   `yaml:"tls" doc:"address for SIP over TLS, usually :5061; empty: none"`
	CertFile  string   `yaml:"cert_file" doc:"certificate for TLS, PEM"`
	KeyFile   string   `yaml:"key_file" doc:"its key, PEM"`
	ClientCA  string   `yaml:"client_ca_file" doc:"authorities whose certificates peers must show, PEM; empty: none is asked for"`
	Advertise string   `yaml:"advertise" doc:"IP address in our Contact; empty: the one that the peer reached us on"`
	Tenant    string   `yaml:"tenant" default:"default" doc:"tenant of the calls"`
	Peers     []string `yaml:"peers" doc:"networks of the session border controllers (10.0.0.0/8); others are refused with 403; empty: all are let in"`

	RequireSIPREC bool          `yaml:"require_siprec" doc:"refuse calls that do not say Require: siprec (421)"`
	RequireSRTP   bool          `yaml:"require_srtp" doc:"refuse streams that are not encrypted (488)"`
	Codecs        []string      `yaml:"codecs" default:"PCMU, PCMA, G722, opus, L16" doc:"codecs to answer with, the preferred first"`
	Roles         Roles         `yaml:"roles" doc:"who is an agent and who a customer"`
	Session       time.Duration `yaml:"session_expires" default:"30m" doc:"session timer to ask of peers that know timers but set none"`
	OrphanAfter   time.Duration `yaml:"orphan_after" default:"2m" doc:"a call without audio and without session timer ends as failed after this silence"`
	HoldLimit     time.Duration `yaml:"hold_limit" default:"1h" doc:"the same for a call on hold"`
}

// off is the address of a transport that is not wanted.
const off = "off"

// checked is a Config that was read.
type checked struct {
	Config
	peers  []netip.Prefix
	codecs []codec.Codec
}

func (c Config) check() (checked, error) {
	set := func(v *string, d string) {
		if *v == "" {
			*v = d
		}
	}
	set(&c.UDP, DefaultListen)
	set(&c.TCP, DefaultListen)
	set(&c.TLS, off)
	set(&c.Tenant, "default")
	span := func(v *time.Duration, d time.Duration) {
		if *v <= 0 {
			*v = d
		}
	}
	span(&c.Session, DefaultSessionExpires)
	span(&c.OrphanAfter, DefaultOrphanAfter)
	span(&c.HoldLimit, DefaultHoldLimit)
	if c.Session < minSE {
		return checked{}, fmt.Errorf("siprec.session_expires is %v: RFC 4028 wants 90s at least", c.Session)
	}
	if c.TLS != off && (c.CertFile == "" || c.KeyFile == "") {
		return checked{}, errors.New("siprec.tls needs cert_file and key_file")
	}
	if c.Advertise != "" {
		if _, err := netip.ParseAddr(c.Advertise); err != nil {
			return checked{}, errors.New("siprec.advertise is no IP address: give one, without a port")
		}
	}
	out := checked{Config: c}
	for _, p := range c.Peers {
		n, err := netip.ParsePrefix(p)
		if err != nil {
			return checked{}, fmt.Errorf("siprec.peers holds %q: write networks as 10.0.0.0/8", p)
		}
		out.peers = append(out.peers, n.Masked())
	}
	names := c.Codecs
	if len(names) == 0 {
		names = []string{"PCMU", "PCMA", "G722", "opus", "L16"}
	}
	for _, n := range names {
		f, err := codec.ParseRTPMap(n + "/8000")
		if err != nil || !f.Codec.Audio() {
			return checked{}, fmt.Errorf("siprec.codecs holds %q: use PCMU, PCMA, G722, opus or L16", n)
		}
		out.codecs = append(out.codecs, f.Codec)
	}
	switch c.Roles.Direction {
	case "", "inbound", "outbound":
	default:
		return checked{}, fmt.Errorf("siprec.roles.direction is %q: use inbound or outbound", c.Roles.Direction)
	}
	switch c.Roles.FirstStream {
	case "", "unknown", "caller", "called":
	default:
		return checked{}, fmt.Errorf("siprec.roles.first_stream is %q: use caller, called or unknown", c.Roles.FirstStream)
	}
	return out, nil
}

// Check says what is wrong with the settings. It reads the certificates, and
// opens no port.
func (c Config) Check() error {
	read, err := c.check()
	if err == nil && read.TLS != off {
		_, err = read.tls()
	}
	return err
}

// Listens are the addresses that SIP comes to, by the name of their setting.
func (c Config) Listens() map[string]string {
	all := map[string]string{"siprec.udp": c.UDP, "siprec.tcp": c.TCP, "siprec.tls": c.TLS}
	maps.DeleteFunc(all, func(_, addr string) bool { return addr == "" || addr == off })
	return all
}

func (c *checked) admits(a netip.Addr) bool {
	if len(c.peers) == 0 {
		return true
	}
	for _, n := range c.peers {
		if n.Contains(a.Unmap()) {
			return true
		}
	}
	return false
}
