package native

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// DefaultRegistry is where npm packages come from when nothing says otherwise.
const DefaultRegistry = "https://registry.npmjs.org"

// npmConfig answers what `npm config get` would, for the few keys that decide
// where a package comes from. Sources in npm's own order: environment, user
// file, global file. A project's .npmrc is left out on purpose: the directory
// a service happens to start in must not choose where its engine comes from.
type npmConfig struct {
	env   func(string) string
	files []map[string]string
}

func readNPMConfig() npmConfig {
	c := npmConfig{env: os.Getenv}
	for _, name := range npmrcFiles(c) {
		if values, err := readNPMRC(name, c.env); err == nil {
			c.files = append(c.files, values)
		}
	}
	return c
}

// npmrcFiles lists the user's file and then the places of the global one: npm
// takes it from <prefix>/etc, and the prefix is where node is installed.
func npmrcFiles(c npmConfig) []string {
	var names []string
	if user := c.environment("userconfig"); user != "" {
		names = append(names, user)
	} else if home, err := os.UserHomeDir(); err == nil {
		names = append(names, filepath.Join(home, ".npmrc"))
	}
	if global := c.environment("globalconfig"); global != "" {
		return append(names, global)
	}
	if prefix := os.Getenv("PREFIX"); prefix != "" {
		names = append(names, filepath.Join(prefix, "etc/npmrc"))
	}
	if node, err := exec.LookPath("node"); err == nil {
		names = append(names, filepath.Join(filepath.Dir(node), "../etc/npmrc"))
	}
	return append(names, "/usr/local/etc/npmrc", "/usr/etc/npmrc", "/etc/npmrc")
}

func (c npmConfig) environment(key string) string {
	if v := c.env("npm_config_" + key); v != "" {
		return v
	}
	return c.env("NPM_CONFIG_" + strings.ToUpper(key))
}

func (c npmConfig) get(key string) string {
	if v := c.environment(key); v != "" {
		return v
	}
	for _, values := range c.files {
		if v := values[key]; v != "" {
			return v
		}
	}
	return ""
}

// registry gives the address that serves the package: the one of its scope
// ("@chdb:registry"), else the general one, else npm's own.
func (c npmConfig) registry(pkg string) string {
	address := ""
	if scope, _, ok := strings.Cut(pkg, "/"); ok {
		address = c.get(scope + ":registry")
	}
	if address == "" {
		address = c.get("registry")
	}
	if address == "" {
		address = DefaultRegistry
	}
	return strings.TrimRight(address, "/")
}

var npmrcVariable = regexp.MustCompile(`\$\{([^}]+)\}`)

// readNPMRC reads key=value lines in the ini form of npm: ';' and '#' start
// comments, values may be quoted, ${NAME} is the environment's.
func readNPMRC(name string, env func(string) string) (map[string]string, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	values := map[string]string{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == ';' || line[0] == '#' {
			continue
		}
		key, value, _ := strings.Cut(line, "=")
		value = strings.Trim(strings.TrimSpace(value), `"'`)
		values[strings.TrimSpace(key)] = npmrcVariable.ReplaceAllStringFunc(value, func(v string) string {
			return env(v[2 : len(v)-1])
		})
	}
	return values, lines.Err()
}

// client gives an HTTP client that goes through the user's proxy and trusts the
// user's certificate authorities besides the system's: Go reads HTTPS_PROXY and
// SSL_CERT_FILE by itself, npm also reads NODE_EXTRA_CA_CERTS and cafile.
func (c npmConfig) client() (*http.Client, error) {
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	for _, name := range []string{c.env("NODE_EXTRA_CA_CERTS"), c.get("cafile")} {
		if name == "" {
			continue
		}
		pem, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("certificate authorities: %w", err)
		}
		roots.AppendCertsFromPEM(pem)
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = &tls.Config{RootCAs: roots}
	t.ResponseHeaderTimeout = time.Minute
	if proxy := c.get("https-proxy"); proxy != "" {
		u, err := url.Parse(proxy)
		if err != nil {
			return nil, fmt.Errorf("npm setting https-proxy: %w", err)
		}
		t.Proxy = func(r *http.Request) (*url.URL, error) {
			if fromEnv, err := http.ProxyFromEnvironment(r); fromEnv != nil || err != nil {
				return fromEnv, err
			}
			return u, nil
		}
	}
	return &http.Client{Transport: t}, nil
}
