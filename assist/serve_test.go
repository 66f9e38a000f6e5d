package assist

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"throughline/bus"
	"throughline/event"
	"throughline/problem"
	"throughline/sink/sinktest"
)

// patience bounds what a test waits for. Only a test that fails waits that long,
// so it is what a machine takes that has twenty other things to do.
const patience = 90 * time.Second

// process is one of several that decide: a desk that follows, and its server.
type process struct {
	desk *Desk
	mux  *http.ServeMux
}

func start(t *testing.T, b *bus.Bus, configured string) process {
	t.Helper()
	p := process{desk: desk(t, configured), mux: http.NewServeMux()}
	ctx, cancel := context.WithCancel(context.Background())
	known, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- p.desk.Follow(ctx, b, known) }()
	t.Cleanup(func() { cancel(); <-ended })
	select {
	case <-known:
	case <-time.After(patience):
		t.Fatal("policies are not known")
	}
	s := NewServer(ServerConfig{Desk: p.desk, Publish: b.Publish,
		Tenant: func(context.Context) string { return "default" }, Actor: func(context.Context) string { return "sue" }})
	for pattern, h := range s.Routes() {
		p.mux.HandleFunc(pattern, h)
	}
	return p
}

func (p process) ask(t *testing.T, method, path, body string, want int, into any) {
	t.Helper()
	w := httptest.NewRecorder()
	p.mux.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	if w.Code != want {
		t.Fatalf("%s %s: %d, want %d: %s", method, path, w.Code, want, w.Body)
	}
	if into != nil {
		if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
			t.Fatal(err)
		}
	}
}

// decides waits until a process decides by a version.
func (p process) decides(t *testing.T, tenant, version string) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if p.desk.For(tenant).Version == version {
			return
		}
	}
	t.Fatalf("decides by %q, want %q", p.desk.For(tenant).Version, version)
}

func policyText(version, more string) string {
	return fmt.Sprintf("version: %q\nrules:\n  - {name: always, when: \"true\", alert: {title: x}}\n%s", version, more)
}

