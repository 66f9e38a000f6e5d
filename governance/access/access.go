// Package access decides who may call the HTTP surface, for which tenant and as
// what.
//
// Enters: requests. Leaves: requests with an Identity, or 401 and 403 problems.
// It imports problem only.
package access

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"

	"throughline/problem"
)

// DefaultTenant is whose data it is where no tokens are configured.
const DefaultTenant = "default"

// Role is what a caller may do.
type Role string

// The roles. Each may also do what the ones named in Grants may.
const (
	Admin      Role = "admin"      // everything
	Supervisor Role = "supervisor" // read everything of the tenant, give feedback, put policies in force
	Agent      Role = "agent"      // the same, from an agent's desktop
	Source     Role = "source"     // send messages, events, consents, identities
)

// Token is one credential.
type Token struct {
	Token  string `yaml:"token"`
	Tenant string `yaml:"tenant"`
	Role   Role   `yaml:"role"`
	Name   string `yaml:"name"` // what audit entries call the caller
}

// Config lists who may call. Without tokens only this machine may.
type Config struct {
	Tokens []Token `yaml:"tokens" doc:"list of {token, tenant, role (admin, supervisor, agent or source), name}; empty admits everybody on this machine and refuses to listen elsewhere"`
}

// Identity is who calls.
type Identity struct {
	Tenant string
	Role   Role
	Name   string
}

// Guard admits callers. It is safe for concurrent use.
type Guard struct {
	tokens  map[[32]byte]Identity // by SHA-256, so that looking up leaks no timing of the token
	foreign bool                  // pages of other sites are answered, too
}

// New checks the tokens.
func New(cfg Config) (*Guard, error) {
	g := &Guard{tokens: map[[32]byte]Identity{}}
	for i, t := range cfg.Tokens {
		if len(t.Token) < 16 {
			return nil, fmt.Errorf("access.tokens[%d]: token is shorter than 16 characters", i)
		}
		if !slices.Contains([]Role{Admin, Supervisor, Agent, Source}, t.Role) {
			return nil, fmt.Errorf("access.tokens[%d]: role is %q: use admin, supervisor, agent or source", i, t.Role)
		}
		if t.Tenant == "" {
			t.Tenant = DefaultTenant
		}
		g.tokens[sha256.Sum256([]byte(t.Token))] = Identity{Tenant: t.Tenant, Role: t.Role, Name: t.Name}
	}
	return g, nil
}

// Open tells whether there are no tokens.
func (g *Guard) Open() bool { return len(g.tokens) == 0 }

// CheckListen refuses an address that others can reach while nobody needs a token.
func (g *Guard) CheckListen(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("http.listen is not host:port: %w", err)
	}
	if g.Open() && !loopback(host) {
		return errors.New("http.listen is reachable from other machines and access.tokens is empty: configure tokens, or listen on 127.0.0.1")
	}
	return nil
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return ip != nil && ip.IsLoopback()
}

// ForPages is the same guard for what answers pages of other sites: it must take
// nothing that a browser sends without asking first (the Fetch standard's CORS
// preflight).
func (g *Guard) ForPages() *Guard { return &Guard{tokens: g.tokens, foreign: true} }

type key struct{}

// Of is who makes the request that ctx belongs to.
func Of(ctx context.Context) Identity {
	id, _ := ctx.Value(key{}).(Identity)
	return id
}

// Tenant is whose data the request is about.
func Tenant(r *http.Request) string { return Of(r.Context()).Tenant }

// Require admits callers in one of the roles (admins always).
func (g *Guard) Require(roles ...Role) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			id, p := g.admit(r, roles)
			if p != nil {
				if p.Status == http.StatusUnauthorized {
					w.Header().Set("WWW-Authenticate", `Bearer realm="throughline"`)
				}
				problem.Write(w, p)
				return
			}
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), key{}, id)))
		})
	}
}

func (g *Guard) admit(r *http.Request, roles []Role) (Identity, *problem.Problem) {
	id, p := g.identify(r)
	if p == nil && id.Role != Admin && !slices.Contains(roles, id.Role) {
		p = problem.New(http.StatusForbidden, fmt.Sprintf("the token's role is %s; this needs %s", id.Role, join(roles)))
	}
	return id, p
}

func join(roles []Role) string {
	s := make([]string, len(roles))
	for i, r := range roles {
		s[i] = string(r)
	}
	return strings.Join(append(s, string(Admin)), " or ")
}

