package twilio

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// guard tells who may connect.
type guard struct {
	tokens []string
	keys   [][sha256.Size]byte
	public *url.URL // nil: what the request says
}

func newGuard(cfg Config) (*guard, error) {
	g := &guard{tokens: cfg.AuthTokens}
	for _, t := range cfg.AuthTokens {
		if t == "" {
			return nil, errors.New("twilio config: auth_tokens holds an empty one")
		}
	}
	for _, k := range cfg.Keys {
		if len(k) < 16 {
			return nil, errors.New("twilio config: keys holds one of fewer than 16 characters")
		}
		g.keys = append(g.keys, sha256.Sum256([]byte(k)))
	}
	if cfg.PublicURL != "" {
		u, err := url.Parse(cfg.PublicURL)
		if err != nil || u.Host == "" || (u.Scheme != "wss" && u.Scheme != "https") {
			return nil, errors.New("twilio config: public_url is not like wss://calls.example.com")
		}
		g.public = u
	}
	return g, nil
}

// check says why r may not connect, nil if it may.
func (g *guard) check(r *http.Request) error {
	if len(g.tokens) == 0 && len(g.keys) == 0 {
		if local(r) {
			return nil
		}
		return errors.New("without twilio.auth_tokens or twilio.keys only this machine is answered")
	}
	if given := r.Header.Get("X-Twilio-Signature"); given != "" {
		if g.signed(r, given) {
			return nil
		}
		return errors.New("X-Twilio-Signature does not match: compare auth_tokens, and public_url with the address in TwiML")
	}
	if g.keyed(r) {
		return nil
	}
	return errors.New("connect with X-Twilio-Signature or one of twilio.keys")
}

// signed tries the forms of the address that Twilio may have signed: it signs what
// TwiML says, and neither the port nor a slash at the end reach us as they stood there.
func (g *guard) signed(r *http.Request, given string) bool {
	sum, err := base64.StdEncoding.DecodeString(given)
	if err != nil {
		return false
	}
	ok := 0
	for _, address := range g.addresses(r) {
		for _, t := range g.tokens {
			mac := hmac.New(sha1.New, []byte(t))
			mac.Write([]byte(address))
			ok |= subtle.ConstantTimeCompare(sum, mac.Sum(nil))
		}
	}
	return ok == 1
}

func (g *guard) addresses(r *http.Request) []string {
	host, path := r.Host, r.URL.EscapedPath()
	if g.public != nil {
		host = g.public.Host
		path = strings.TrimSuffix(g.public.EscapedPath(), "/") + path
	}
	hosts := []string{host}
	if name, _, err := net.SplitHostPort(host); err == nil {
		hosts = append(hosts, name)
	} else {
		hosts = append(hosts, host+":443")
	}
	query := ""
	if r.URL.RawQuery != "" {
		query = "?" + r.URL.RawQuery
	}
	path = strings.TrimSuffix(path, "/")
	var all []string
	for _, scheme := range [...]string{"wss://", "https://"} {
		for _, h := range hosts {
			all = append(all, scheme+h+path+query, scheme+h+path+"/"+query)
		}
	}
	return all
}

func (g *guard) keyed(r *http.Request) bool {
	key, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		if _, key, ok = r.BasicAuth(); !ok {
			return false
		}
	}
	sum := sha256.Sum256([]byte(key))
	found := 0
	for _, k := range g.keys {
		found |= subtle.ConstantTimeCompare(sum[:], k[:])
	}
	return found == 1
}

// local tells whether r comes from this machine and by no proxy.
func local(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil || r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("Forwarded") != "" {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
