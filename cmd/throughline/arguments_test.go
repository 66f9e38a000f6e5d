package main

import (
	"errors"
	"flag"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMistakes makes the mistakes that people make, and expects to be told what
// is wrong and where help is.
func TestMistakes(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir) // where data_dir is by default
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	busy := taken.Addr().String()
	base := "data_dir: " + dir + "/var\nkafka: {listen: 127.0.0.1:0}\nclickhouse: {listen: 127.0.0.1:0}\nhttp: {listen: 127.0.0.1:0}\n"
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"sevre"}, `"sevre" is not a command (did you mean serve?); throughline help lists them`},
		{[]string{"help", "nonsense"}, `"nonsense" is not a command; throughline help lists them`},
		{[]string{"serve", "--rols", "nlp"}, "serve: there is no flag --rols (did you mean --roles?); throughline serve --help tells more"},
		{[]string{"serve", "extra"}, `serve: "extra" is an argument too many`},
		{[]string{"serve", "--roles", "nlp,nope"}, `"nope" is not a role: use ingest`},
		{[]string{"serve", "--roles", "dashboards"}, "clickhouse.url is empty: dashboards and patterns ask what the role sink stores: set it"},
		{[]string{"serve", "--roles", "nlp", "--config", file("own.yaml", "data_dir: "+dir+"/own\nnlp: {model: floor}\nkafka: {listen: "+busy+"}\n")}, "or set another address (port 0 finds a free one); or set kafka.brokers to the Kafka that the other roles use"},
		{[]string{"serve", "--config", dir + "/absent.yaml"}, dir + "/absent.yaml: no such file"},
		{[]string{"version", "x"}, `version: "x" is an argument too many`},
		{[]string{"demo", "--speed", "fast"}, `demo: invalid value "fast" for flag -speed`},
		{[]string{"config", "chek"}, `config: "chek" is not a verb: use check, default, doc, intents (did you mean check?)`},
		{[]string{"demo", "--speed", "-1"}, "demo: --speed -1 is no number from 0 on"},
		{[]string{"demo", "--speed", "NaN"}, "demo: --speed NaN is no number from 0 on"},
		{[]string{"config", "check", "my.yaml"}, `config: "my.yaml" is an argument too many`},
		{[]string{"config", "check", "--config", file("engine.yaml", "transcribe: {engine: vosk}\n")}, `transcribe.engine: "vosk" is unknown`},
		{[]string{"config", "check", "--config", file("intents.yaml", "nlp: {intents: "+file("mine.yaml", "intents: 3\n")+"}\n")}, "nlp.intents: " + dir + "/mine.yaml:1:10: intents: want a list"},
		{[]string{"config", "check", "--config", file("journey.yaml", "journey: {gap: -1h}\n")}, "journey.gap is -1h0m0s: give a time such as 72h"},
		{[]string{"config", "check", "--config", file("scores.yaml", "journey: {scores: {model: "+dir+"/absent.json}}\n")}, "journey.scores.model: open " + dir + "/absent.json: no such file"},
		{[]string{"serve", "--roles", "journey", "--config", file("other.yaml", "journey: {scores: {model: "+file("other.json", "{}")+"}}\n")}, "journey.scores.model " + dir + "/other.json is not what throughline score fit writes: scores.json: version is missing"},
		{[]string{"config", "check", "--config", file("patterns.yaml", "patterns: {every: -1h, level: 7, turns: -1, window: 1m}\n")}, "patterns.every is -1h0m0s: give a time such as 1h, or 0 for never\npatterns.window is 1m0s: give 1h to 2160h0m0s\npatterns.level is 7: give a share between 0 and 1"},
		{[]string{"policy", "chek"}, `policy: "chek" is not a verb: use check, test`},
		{[]string{"policy", "activate", "mine.yaml", "--url", "http://x"}, "policy activate: --url stands after mine.yaml: flags come first"},
		{[]string{"policy", "list", "--url", "http://" + closed(t)}, "is throughline serve running there? --url says where"},
		{[]string{"patterns", "--url", "http://" + closed(t)}, "is throughline serve running there? --url says where"},
		{[]string{"import", "--url", "http://" + closed(t), file("call.wav", "RIFF")}, "is throughline serve running there? --url says where"},
		{[]string{"score", "fitt", "x"}, `score fit: "fitt" is not a verb: use fit (did you mean fit?)`},
		{[]string{"webhook", "listen", "--secret", "abc"}, "--secret is not whsec_"},
		{[]string{"webhook", "listen", "--secret", "whsec_" + strings.Repeat("A", 32), "--listen", busy}, "address already in use: stop whoever has it, or set another address"},
		{[]string{"serve", "--config", file("file.yaml", "data_dir: "+file("plain", "")+"\n")}, "data_dir: open " + dir + "/plain/webchat.secret: not a directory: set data_dir to a folder"},
		{[]string{"serve", "--config", file("secret.yaml", "data_dir: "+filepath.Dir(file("webchat.secret", ""))+"\n")}, "webchat.secret is empty: remove it"},
		{[]string{"replay", "absent.jsonl"}, "replay: stat absent.jsonl: no such file"},
		{[]string{"config", "check", "--config", file("broken.yaml", "kafka:\n  brokrs: [a]\n")}, dir + "/broken.yaml:2:3: kafka.brokrs is not a setting: did you mean kafka.brokers?"},
		{[]string{"serve", "--config", file("kafka.yaml", strings.Replace(base, "kafka: {listen: 127.0.0.1:0}", "kafka: {listen: "+busy+"}", 1))}, "kafka.listen: listen tcp " + busy + ": bind: address already in use: stop whoever has it"},
	} {
		if err := run(c.args); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("throughline %s: %v, want %q", strings.Join(c.args, " "), err, c.want)
		}
	}
}