// cookie carries the token of the live screen, since EventSource and WebSocket
// of browsers cannot set headers.
const cookie = "throughline_token"

func (g *Guard) identify(r *http.Request) (Identity, *problem.Problem) {
	if g.Open() {
		// A page of another site must not reach us by a name that resolves to
		// this machine (DNS rebinding).
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		if !loopback(host) {
			return Identity{}, problem.New(http.StatusForbidden, "without access.tokens only requests to localhost or a loopback address are answered")
		}
		if p := g.refuseForeign(r); p != nil {
			return Identity{}, p
		}
		return Identity{Tenant: DefaultTenant, Role: Admin, Name: "local"}, nil
	}
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if token == "" {
		if c, err := r.Cookie(cookie); err == nil {
			if p := g.refuseForeign(r); p != nil {
				return Identity{}, p
			}
			token = c.Value
		}
	}
	if token == "" {
		return Identity{}, problem.New(http.StatusUnauthorized, "send the header Authorization: Bearer TOKEN, with a token of access.tokens")
	}
	id, ok := g.tokens[sha256.Sum256([]byte(token))]
	if !ok {
		return Identity{}, problem.New(http.StatusUnauthorized, "the token is not one of access.tokens")
	}
	return id, nil
}

// refuseForeign is about what the browser of somebody who may call sends by
// itself: a page of another site must not change anything in their name.
func (g *Guard) refuseForeign(r *http.Request) *problem.Problem {
	if g.foreign || new(http.CrossOriginProtection).Check(r) == nil {
		return nil
	}
	return problem.New(http.StatusForbidden, "a page of another site asks: send the header Authorization: Bearer TOKEN, with a token of access.tokens")
}

// SignIn handles POST / and /v1/session with the form field token: it puts the
// token into a cookie for the live screen and goes to it. The cookie comes along
// with a link to an interaction that somebody sent (SameSite=Lax); that other
// sites change nothing is seen to by refuseForeign.
func (g *Guard) SignIn(w http.ResponseWriter, r *http.Request) {
	token := r.PostFormValue("token")
	if _, ok := g.tokens[sha256.Sum256([]byte(token))]; !ok {
		ask(w, "This is none of the access tokens of this server.")
		return
	}
	http.SetCookie(w, &http.Cookie{Name: cookie, Value: token, Path: "/", HttpOnly: true, Secure: r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https", SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// Page shows the live screen to callers in one of the roles and asks others for
// their token.
func (g *Guard) Page(roles ...Role) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, p := g.admit(r, roles); p != nil && !g.Open() {
				wrong := ""
				if p.Status == http.StatusForbidden {
					wrong = p.Detail
				}
				ask(w, wrong)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// ask shows the form for a token; wrong says what was wrong with the last one.
func ask(w http.ResponseWriter, wrong string) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusUnauthorized)
	_, _ = fmt.Fprintf(w, signInPage, wrong)
}

// signInPage has the colours of the live screen. Its form goes to the address that
// was asked for, so that a link to an interaction still leads there.
const signInPage = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Throughline</title><style>
:root{color-scheme:light dark;--bg:#f3f4f7;--panel:#fff;--line:#8a93a5;--text:#171b26;--accent:#4f4fd9;--on:#fff;--wrong:#cf1f45}
@media (prefers-color-scheme:dark){:root{--bg:#0b0d12;--panel:#10131a;--line:#6b7488;--text:#e9ecf3;--accent:#8c8cff;--on:#0b0d12;--wrong:#ff6b81}}
body{margin:0;font:15px/1.5 system-ui,sans-serif;display:grid;place-items:center;min-height:90vh;background:var(--bg);color:var(--text)}
form{display:grid;gap:.75rem;width:min(20rem,calc(100vw - 3rem))}h1{font-size:1.4rem;margin:0}p{margin:0;color:var(--wrong)}p:empty{display:none}
input,button{font:inherit;padding:.55rem .75rem;border-radius:8px;border:1px solid var(--line);background:var(--panel);color:inherit}
button{border-color:var(--accent);background:var(--accent);color:var(--on);font-weight:600;cursor:pointer}
</style><form method="post"><h1>Throughline</h1><label for="token">Access token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus aria-describedby="wrong"><p id="wrong" role="alert">%s</p><button>Open the live screen</button></form></html>
`