// TestPoliciesAreLive puts policies in force through one process while another
// decides, and starts a third afterwards.
func TestPoliciesAreLive(t *testing.T) {
	b := sinktest.Bus(t)
	configured := policyText("file", "")
	one, two := start(t, b, configured), start(t, b, configured)
	var v InForce
	one.ask(t, "GET", "/v1/policy", "", 200, &v)
	file := v.Version
	if !strings.HasPrefix(file, "file ") || !v.Active || v.By != "" || v.Text != configured {
		t.Errorf("at first %+v is in force", v)
	}
	one.ask(t, "POST", "/v1/policy/rollbacks", "", 409, nil)

	one.ask(t, "PUT", "/v1/policy", policyText("a", ""), 200, &v)
	a := v.Version
	if !v.Active || v.By != "sue" || v.At.IsZero() || one.desk.For("default").Version != a {
		t.Errorf("%+v was answered and %q is in force", v, one.desk.For("default").Version)
	}
	two.decides(t, "default", a)
	two.decides(t, "another", file)
	two.ask(t, "PUT", "/v1/policy", policyText("b", ""), 200, &v)
	bee := v.Version
	one.decides(t, "default", bee)
	one.ask(t, "POST", "/v1/policy/rollbacks", "", 200, &v)
	two.decides(t, "default", a)
	one.ask(t, "POST", "/v1/policy/rollbacks?version="+strings.ReplaceAll(file, " ", "+"), "", 200, &v)
	two.decides(t, "default", file)
	one.ask(t, "POST", "/v1/policy/rollbacks?version=none", "", 404, nil)

	three := start(t, b, configured)
	three.decides(t, "default", file)
	three.ask(t, "POST", "/v1/policy/rollbacks", "", 200, &v)
	one.decides(t, "default", a)
	var all Versions
	three.ask(t, "GET", "/v1/policy/versions", "", 200, &all)
	got := ""
	for _, v := range all.Versions {
		got += v.Version + fmt.Sprint(" ", v.Active, len(v.Rules), v.Text == "", "; ")
	}
	if want := a + " true 1 true; " + file + " false 1 true; " + bee + " false 1 true; "; strings.ReplaceAll(got, "1true", "1 true") != want {
		t.Errorf("versions %q, want %q", got, want)
	}
	one.ask(t, "GET", "/v1/policy?version="+strings.ReplaceAll(bee, " ", "+"), "", 200, &v)
	if v.Text != policyText("b", "") {
		t.Errorf("the text of b is %q", v.Text)
	}

	var audits []string
	for p := range 4 {
		if _, err := bus.Replay(context.Background(), b, event.Audits().Source, p, func(r bus.Record[event.Audit]) error {
			audits = append(audits, r.Value.Actor+" "+r.Value.Action+" "+r.Value.Policy+" before "+r.Value.Detail["before"])
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if len(audits) != 5 || audits[1] != "sue policy.activate "+bee+" before "+a || audits[3] != "sue policy.rollback "+file+" before "+a {
		t.Errorf("audits %q", audits)
	}
}

func TestPolicyThatIsNotSoundIsRefusedWithItsPlaces(t *testing.T) {
	p := start(t, sinktest.Bus(t), policyText("file", ""))
	before := p.desk.For("default").Version
	var refused problem.Problem
	p.ask(t, "PUT", "/v1/policy", "rules:\n  - {name: a, when: turn.mood, alert: {title: x}}\n  - {name: b, when: \"true\"}\n", 422, &refused)
	if len(refused.Errors) != 2 || refused.Errors[0].Line != 2 || refused.Errors[0].Column != 25 || !strings.Contains(refused.Errors[1].Detail, "rule b: no action") {
		t.Errorf("refused with %+v", refused)
	}
	p.ask(t, "PUT", "/v1/policy", "rules: []", 422, nil)
	p.ask(t, "PUT", "/v1/policy", strings.Repeat("#", maxPolicy+1), 413, nil)
	foreign := httptest.NewRequest("POST", "/v1/policy/rollbacks", nil)
	foreign.Header.Set("Sec-Fetch-Site", "cross-site")
	w := httptest.NewRecorder()
	if p.mux.ServeHTTP(w, foreign); w.Code != 403 {
		t.Errorf("a page of another site got %d", w.Code)
	}
	if now := p.desk.For("default").Version; now != before {
		t.Errorf("%q is in force", now)
	}
}

// TestPolicyOfANewerProgramLeavesTheOneInForce reads a rule it does not know.
func TestPolicyOfANewerProgramLeavesTheOneInForce(t *testing.T) {
	b := sinktest.Bus(t)
	p := start(t, b, policyText("file", ""))
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	sound := policyText("later", "")
	for _, in := range []event.Policy{{Tenant: "default", Version: "newer", Text: "rules: [{name: a, teleport: yes}]"}, {Tenant: "other", Version: "later", Text: sound}} {
		if err := b.Publish(ctx, event.Policies().Message(in)); err != nil {
			t.Fatal(err)
		}
	}
	loaded, err := Load("", []byte(sound))
	if err != nil {
		t.Fatal(err)
	}
	p.decides(t, "other", loaded.Version)
	if v := p.desk.For("default").Version; !strings.HasPrefix(v, "file ") {
		t.Errorf("%q is in force", v)
	}
}

// TestAnotherVersionRepeatsNothing decides by a version and then by the next:
// a rule that stayed as it was has spoken, one that changed may speak again.
func TestAnotherVersionRepeatsNothing(t *testing.T) {
	const before = `version: "1"
rules:
  - {name: stays, when: "turn.role == 'customer'", alert: {title: a}, tag: [x]}
  - {name: changes, when: turn.sentiment < 0.5, alert: {title: b}}
`
	const after = `version: "2"
rules:
  - {name: changes, when: turn.sentiment < 0.6, alert: {title: b}}
  - name: stays # laid out otherwise
    when: turn.role == 'customer'
    once: interaction
    tag: [x]
    alert:
      title: a
`
	d := desk(t, before)
	s := newShard(d)
	j := journey(event.Voice, event.Features{Turn: event.Turn{Role: event.Customer}})
	if n := len(s.decide(j, unexpected(t))); n != 3 {
		t.Fatalf("%d effects, want 3", n)
	}
	if err := d.apply(bus.Record[event.Policy]{Value: event.Policy{Tenant: "default", Version: "2", Text: after}}); err != nil {
		t.Fatal(err)
	}
	msgs := s.decide(j, unexpected(t))
	if len(msgs) != 1 || msgs[0].Value.(event.Alert).Rule.Name != "changes" || !strings.HasPrefix(msgs[0].Value.(event.Alert).Rule.Version, "2 ") {
		t.Errorf("the next version decided %+v, want the changed rule alone", msgs)
	}
}

// TestTargetsAreKnown refuses a policy that would tell nobody, at the start and
// when it is put in force.
func TestTargetsAreKnown(t *testing.T) {
	text := policyText("told", `  - {name: told, when: "true", webhook: {target: crm}}`+"\n")
	path := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := NewDesk(Config{Policy: path}); err != nil {
		t.Errorf("targets are not known here, and yet: %v", err)
	}
	if _, err := NewDesk(Config{Policy: path, Targets: []string{"crm"}}); err != nil {
		t.Errorf("the target is there, and yet: %v", err)
	}
	if _, err := NewDesk(Config{Policy: path, Targets: []string{}}); err == nil || !strings.Contains(err.Error(), `target "crm" is not one of outgoing.targets (there is none)`) {
		t.Errorf("no target is there: %v", err)
	}
	d, err := NewDesk(Config{Targets: []string{"desk"}})
	if err != nil {
		t.Fatal(err)
	}
	p := process{desk: d, mux: http.NewServeMux()}
	for pattern, h := range NewServer(ServerConfig{Desk: d}).Routes() {
		p.mux.HandleFunc(pattern, h)
	}
	p.ask(t, http.MethodPut, "/v1/policy", text, http.StatusUnprocessableEntity, nil)
}
