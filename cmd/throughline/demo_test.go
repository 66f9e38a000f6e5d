package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"throughline/governance/access"
)

// TestDemoOnce plays the bundled day as a newcomer would and believes the
// report only where it names figures.
func TestDemoOnce(t *testing.T) { playOnce(t) }

func playOnce(t *testing.T, env ...string) {
	t.Helper()
	var out, log bytes.Buffer
	cmd := exec.Command(os.Args[0], "demo", "--once")
	cmd.Env = append(append(os.Environ(), env...), runAsProgram+"=1", "THROUGHLINE_HTTP_LISTEN=127.0.0.1:0", "THROUGHLINE_KAFKA_LISTEN=127.0.0.1:0", "THROUGHLINE_CLICKHOUSE_LISTEN=127.0.0.1:0",
		"THROUGHLINE_SIPREC_UDP=127.0.0.1:0", "THROUGHLINE_SIPREC_TCP=127.0.0.1:0", "THROUGHLINE_RTP_FIRST_PORT=-1", "THROUGHLINE_WEBRTC_LISTEN=127.0.0.1:0")
	cmd.Stdout, cmd.Stderr = &out, &log
	err := cmd.Run()
	var report struct {
		OK bool `json:"ok"`
	}
	if jerr := json.Unmarshal(out.Bytes(), &report); jerr != nil {
		t.Fatalf("no report: %v %v\n%s\n%s", jerr, err, out.Bytes(), tail(log.String()))
	}
	if err != nil || !report.OK {
		t.Errorf("ok %v, exit %v\n%s\n%s", report.OK, err, out.Bytes(), tail(log.String()))
	}
	t.Log(out.String())
}

// TestDemoIsLetIn: a house that wants tokens and passwords is shown, too.
func TestDemoIsLetIn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.yaml")
	settings := "access: {tokens: [{token: " + strings.Repeat("s", 20) + ", role: supervisor}]}\n" +
		"clickhouse: {url: 'https://store.example:8443', user: ada, password: 'p&w', database: calls}\nwhatsapp: {app_secrets: [x], verify_token: y}\n"
	if err := os.WriteFile(path, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := load(path)
	if err != nil {
		t.Fatal(err)
	}
	token := s.admitDemo()
	h, err := newHouse(s, []string{"dashboards"})
	if err != nil {
		t.Fatal(err)
	}
	target := h.target(addresses{HTTP: "127.0.0.1:8080", ClickHouse: "store.example:8443"}, token)
	if want := "https://store.example:8443?database=calls&password=p%26w&user=ada"; target.ClickHouseURL != want {
		t.Errorf("ClickHouse is asked at %s, want %s", target.ClickHouseURL, want)
	}
	r, w := httptest.NewRequest("GET", target.BaseURL+"/v1/stream", nil), httptest.NewRecorder()
	r.Header.Set("Authorization", "Bearer "+target.Token)
	h.guard.Require(access.Source)(http.NotFoundHandler()).ServeHTTP(w, r)
	if w.Code != http.StatusNotFound {
		t.Errorf("the demo's token is answered %d", w.Code)
	}
	if open, err := load(""); err != nil || open.admitDemo() != "" || len(open.Access.Tokens) > 0 {
		t.Errorf("a house without tokens gets one: %v", err)
	}
}

func tail(s string) string {
	lines := strings.Split(s, "\n")
	return strings.Join(lines[max(0, len(lines)-40):], "\n")
}
