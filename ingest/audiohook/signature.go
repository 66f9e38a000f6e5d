package audiohook

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The limits of a signature's life, as the reference implementation has them.
const (
	maxAge    = 10 * time.Second
	maxAhead  = 3 * time.Second
	minNonce  = 22
	maxNonces = 10_000
)

// components must be covered by a signature: without any of them it could be
// moved to another request.
var components = [...]string{"@request-target", "@authority", "audiohook-organization-id", "audiohook-session-id", "audiohook-correlation-id", "x-api-key"}

// input is what a Signature-Input header says (HTTP Message Signatures, draft 11).
type input struct {
	label      string
	raw        string // everything behind the label: it is signed as it stands
	components []string
	keyID      string
	nonce      string
	alg        string
	created    int64 // seconds since 1970
	expires    int64 // 0: not given
}

var errInput = errors.New("Signature-Input is malformed")

// parseInput reads the first member: label=("name" …);key=value;…
func parseInput(header string) (input, error) {
	label, raw, ok := strings.Cut(strings.TrimSpace(header), "=")
	if !ok || label == "" || !strings.HasPrefix(raw, "(") {
		return input{}, errInput
	}
	in := input{label: label, raw: raw}
	rest := raw[1:]
	for {
		rest = strings.TrimLeft(rest, " ")
		if strings.HasPrefix(rest, ")") {
			rest = rest[1:]
			break
		}
		name, after, ok := quoted(rest)
		if !ok {
			return input{}, errInput
		}
		in.components = append(in.components, name)
		rest = after
	}
	for rest != "" {
		if rest[0] != ';' {
			return input{}, errInput
		}
		name, after, ok := strings.Cut(rest[1:], "=")
		if !ok {
			return input{}, errInput
		}
		var text string
		if strings.HasPrefix(after, `"`) {
			if text, rest, ok = quoted(after); !ok {
				return input{}, errInput
			}
		} else {
			end := strings.IndexByte(after, ';')
			if end < 0 {
				end = len(after)
			}
			text, rest = after[:end], after[end:]
		}
		if err := in.set(strings.TrimSpace(name), text); err != nil {
			return input{}, err
		}
	}
	return in, nil
}

func (in *input) set(name, text string) error {
	var err error
	switch name {
	case "keyid":
		in.keyID = text
	case "nonce":
		in.nonce = text
	case "alg":
		in.alg = text
	case "created":
		in.created, err = strconv.ParseInt(text, 10, 64)
	case "expires":
		in.expires, err = strconv.ParseInt(text, 10, 64)
	}
	if err != nil {
		return errInput
	}
	return nil
}

// quoted reads a string without escapes, as all strings here are.
func quoted(s string) (text, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		return "", "", false
	}
	end := strings.IndexByte(s[1:], '"')
	if end < 0 || strings.ContainsRune(s[1:end+1], '\\') {
		return "", "", false
	}
	return s[1 : end+1], s[end+2:], true
}

// base is the text that is signed, or false if r lacks a component.
func (in *input) base(r *http.Request, authority string) (string, bool) {
	var b strings.Builder
	for _, name := range in.components {
		var value string
		switch name {
		case "@request-target":
			value = r.URL.RequestURI()
		case "@authority":
			value = strings.ToLower(authority)
		default:
			if strings.HasPrefix(name, "@") || len(r.Header.Values(name)) != 1 {
				return "", false
			}
			value = strings.TrimSpace(r.Header.Get(name))
		}
		b.WriteString(`"` + name + `": ` + value + "\n")
	}
	b.WriteString(`"@signature-params": ` + in.raw)
	return b.String(), true
}

// guard tells who may connect. It is safe for concurrent use.
type guard struct {
	secrets   map[string][]byte // by API key; nil: the key alone is enough
	authority string
	now       func() time.Time

	mu     sync.Mutex
	nonces map[string]time.Time // until when each is remembered
}

func newGuard(cfg Config) (*guard, error) {
	g := &guard{secrets: map[string][]byte{}, authority: cfg.Authority, now: cfg.Now, nonces: map[string]time.Time{}}
	for i, c := range cfg.Clients {
		at := "audiohook.clients[" + strconv.Itoa(i) + "]"
		if c.Key == "" {
			return nil, errors.New(at + ": key is empty: copy the API key of the integration")
		}
		if _, twice := g.secrets[c.Key]; twice {
			return nil, errors.New(at + ": key stands there twice")
		}
		if c.Secret == "" {
			g.secrets[c.Key] = nil
			continue
		}
		secret, err := base64.StdEncoding.DecodeString(c.Secret)
		if err != nil || len(secret) == 0 {
			return nil, errors.New(at + ": secret is not base64: copy the client secret of the integration")
		}
		g.secrets[c.Key] = secret
	}
	return g, nil
}

// check says why r may not connect, nil if it may.
func (g *guard) check(r *http.Request) error {
	if len(g.secrets) == 0 {
		if local(r) {
			return nil
		}
		return errors.New("without audiohook.clients only this machine is answered")
	}
	key := r.Header.Get("X-API-KEY")
	secret, known := g.secrets[key]
	if !known {
		return errors.New("X-API-KEY is not one of audiohook.clients")
	}
	if secret == nil {
		return nil
	}
	in, err := parseInput(r.Header.Get("Signature-Input"))
	if err != nil {
		return err
	}
	now := g.now()
	created := time.Unix(in.created, 0)
	switch {
	case in.keyID != key:
		return errors.New("keyid of Signature-Input is not X-API-KEY")
	case in.alg != "hmac-sha256":
		return errors.New("alg of Signature-Input is not hmac-sha256")
	case len(in.nonce) < minNonce:
		return errors.New("nonce of Signature-Input is too short")
	case created.After(now.Add(maxAhead)):
		return errors.New("signature is from the future: compare the clocks")
	case created.Before(now.Add(-maxAge)), in.expires != 0 && !now.Before(time.Unix(in.expires, 0)):
		return errors.New("signature is too old")
	}
	for _, c := range components {
		if !slices.Contains(in.components, c) {
			return errors.New("signature does not cover " + c)
		}
	}
	authority := g.authority
	if authority == "" {
		authority = r.Host
	}
	base, ok := in.base(r, authority)
	if !ok {
		return errors.New("a signed header is missing or repeated")
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(base))
	given, ok := strings.CutPrefix(strings.TrimSpace(r.Header.Get("Signature")), in.label+"=:")
	given, colon := strings.CutSuffix(given, ":")
	sum, err := base64.StdEncoding.DecodeString(given)
	if !ok || !colon || err != nil || subtle.ConstantTimeCompare(sum, mac.Sum(nil)) != 1 {
		return errors.New("signature does not match")
	}
	if !g.fresh(in.nonce, now) {
		return errors.New("signature was used before")
	}
	return nil
}

// fresh remembers a nonce for as long as its signature could be played again.
func (g *guard) fresh(nonce string, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if until, seen := g.nonces[nonce]; seen && now.Before(until) {
		return false
	}
	if len(g.nonces) >= maxNonces {
		for n, until := range g.nonces {
			if !now.Before(until) {
				delete(g.nonces, n)
			}
		}
		if len(g.nonces) >= maxNonces {
			return false // a thousand a second: refuse rather than forget
		}
	}
	g.nonces[nonce] = now.Add(maxAge + maxAhead)
	return true
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
