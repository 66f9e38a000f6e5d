package config

import (
	"os"
	"path/filepath"
	"reflect"
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
	Listen string           `yaml:"listen" default:"127.0.0.1:8080" doc:"address"`
	In     inner            `yaml:"in"`
	Map    map[string]int   `yaml:"map" doc:"only in the file"`
	List   []inner          `yaml:"list" doc:"only in the file"`
	Each   map[string]inner `yaml:"each" doc:"only in the file"`
	Off    bool             `yaml:"off" doc:"a switch"`
	Hidden func()           `yaml:"-"`
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
		"unknown key": {"in: {wiat: 9s}\n", nil, "c.yaml:1:6: in.wiat is not a setting: did you mean in.wait?"},
		"wrong type":  {"off: maybe\n", nil, "c.yaml:1:6: off: a text where true or false belongs"},
		"a secret":    {"off: hunter2\nin: [hunter2]\n", nil, "c.yaml:2:5: in: a list where a section belongs"},
		"no section":  {"in: hunter2\n", nil, "c.yaml:1:5: in: a value where a section belongs"},
		"no file":     {"hunter2\n", nil, "c.yaml:1:1: a value where a section belongs"},
		"twice":       {"off: true\nin:\n  wait: 9s\n  wait: 8s\n", nil, "c.yaml:4:3: in.wait is set a second time"},
		"in a list":   {"list:\n  - wait: 9s\n  - {wiat: 9s}\n", nil, "c.yaml:3:6: list[1].wiat is not a setting: did you mean list[1].wait?"},
		"in a map":    {"each:\n  a:\n    wait: [hunter2]\n", nil, "c.yaml:3:11: each.a.wait: a list where a duration such as 90s or 24h belongs"},
		"no list":     {"list: hunter2\n", nil, "c.yaml:1:7: list: a text where a list belongs"},
		"two of them": {"of: true\nin: {wait: soon}\n", nil, "c.yaml:2:12: in.wait: a text where a duration"},
		"two papers":  {"off: true\n---\noff: false\n", nil, "c.yaml:3:1: a second document begins here"},
		"broken":      {"off: [\n", nil, "c.yaml:1:1: did not find expected node content"},
		"itself":      {"in: &a {<<: *a}\n", nil, "c.yaml:1:13: in: *a stands within what it names"},
		"merged":      {"list: [&a {wait: hunter2}]\nin: {<<: *a}\n", nil, "c.yaml:1:18: in.wait: a text where a duration"},
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

// What a file leaves out or empty stays at its default; merged keys give way.
func TestWhatAFileSets(t *testing.T) {
	var c outer
	if err := Load(write(t, "in:\nlisten:\nlist: [&a {wait: 9s, key: k}, {<<: *a, key: l}]\neach: {x: *a}\n"), nil, &c); err != nil {
		t.Fatal(err)
	}
	if c.Listen != "127.0.0.1:8080" || c.In.Wait != 5*time.Second || len(c.List) != 2 || c.List[1].Wait != 9*time.Second || c.List[1].Key != "l" || c.Each["x"].Key != "k" {
		t.Errorf("got %+v", c)
	}
}

// No file makes it panic, or is told with one of its values.
func FuzzRead(f *testing.F) {
	f.Add([]byte("in: {wait: 9s}\nlist: [{key: k}]\neach: {a: {names: [b]}}\nmap: {x: 1}\n"))
	f.Add([]byte("a: &a [*a]\nin: *a\n---\n"))
	f.Add([]byte("in: &a {<<: *a}\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		var v outer
		_ = read(file, reflect.ValueOf(&v).Elem())
	})
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
