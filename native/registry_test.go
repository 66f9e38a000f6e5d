package native

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestRegistryIsTheUsers(t *testing.T) {
	dir := t.TempDir()
	user, global := filepath.Join(dir, "user"), filepath.Join(dir, "global")
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(global, "registry = \"https://global.example/npm/\"\n")
	for _, c := range []struct {
		name, user string
		env        map[string]string
		pkg, want  string
	}{
		{"default", "", map[string]string{"npm_config_globalconfig": filepath.Join(dir, "none")}, "left-pad", DefaultRegistry},
		{"global file", "; nothing\n# registry=https://comment.example\n", nil, "left-pad", "https://global.example/npm"},
		{"user file", "registry=https://user.example/", nil, "left-pad", "https://user.example"},
		{"variable in the file", "registry=https://${MIRROR}/npm", map[string]string{"MIRROR": "mirror.example"}, "left-pad", "https://mirror.example/npm"},
		{"environment", "registry=https://user.example/", map[string]string{"NPM_CONFIG_REGISTRY": "https://env.example"}, "left-pad", "https://env.example"},
		{"scope", "registry=https://user.example/\n@chdb:registry=https://scope.example/", nil, "@chdb/lib", "https://scope.example"},
		{"other scope", "registry=https://user.example/\n@chdb:registry=https://scope.example/", nil, "@acme/lib", "https://user.example"},
	} {
		t.Run(c.name, func(t *testing.T) {
			write(user, c.user)
			for _, name := range []string{"npm_config_registry", "NPM_CONFIG_REGISTRY"} {
				t.Setenv(name, "")
			}
			t.Setenv("npm_config_userconfig", user)
			t.Setenv("npm_config_globalconfig", global)
			for k, v := range c.env {
				t.Setenv(k, v)
			}
			if got := readNPMConfig().registry(c.pkg); got != c.want {
				t.Errorf("registry %q, want %q", got, c.want)
			}
		})
	}
}

func TestClientNamesAMissingAuthorityFile(t *testing.T) {
	t.Setenv("NODE_EXTRA_CA_CERTS", filepath.Join(t.TempDir(), "none.pem"))
	if _, err := readNPMConfig().client(); err == nil || !strings.Contains(err.Error(), "none.pem") {
		t.Errorf("error %v", err)
	}
}

func FuzzReadNPMRC(f *testing.F) {
	for _, seed := range []string{"", "registry=x", "a", "=", "a = \"b", "${", "x=${A}${", ";c\n#d\n@s:registry=\x00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		name := filepath.Join(t.TempDir(), "npmrc")
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		values, err := readNPMRC(name, func(string) string { return "" })
		if err != nil {
			return
		}
		for key := range values {
			if key != strings.TrimSpace(key) || strings.Contains(key, "\n") {
				t.Errorf("key %q", key)
			}
		}
	})
}

func TestBarOnATerminal(t *testing.T) {
	var out bytes.Buffer
	now := time.Unix(0, 0)
	r := newReport(&out, "engine 1", 100_000_000)
	r.terminal = true
	r.now = func() time.Time { return now }
	r.progress(0)
	r.progress(1) // too soon to draw again
	now = now.Add(time.Second)
	r.progress(50_000_000)
	r.done()
	lines := strings.Split(out.String(), "\r")
	if len(lines) != 3 || !strings.Contains(lines[2], "[===============               ] 50/100 MB") {
		t.Errorf("drawn %q", lines)
	}
}
