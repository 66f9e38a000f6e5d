package access

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

const (
	agentToken  = "agent-token-0123456789"
	sourceToken = "source-token-0123456789"
)

func guard(t *testing.T, tokens ...Token) *Guard {
	t.Helper()
	g, err := New(Config{Tokens: tokens})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestWhoMayCall(t *testing.T) {
	closed := guard(t, Token{Token: agentToken, Tenant: "acme", Role: Agent}, Token{Token: sourceToken, Role: Source})
	open := guard(t)
	for name, c := range map[string]struct {
		guard  *Guard
		host   string
		header http.Header
		want   int
		tenant string
	}{
		"local without tokens":   {open, "127.0.0.1:8080", nil, 200, DefaultTenant},
		"localhost":              {open, "localhost:8080", nil, 200, DefaultTenant},
		"ipv6":                   {open, "[::1]:8080", nil, 200, DefaultTenant},
		"rebound name":           {open, "evil.example:8080", nil, 403, ""},
		"no token":               {closed, "x", nil, 401, ""},
		"wrong token":            {closed, "x", http.Header{"Authorization": {"Bearer nope"}}, 401, ""},
		"right token":            {closed, "x", http.Header{"Authorization": {"Bearer " + agentToken}}, 200, "acme"},
		"right token, cookie":    {closed, "x", http.Header{"Cookie": {"throughline_token=" + agentToken}}, 200, "acme"},
		"token of another role":  {closed, "x", http.Header{"Authorization": {"Bearer " + sourceToken}}, 403, ""},
		"basic is not a bearer":  {closed, "x", http.Header{"Authorization": {"Basic " + agentToken}}, 401, ""},
		"empty bearer, no cheat": {closed, "x", http.Header{"Authorization": {"Bearer "}}, 401, ""},
	} {
		t.Run(name, func(t *testing.T) {
			tenant := ""
			h := c.guard.Require(Agent)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { tenant = Tenant(r) }))
			r := httptest.NewRequest("GET", "/v1/alerts", nil)
			r.Host = c.host
			if c.header != nil {
				r.Header = c.header
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != c.want || tenant != c.tenant {
				t.Errorf("status %d tenant %q, want %d %q: %s", w.Code, tenant, c.want, c.tenant, w.Body)
			}
		})
	}
}

// TestPagesOfOtherSites: what the browser sends by itself is worth nothing when a
// page of another site sends it; a token in the header is.
func TestPagesOfOtherSites(t *testing.T) {
	closed, open := guard(t, Token{Token: agentToken, Role: Agent}), guard(t)
	cookie, bearer := http.Header{"Cookie": {"throughline_token=" + agentToken}}, http.Header{"Authorization": {"Bearer " + agentToken}}
	for name, c := range map[string]struct {
		guard  *Guard
		method string
		of     http.Header
		site   map[string]string
		want   int
	}{
		"a program":                     {open, "POST", nil, nil, 200},
		"our page":                      {open, "POST", nil, map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost:8080"}, 200},
		"our page, by another name":     {open, "POST", nil, map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1:8080"}, 403},
		"another site":                  {open, "POST", nil, map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, 403},
		"another site, an old browser":  {open, "POST", nil, map[string]string{"Origin": "https://evil.example"}, 403},
		"another port of this machine":  {open, "DELETE", nil, map[string]string{"Origin": "http://localhost:3000"}, 403},
		"another site reads":            {open, "GET", nil, map[string]string{"Sec-Fetch-Site": "cross-site"}, 200}, // the browser does not show it the answer
		"another site may":              {open.ForPages(), "POST", nil, map[string]string{"Origin": "https://desk.example"}, 200},
		"the cookie, our page":          {closed, "POST", cookie, map[string]string{"Sec-Fetch-Site": "same-origin"}, 200},
		"the cookie, another site":      {closed, "POST", cookie, map[string]string{"Sec-Fetch-Site": "same-site"}, 403},
		"a token, another site":         {closed, "POST", bearer, map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://desk.example"}, 200},
		"nothing, another site, may":    {closed.ForPages(), "POST", nil, map[string]string{"Origin": "https://desk.example"}, 401},
		"the cookie, another site, may": {closed.ForPages(), "POST", cookie, map[string]string{"Origin": "https://desk.example"}, 200},
	} {
		r := httptest.NewRequest(c.method, "http://localhost:8080/v1/alerts/a/acknowledge", nil)
		if c.of != nil {
			r.Header = c.of.Clone()
		}
		for k, v := range c.site {
			r.Header.Set(k, v)
		}
		w := httptest.NewRecorder()
		c.guard.Require(Agent)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%s: %d, want %d: %s", name, w.Code, c.want, w.Body)
		}
	}
}

func TestListenNeedsTokensOutside(t *testing.T) {
	for addr, ok := range map[string]bool{"127.0.0.1:1": true, "localhost:1": true, "[::1]:1": true, "0.0.0.0:1": false, ":1": false, "10.0.0.1:1": false} {
		if err := guard(t).CheckListen(addr); (err == nil) != ok {
			t.Errorf("%s: %v", addr, err)
		}
		if err := guard(t, Token{Token: agentToken, Role: Agent}).CheckListen(addr); err != nil {
			t.Errorf("%s with tokens: %v", addr, err)
		}
	}
}

func TestBadTokensAreNamed(t *testing.T) {
	for want, tok := range map[string]Token{"tokens[0]: token is shorter": {Token: "x", Role: Agent}, `role is "king"`: {Token: agentToken, Role: "king"}} {
		if _, err := New(Config{Tokens: []Token{tok}}); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), agentToken) {
			t.Errorf("got %v, want %q and no token", err, want)
		}
	}
}

func TestSignIn(t *testing.T) {
	g := guard(t, Token{Token: agentToken, Role: Agent})
	for token, want := range map[string]int{agentToken: http.StatusSeeOther, "wrong": http.StatusUnauthorized, "": http.StatusUnauthorized} {
		r := httptest.NewRequest("POST", "/v1/session", strings.NewReader(url.Values{"token": {token}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		g.SignIn(w, r)
		if w.Code != want {
			t.Errorf("token %q: %d, want %d", token, w.Code, want)
		}
		if body := w.Body.String(); want == http.StatusUnauthorized && (!strings.Contains(body, "none of the access tokens") || !strings.Contains(body, `<form method="post">`) || strings.Contains(body, `value=`)) {
			t.Errorf("token %q: a browser is not asked again: %s", token, body)
		}
	}
}

// TestPage: who may not see the screen is asked for another token, and told why.
func TestPage(t *testing.T) {
	const sourceToken = "source-token-0123456789"
	g := guard(t, Token{Token: agentToken, Role: Agent}, Token{Token: sourceToken, Role: Source})
	screen := g.Page(Supervisor, Agent)(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("the screen")) }))
	for token, want := range map[string]string{agentToken: "the screen", sourceToken: "role is source; this needs supervisor or agent", "gone": "<form", "": "<form"} {
		r := httptest.NewRequest("GET", "/", nil)
		if token != "" {
			r.AddCookie(&http.Cookie{Name: cookie, Value: token})
		}
		w := httptest.NewRecorder()
		screen.ServeHTTP(w, r)
		if body := w.Body.String(); !strings.Contains(body, want) || strings.Contains(body, "<form") != (token != agentToken) {
			t.Errorf("token %q: %d %s, want %q", token, w.Code, body, want)
		}
	}
}
