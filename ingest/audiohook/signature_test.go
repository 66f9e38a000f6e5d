package audiohook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"throughline/ingest/calls/callstest"
)

type vector struct {
	Method  string            `json:"method"`
	Target  string            `json:"request_target"`
	Headers map[string]string `json:"headers"`
	Secret  string            `json:"client_secret_base64"`
}

func (v vector) request() *http.Request {
	r := httptest.NewRequest(v.Method, v.Target, nil)
	for name, value := range v.Headers {
		if name == "host" {
			r.Host = value
			continue
		}
		r.Header.Set(name, value)
	}
	return r
}

func golden(t *testing.T) vector {
	t.Helper()
	b, err := os.ReadFile(callstest.Data(t, "genesys_audiohook", "signature_golden_vector.json"))
	if err != nil {
		t.Fatal(err)
	}
	var v vector
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestGoldenSignature is the documented example, at its time and off it.
func TestGoldenSignature(t *testing.T) {
	v := golden(t)
	created := time.Unix(1641013200, 0)
	tests := []struct {
		name   string
		at     time.Time
		change func(*http.Request)
		want   string
	}{
		{"as it stands", created, nil, ""},
		{"at the end of its life", created.Add(maxAge), nil, ""},
		{"too old", created.Add(maxAge + time.Second), nil, "too old"},
		{"from the future", created.Add(-maxAhead - time.Second), nil, "future"},
		{"other host", created, func(r *http.Request) { r.Host = "audiohook.example.org" }, "does not match"},
		{"host in capitals", created, func(r *http.Request) { r.Host = "AudioHook.Example.Com" }, ""},
		{"other target", created, func(r *http.Request) { r.URL.RawQuery = "a=b" }, "does not match"},
		{"other session", created, func(r *http.Request) { r.Header.Set("Audiohook-Session-Id", conv) }, "does not match"},
		{"session twice", created, func(r *http.Request) { r.Header.Add("Audiohook-Session-Id", conv) }, "missing or repeated"},
		{"no session", created, func(r *http.Request) { r.Header.Del("Audiohook-Session-Id") }, "missing or repeated"},
		{"other key", created, func(r *http.Request) { r.Header.Set("X-Api-Key", "x") }, "not one of"},
		{"no signature", created, func(r *http.Request) { r.Header.Del("Signature") }, "does not match"},
		{"signature cut", created, func(r *http.Request) { r.Header.Set("Signature", r.Header.Get("Signature")[:30]) }, "does not match"},
		{"no input", created, func(r *http.Request) { r.Header.Del("Signature-Input") }, "malformed"},
		{"less covered", created, func(r *http.Request) {
			r.Header.Set("Signature-Input", strings.Replace(r.Header.Get("Signature-Input"), ` "x-api-key"`, "", 1))
		}, "does not cover x-api-key"},
		{"other algorithm", created, func(r *http.Request) {
			r.Header.Set("Signature-Input", strings.Replace(r.Header.Get("Signature-Input"), "hmac-sha256", "none", 1))
		}, "hmac-sha256"},
		{"short nonce", created, func(r *http.Request) {
			r.Header.Set("Signature-Input", strings.Replace(r.Header.Get("Signature-Input"), "VGhpc0lzQVVuaXF1ZU5vbmNl", "short", 1))
		}, "nonce"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := newTestGuard(t, v, tt.at)
			r := v.request()
			if tt.change != nil {
				tt.change(r)
			}
			err := g.check(r)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("check says %v, want %q", err, tt.want)
			}
		})
	}
}