// TestNothingIsMadeOfMistakes: what is wrong is told before a folder is made.
func TestNothingIsMadeOfMistakes(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir) // where data_dir is by default
	for name, c := range map[string]struct {
		variable, value string
		args            []string
		want            string
	}{
		"role":   {"", "", []string{"--roles", "nope"}, `"nope" is not a role`},
		"gate":   {"THROUGHLINE_GOVERNANCE_REDACT_TYPES", "SHOES", nil, `"SHOES" is not one of`},
		"door":   {"THROUGHLINE_WHATSAPP_VERIFY_TOKEN", "x", nil, "whatsapp.app_secrets is empty"},
		"speech": {"THROUGHLINE_TRANSCRIBE_ENGINE", "vosk", nil, `"vosk" is unknown`},
	} {
		t.Run(name, func(t *testing.T) {
			if c.variable != "" {
				t.Setenv(c.variable, c.value)
			}
			if err := run(append([]string{"serve"}, c.args...)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
				t.Errorf("%v %v is left behind", left, err)
			}
		})
	}
}

// TestHelp: every command tells what it takes when it is asked, and what was
// wanted where its file is missing.
func TestHelp(t *testing.T) {
	quiet, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer quiet.Close()
	out, errs := os.Stdout, os.Stderr
	defer func() { os.Stdout, os.Stderr = out, errs }()
	os.Stdout, os.Stderr = quiet, quiet
	for _, c := range commands() {
		for _, args := range [][]string{{c.name, "--help"}, {"help", c.name}} {
			if err := run(args); exit(err) != 0 || err != nil && !errors.Is(err, flag.ErrHelp) {
				t.Errorf("throughline %s: %v", strings.Join(args, " "), err)
			}
		}
	}
	for _, verb := range policyVerbs() {
		if err := run([]string{"help", "policy", verb.name}); !errors.Is(err, flag.ErrHelp) {
			t.Errorf("throughline help policy %s: %v", verb.name, err)
		}
	}
	for _, args := range []string{"", "import", "replay", "score", "score fit", "policy", "policy activate", "categories", "categories check", "config", "webhook"} {
		if err := run(strings.Fields(args)); !errors.Is(err, errUsage) {
			t.Errorf("throughline %s: %v, want its usage", args, err)
		}
	}
}

// closed is an address where nobody listens.
func closed(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
