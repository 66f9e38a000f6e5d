package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
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

func tail(s string) string {
	lines := strings.Split(s, "\n")
	return strings.Join(lines[max(0, len(lines)-40):], "\n")
}