func newTestGuard(t testing.TB, v vector, at time.Time) *guard {
	t.Helper()
	g, err := newGuard(Config{Clients: []Client{{Key: v.Headers["x-api-key"], Secret: v.Secret}}, Now: func() time.Time { return at }})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestSignatureIsGoodOnce(t *testing.T) {
	v := golden(t)
	g := newTestGuard(t, v, time.Unix(1641013200, 0))
	if err := g.check(v.request()); err != nil {
		t.Fatal(err)
	}
	if err := g.check(v.request()); err == nil || !strings.Contains(err.Error(), "used before") {
		t.Errorf("a recorded signature is taken again: %v", err)
	}
}

// sign makes what Genesys would send for r now.
func sign(r *http.Request, key string, secret []byte, nonce string, now time.Time) {
	r.Header.Set("X-Api-Key", key)
	params := fmt.Sprintf(`("@request-target" "@authority" "audiohook-organization-id" "audiohook-session-id" "audiohook-correlation-id" "x-api-key");keyid=%q;nonce=%q;alg="hmac-sha256";created=%d;expires=%d`,
		key, nonce, now.Unix(), now.Unix()+10)
	mac := hmac.New(sha256.New, secret)
	fmt.Fprintf(mac, "\"@request-target\": %s\n\"@authority\": %s\n\"audiohook-organization-id\": %s\n\"audiohook-session-id\": %s\n\"audiohook-correlation-id\": %s\n\"x-api-key\": %s\n\"@signature-params\": %s",
		r.URL.RequestURI(), r.Host, r.Header.Get("Audiohook-Organization-Id"), r.Header.Get("Audiohook-Session-Id"), r.Header.Get("Audiohook-Correlation-Id"), key, params)
	r.Header.Set("Signature-Input", "sig1="+params)
	r.Header.Set("Signature", "sig1=:"+base64.StdEncoding.EncodeToString(mac.Sum(nil))+":")
}

func TestWhoMayConnect(t *testing.T) {
	secret := []byte("a secret of ours")
	request := func() *http.Request {
		r := httptest.NewRequest(http.MethodGet, Path+"?x=1", nil)
		r.Header.Set("Audiohook-Organization-Id", org)
		r.Header.Set("Audiohook-Session-Id", sess)
		r.Header.Set("Audiohook-Correlation-Id", conv)
		return r
	}
	tests := []struct {
		name    string
		clients []Client
		change  func(*http.Request)
		want    string
	}{
		{"nobody configured, from here", nil, func(r *http.Request) { r.RemoteAddr = "127.0.0.1:9" }, ""},
		{"nobody configured, from afar", nil, func(r *http.Request) { r.RemoteAddr = "192.0.2.1:9" }, "only this machine"},
		{"nobody configured, by a proxy here", nil, func(r *http.Request) {
			r.RemoteAddr = "127.0.0.1:9"
			r.Header.Set("X-Forwarded-For", "192.0.2.1")
		}, "only this machine"},
		{"key alone", []Client{{Key: "k"}}, func(r *http.Request) { r.Header.Set("X-Api-Key", "k") }, ""},
		{"no key", []Client{{Key: "k"}}, func(*http.Request) {}, "not one of"},
		{"signed", []Client{{Key: "k", Secret: base64.StdEncoding.EncodeToString(secret)}}, func(r *http.Request) {
			sign(r, "k", secret, "0123456789012345678901", time.Now())
		}, ""},
		{"signed with another secret", []Client{{Key: "k", Secret: base64.StdEncoding.EncodeToString(secret)}}, func(r *http.Request) {
			sign(r, "k", []byte("x"), "0123456789012345678901", time.Now())
		}, "does not match"},
		{"unsigned", []Client{{Key: "k", Secret: base64.StdEncoding.EncodeToString(secret)}}, func(r *http.Request) { r.Header.Set("X-Api-Key", "k") }, "malformed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g, err := newGuard(Config{Clients: tt.clients, Now: time.Now})
			if err != nil {
				t.Fatal(err)
			}
			r := request()
			tt.change(r)
			err = g.check(r)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("check says %v, want %q", err, tt.want)
			}
		})
	}
	for _, bad := range [][]Client{{{Key: ""}}, {{Key: "a", Secret: "%"}}, {{Key: "a"}, {Key: "a"}}} {
		if _, err := newGuard(Config{Clients: bad}); err == nil {
			t.Errorf("clients %v are taken", bad)
		}
	}
}

const exampleInput = `sig1=("@request-target" "@authority" "x-api-key");keyid="SGVs";nonce="VGhpc0lzQVVuaXF1ZU5vbmNl";alg="hmac-sha256";created=1641013200;expires=3282026430`

func TestInputPrefixes(t *testing.T) {
	if _, err := parseInput(exampleInput); err != nil {
		t.Fatal(err)
	}
	for n := range exampleInput {
		in, err := parseInput(exampleInput[:n])
		if err == nil && !strings.HasPrefix(exampleInput, in.label+"="+in.raw) {
			t.Errorf("prefix of %d octets is read as %+v", n, in)
		}
	}
}

func FuzzSignatureInput(f *testing.F) {
	for n := range exampleInput {
		f.Add(exampleInput[:n])
	}
	f.Add(exampleInput)
	f.Fuzz(func(t *testing.T, header string) {
		in, err := parseInput(header)
		if err == nil && in.label+"="+in.raw != strings.TrimSpace(header) {
			t.Errorf("%q is read as %+v", header, in)
		}
	})
}
