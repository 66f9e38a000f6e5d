package dashboards_test

import (
	"bytes"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestScreenIsBuilt builds the screen from its sources and compares it with the
// files that are embedded.
func TestScreenIsBuilt(t *testing.T) {
	vite, err := filepath.Abs("web/node_modules/.bin/vite")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(vite); err != nil {
		t.Skip("the screen's build tools are not installed: npm ci in dashboards/web installs them")
	}
	out := t.TempDir()
	build := exec.CommandContext(t.Context(), vite, "build", "--outDir", out, "--emptyOutDir", "--logLevel", "error")
	build.Dir = "web"
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("vite: %v\n%s", err, text)
	}
	built, embedded := files(t, out), files(t, "dist")
	for name, data := range built {
		if !bytes.Equal(embedded[name], data) {
			t.Errorf("dist/%s is not what the sources give: make web", name)
		}
	}
	for name := range embedded {
		if _, ok := built[name]; !ok {
			t.Errorf("dist/%s is left over: make web", name)
		}
	}
}

func files(t *testing.T, root string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err == nil {
			all[name], err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestScreenIsServed fetches the page and everything that it names.
func TestScreenIsServed(t *testing.T) {
	s := open(t).serve(t, "")
	fetch := func(path string) (*http.Response, string) {
		resp, err := http.Get(s.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp, string(body)
	}
	page, html := fetch("/")
	if page.StatusCode != http.StatusOK || !strings.Contains(page.Header.Get("Content-Security-Policy"), "default-src 'none'") || !strings.HasPrefix(page.Header.Get("Content-Type"), "text/html") {
		t.Fatalf("the page answers %d, %v", page.StatusCode, page.Header)
	}
	kinds := map[string]string{".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".woff2": "font/woff2"}
	names := regexp.MustCompile(`/assets/[\w.-]+`).FindAllString(html, -1)
	if len(names) < 3 {
		t.Fatalf("the page names %v", names)
	}
	for _, name := range slices.Clone(names) {
		if strings.HasSuffix(name, ".css") {
			_, css := fetch(name)
			names = append(names, regexp.MustCompile(`/assets/[\w.-]+woff2`).FindAllString(css, -1)...)
		}
	}
	for _, name := range names {
		resp, body := fetch(name)
		if resp.StatusCode != http.StatusOK || body == "" || !strings.HasPrefix(resp.Header.Get("Content-Type"), kinds[filepath.Ext(name)]) || !strings.Contains(resp.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s answers %d, %v", name, resp.StatusCode, resp.Header)
		}
	}
	for _, path := range []string{"/assets/none.js", "/assets/..%2findex.html"} {
		if resp, _ := fetch(path); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s answers %d", path, resp.StatusCode)
		}
	}
	if strings.Contains(html, "://") {
		t.Error("the page names another host")
	}
}
