package outgoing

import (
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"throughline/event"
)

func TestConfig(t *testing.T) {
	t.Setenv("HOOK_SECRET", testSecret)
	sound := Target{Name: "platform", URL: "https://platform.example.com/hook", Secrets: []string{"env:HOOK_SECRET"}}
	for name, c := range map[string]struct {
		change func(*Target)
		wrong  string
	}{
		"sound":              {func(*Target) {}, ""},
		"no name":            {func(t *Target) { t.Name = "" }, "name must be"},
		"name with a dot":    {func(t *Target) { t.Name = "a.b" }, "name must be"},
		"no url":             {func(t *Target) { t.URL = "" }, "url is not an address"},
		"plain http":         {func(t *Target) { t.URL = "http://platform.example.com/" }, "use https, or set private"},
		"plain http at home": {func(t *Target) { t.URL, t.Private = "http://10.0.0.1/", true }, ""},
		"a file":             {func(t *Target) { t.URL, t.Private = "file://x/etc/passwd", true }, "use https"},
		"a user":             {func(t *Target) { t.URL = "https://me:pass@platform.example.com/" }, "under headers"},
		"no secret":          {func(t *Target) { t.Secrets = nil }, "secrets is empty"},
		"short secret":       {func(t *Target) { t.Secrets = []string{"whsec_AAAA"} }, "24 to 64 bytes"},
		"secret not set":     {func(t *Target) { t.Secrets = []string{"env:NOT_SET_ANYWHERE"} }, "env:NOT_SET_ANYWHERE, which is not set"},
		"slack needs none":   {func(t *Target) { t.Format, t.Secrets = Slack, nil }, ""},
		"format":             {func(t *Target) { t.Format = "xml" }, `format has "xml": use`},
		"action":             {func(t *Target) { t.Actions = []event.Action{"shout"} }, `actions has "shout"`},
		"severity":           {func(t *Target) { t.Severities = []event.Severity{"loud"} }, `severities has "loud"`},
		"events":             {func(t *Target) { t.Events = []string{"turns"} }, `events has "turns"`},
		"include":            {func(t *Target) { t.Include = []string{"everything"} }, `include has`},
		"too patient":        {func(t *Target) { t.MaxAge = 8 * 24 * time.Hour }, "less than the 168h"},
		"negative":           {func(t *Target) { t.Rate = -1 }, "not be negative"},
	} {
		t.Run(name, func(t *testing.T) {
			target := sound
			c.change(&target)
			_, err := New(Config{Targets: []Target{target}})
			if (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
				t.Errorf("got %v, want %q", err, c.wrong)
			}
			if err != nil && (strings.Contains(err.Error(), testSecret) || strings.Contains(err.Error(), "pass@")) {
				t.Errorf("the error tells a secret: %v", err)
			}
		})
	}
	if _, err := New(Config{Screen: "screen.example.com", Targets: []Target{sound}}); err == nil || !strings.Contains(err.Error(), "outgoing.screen: write it like") {
		t.Errorf("links to nowhere: %v", err)
	}
	if _, err := New(Config{Targets: []Target{sound, sound}}); err == nil || !strings.Contains(err.Error(), "stands twice") {
		t.Errorf("two of one name: %v", err)
	}
}

func TestWants(t *testing.T) {
	a := alert("c", 1, time.Now())
	a.Queue = "billing"
	hook := a
	hook.Action, hook.Target = event.ActionWebhook, "crm"
	for name, c := range map[string]struct {
		target Target
		alert  event.Alert
		want   bool
	}{
		"no filter":             {Target{Name: "chat"}, a, true},
		"its queue":             {Target{Name: "chat", Queues: []string{"billing"}}, a, true},
		"another queue":         {Target{Name: "chat", Queues: []string{"sales"}}, a, false},
		"another rule":          {Target{Name: "chat", Rules: []string{"rising"}}, a, false},
		"another severity":      {Target{Name: "chat", Severities: []event.Severity{event.Critical}}, a, false},
		"another action":        {Target{Name: "chat", Actions: []event.Action{event.ActionRoute}}, a, false},
		"another tenant":        {Target{Name: "chat", Tenants: []string{"acme"}}, a, false},
		"a hook of another":     {Target{Name: "chat"}, hook, false},
		"its hook":              {Target{Name: "crm", Queues: []string{"sales"}}, hook, true},
		"a hook of its tenants": {Target{Name: "crm", Tenants: []string{"acme"}}, hook, false},
	} {
		if got := c.target.wants(ofAlert(c.alert)); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// TestUnknownTarget: one of the targets tells that nobody has a name, once.
func TestUnknownTarget(t *testing.T) {
	a := Target{Name: "a", URL: "https://a.example.com/", Secrets: []string{testSecret}}
	b := a
	b.Name = "b"
	registry := prometheus.NewRegistry()
	teller, err := New(Config{Targets: []Target{a, b}, Metrics: registry, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	hook := alert("c", 1, time.Now())
	hook.Action, hook.Target = event.ActionWebhook, "crm"
	for _, to := range teller.targets {
		if aside := handle(t.Context(), newShard(to), records(0, hook)); len(aside) > 0 {
			t.Error(aside)
		}
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counted := -1.0
	for _, f := range families {
		if f.GetName() == "throughline_outgoing_unknown_target_total" {
			counted = f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	if counted != 1 {
		t.Errorf("counted %v times, want once", counted)
	}
}

func TestPublicAddresses(t *testing.T) {
	for address, want := range map[string]bool{
		"93.184.215.14": true, "2606:2800:21f::1": true, "127.0.0.1": false, "::1": false, "10.1.2.3": false, "172.16.0.1": false,
		"192.168.1.1": false, "169.254.169.254": false, "fe80::1": false, "fd00::1": false, "::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false,
		"0.0.0.0": false, "::": false, "100.64.0.1": false, "224.0.0.1": false, "255.255.255.255": false, "64:ff9b::7f00:1": false, "2002:7f00:1::": false,
	} {
		if got := public(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: public %v, want %v", address, got, want)
		}
	}
}

// TestPrivateAddressIsNotCalled asks by name, so that the guard must look at
// what the name resolves to.
func TestPrivateAddressIsNotCalled(t *testing.T) {
	client := newClient(Target{Timeout: time.Second, Concurrency: 1})
	resp, err := client.Get("http://localhost:1/")
	if err == nil {
		resp.Body.Close()
	}
	if !errors.Is(err, errPrivate) {
		t.Errorf("got %v, want %v", err, errPrivate)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	for given, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-7": 0, "soon": 0, "99999999999": time.Hour, "99999999999999999999": 0,
		"Thu, 26 Nov 2026 12:00:30 GMT": 30 * time.Second, "Thu, 26 Nov 2026 11:00:00 GMT": 0,
	} {
		if got := retryAfter(http.Header{"Retry-After": {given}}, now); got != want {
			t.Errorf("%q: %v, want %v", given, got, want)
		}
	}
}
