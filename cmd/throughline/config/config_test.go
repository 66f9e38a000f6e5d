package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

type inner struct {
	Wait  time.Duration `yaml:"wait" default:"5s" doc:"how long"`
	Names []string      `yaml:"names" default:"a,b" doc:"who"`
	Key   string        `yaml:"key" secret:"true" doc:"a secret"`
}

type outer struct {
	Listen string         `yaml:"listen" default:"127.0.0.1:8080" doc:"address"`
	In     inner          `yaml:"in"`
	Map    map[string]int `yaml:"map" doc:"only in the file"`
	Off    bool           `yaml:"off" doc:"a switch"`
	Hidden func()         `yaml:"-"`
}

func write(t *testing.T, s string) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(p, []byte(s), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestOrderOfSources(t *testing.T) {
	var c outer
	err := Load(write(t, "in: {wait: 9s, key: k}\nmap: {x: 1}\n"), []string{"THROUGHLINE_IN_NAMES=c, d", "THROUGHLINE_OFF=true", "OTHER=1", "THROUGHLINE_SERVICE_HOST=10.0.0.1"}, &c)
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "127.0.0.1:8080" || c.In.Wait != 9*time.Second || strings.Join(c.In.Names, "+") != "c+d" || !c.Off || c.Map["x"] != 1 || c.In.Key != "k" {
		t.Errorf("got %+v", c)
	}
}

func TestErrorsNameTheKeyAndTheFix(t *testing.T) {
	for name, c := range map[string]struct {
		file string
		env  []string
		want string
	}{
		"unknown key": {"in: {wiat: 9s}\n", nil, "line 1: wiat is not a setting here: did you mean wait?"},
		"wrong type":  {"off: maybe\n", nil, "line 1: a text where true or false belongs"},
		"a secret":    {"off: hunter2\nin: [hunter2]\n", nil, "line 2: a list where a section belongs"},
		"two":         {"off: true\n---\noff: false\n", nil, ":3:1: a second document begins here"},
		"environment": {"", []string{"THROUGHLINE_IN_WAIT=soon"}, "THROUGHLINE_IN_WAIT: \"soon\" is not a duration such as 90s"},
		"misspelt":    {"", []string{"THROUGHLINE_IN_WIAT=9s"}, "environment THROUGHLINE_IN_WIAT is not a setting: did you mean THROUGHLINE_IN_WAIT?"},
		"file only":   {"", []string{"THROUGHLINE_MAP=x"}, "only be given in the file"},
	} {
		t.Run(name, func(t *testing.T) {
			var v outer
			err := Load(write(t, c.file), c.env, &v)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	if err := Load("does-not-exist.yaml", nil, &outer{}); err == nil || !strings.Contains(err.Error(), "does-not-exist.yaml") {
		t.Errorf("a missing file gives %v", err)
	}
}

// The printed default, with its comment signs taken away, is a file that loads
// to the defaults.
func TestDefaultFileLoads(t *testing.T) {
	var b strings.Builder
	if err := WriteDefault(&b, &outer{}); err != nil {
		t.Fatal(err)
	}
	var live []string
	for line := range strings.SplitSeq(b.String(), "\n") {
		bare := strings.TrimLeft(line, " ")
		if rest, ok := strings.CutPrefix(bare, "# "); ok {
			if strings.Contains(strings.SplitN(rest, " ", 2)[0], ":") {
				live = append(live, line[:len(line)-len(bare)]+rest)
			}
			continue
		}
		live = append(live, line)
	}
	var got, want outer
	if err := Load(write(t, strings.Join(live, "\n")), nil, &got); err != nil {
		t.Fatalf("%v in\n%s", err, strings.Join(live, "\n"))
	}
	if err := Load("", nil, &want); err != nil {
		t.Fatal(err)
	}
	if got.In.Wait != want.In.Wait || got.Listen != want.Listen || len(got.In.Names) != 2 {
		t.Errorf("got %+v, want %+v", got, want)
	}
	var table strings.Builder
	WriteTable(&table, &outer{})
	if !strings.Contains(table.String(), "| `in.wait` | `5s` | how long |") {
		t.Errorf("table:\n%s", table.String())
	}
}
