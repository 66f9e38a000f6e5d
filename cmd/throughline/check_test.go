package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"throughline/cmd/throughline/config"
)

// TestSettingsAreChecked: what serve would stumble over is told by config check,
// by its key, and without opening anything.
func TestSettingsAreChecked(t *testing.T) {
	t.Chdir(t.TempDir())
	check := func(yaml string) error {
		path := filepath.Join(t.TempDir(), "c.yaml")
		if err := os.WriteFile(path, []byte(yaml), 0o600); err != nil {
			t.Fatal(err)
		}
		return run([]string{"config", "check", "--config", path})
	}
	for yaml, want := range map[string]string{
		`siprec: {udp: nonsense}`:   `siprec.udp is "nonsense": write host:port`,
		`siprec: {advertise: host}`: `siprec.advertise is no IP address`,
		`siprec: {tls: ":5061"}`:    `siprec.tls needs cert_file and key_file`,
		`siprec: {tls: ":5061", cert_file: absent.pem, key_file: absent.pem}`: `siprec.cert_file and key_file: open absent.pem`,
		`siprec: {udp: ":5060"}`:                                                       `siprec.udp is ":5060", which other machines reach, and rtp.listen is "127.0.0.1", which none does`,
		`rtp: {first_port: 5, last_port: 3}`:                                           `last_port is 3`,
		`rtp: {listen: "127.0.0.1:7"}`:                                                 `rtp config: listen is no IP address`,
		`rtp_legs: {lines: [{name: a, port: 20001}]}`:                                  `line a: open port 20001: want an even one`,
		`rtp_legs: {lines: [{name: a, port: 20000}, {name: b, port: 20000}]}`:          `lines a and b are both given port 20000`,
		`rtp_legs: {lines: [{name: a, port: 20000, role: boss}]}`:                      `role of line a is "boss"`,
		`whatsapp: {verify_token: x}`:                                                  `whatsapp.app_secrets is empty`,
		`whatsapp: {app_secrets: [x]}`:                                                 `whatsapp.verify_token is empty`,
		`webchat: {secrets: [short]}`:                                                  `webchat.secrets[0] is 5 bytes long`,
		`webchat: {origins: ["https://a.example/chat"]}`:                               `webchat.origins[0] is no pattern of hosts`,
		`webrtc: {origins: ["a.example"]}`:                                             `origins[0] is no origin`,
		`webrtc: {listen: "8189"}`:                                                     `webrtc.listen is "8189"`,
		`twilio: {inbound: boss}`:                                                      `inbound is none of customer, agent`,
		`audiohook: {clients: [{secret: eA==}]}`:                                       `audiohook.clients[0]: key is empty`,
		`recordings: {spool: /absent}`:                                                 `recordings.spool: stat /absent`,
		`kafka: {listen: ":9092"}`:                                                     `kafka.listen: embedded: Listen ":9092" is not a loopback address`,
		`kafka: {brokers: ["kafka:x"]}`:                                                `kafka.brokers holds "kafka:x"`,
		`kafka: {compression: gzip}`:                                                   `compression is "gzip"`,
		`clickhouse: {listen: "0.0.0.0:8123"}`:                                         `set clickhouse.reader.password`,
		`clickhouse: {url: "http://ada:secret@host:8123"}`:                             `user, password and database are settings of their own`,
		`http: {listen: "127.0.0.1:99999"}`:                                            `http.listen is "127.0.0.1:99999"`,
		`{siprec: {udp: x}, webrtc: {listen: y}, whatsapp: {verify_token: z}}`:         "siprec.udp is \"x\": write host:port, such as 127.0.0.1:8080\nwebrtc.listen",
		`{kafka: {listen: x, brokers: ["k:9092"]}, clickhouse: {listen: x, url: h:1}}`: `clickhouse config: url is not`,
	} {
		if err := check(yaml); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret@") {
			t.Errorf("%s: %v, want %q", yaml, err, want)
		}
	}
	for _, yaml := range []string{
		"",
		`siprec: {udp: off, tcp: off}`,
		`rtp: {first_port: -1}`,
		`{siprec: {udp: ":5060"}, rtp: {listen: 0.0.0.0}}`,
		`{siprec: {udp: ":5060"}, rtp: {advertise: 192.0.2.1}}`, // something passes it on
		`webchat: {origins: ["*.example.com", "https://www.example.org"]}`,
		`{kafka: {listen: unused, brokers: [kafka, "kafka2:9093"]}, clickhouse: {listen: unused, url: "http://host:8123/"}}`,
		`clickhouse: {listen: "0.0.0.0:8123", reader: {password: x}}`,
	} {
		if err := check(yaml); err != nil {
			t.Errorf("%s: %v", yaml, err)
		}
	}
}

// TestComposeIsUnderstood: what docker-compose.yml tells throughline are settings,
// and sound beside a file that says who may come in.
func TestComposeIsUnderstood(t *testing.T) {
	text, err := os.ReadFile("../../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	var compose struct {
		Services map[string]struct{ Environment map[string]string }
	}
	if err := yaml.Unmarshal(text, &compose); err != nil {
		t.Fatal(err)
	}
	told := compose.Services["throughline"].Environment
	path := filepath.Join(t.TempDir(), "throughline.yaml")
	if err := os.WriteFile(path, []byte(`access: {tokens: [{token: 0123456789abcdef0123, role: admin, name: ada}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range told {
		s := &settings{}
		if err := config.Load(path, []string{name + "=" + value}, s); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := config.Load(path, []string{name + "=" + value, name + "S=x"}, s); err == nil {
			t.Errorf("%s is not known: a misspelling of it is no mistake", name)
		}
		t.Setenv(name, value)
	}
	if err := run([]string{"config", "check", "--config", path}); err != nil || len(told) == 0 {
		t.Errorf("%d settings: %v", len(told), err)
	}
}
