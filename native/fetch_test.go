package native

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// packageOf makes an npm tarball of the members and the pin that fits it.
func packageOf(t *testing.T, members map[string]string) (pin, []byte) {
	t.Helper()
	var buf bytes.Buffer
	zw := gzip.NewWriter(&buf)
	tw := tar.NewWriter(zw)
	p := pin{Package: "@acme/engine", Version: "1.2.3"}
	for name, text := range members {
		if err := tw.WriteHeader(&tar.Header{Name: "package/" + name, Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := tw.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if name == "README" {
			continue
		}
		sum := sha256.Sum256([]byte(text))
		p.Files = append(p.Files, file{
			Name: filepath.Base(name), Member: "package/" + name,
			SHA256: hex.EncodeToString(sum[:]), Bytes: int64(len(text)),
		})
	}
	if err := errors.Join(tw.Close(), zw.Close()); err != nil {
		t.Fatal(err)
	}
	sum := sha512.Sum512(buf.Bytes())
	p.Integrity = "sha512-" + base64.StdEncoding.EncodeToString(sum[:])
	p.Bytes = int64(buf.Len())
	return p, buf.Bytes()
}

func newFetcher(t *testing.T, p pin, root, registry string, out *bytes.Buffer) *fetcher {
	t.Helper()
	f := &fetcher{
		pin: p, root: root, url: registry + "/" + p.tarball(), client: http.DefaultClient,
		pause: time.Millisecond, report: newReport(nil, "engine 1.2.3", p.Bytes),
	}
	if out != nil {
		f.report.out = out
	}
	return f
}

func TestFetchExtractsOnlyWhatIsPinned(t *testing.T) {
	p, tarball := packageOf(t, map[string]string{"lib/engine.so": strings.Repeat("machine code ", 5000), "README": "not wanted"})
	var asked atomic.Int64
	registry := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.URL.Path != "/@acme/engine/-/engine-1.2.3.tgz" {
			t.Errorf("asked for %s", r.URL.Path)
		}
		w.Write(tarball)
	}))
	defer registry.Close()
	root, out := t.TempDir(), new(bytes.Buffer)

	dir, err := newFetcher(t, p, root, registry.URL, out).run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(root, "acme-engine-1.2.3"); dir != want {
		t.Errorf("directory %s, want %s", dir, want)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != "engine.so" {
		t.Errorf("directory holds %v, %v", entries, err)
	}
	if text := out.String(); !strings.Contains(text, "100 %") || !strings.Contains(text, "verified") {
		t.Errorf("told %q", text)
	}
	if leftovers, _ := filepath.Glob(filepath.Join(root, "*.tgz")); leftovers != nil {
		t.Errorf("left %v", leftovers)
	}
	if _, err := newFetcher(t, p, root, registry.URL, nil).run(t.Context()); err != nil || asked.Load() != 1 {
		t.Errorf("second fetch: %v, %d requests", err, asked.Load())
	}
}

func TestFetchContinuesABrokenDownload(t *testing.T) {
	p, tarball := packageOf(t, map[string]string{"engine.so": randomText(200_000)})
	var ranges []string
	registry := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ranges = append(ranges, r.Header.Get("Range"))
		if len(ranges) == 1 { // promises all, gives a third, hangs up
			w.Header().Set("Content-Length", "1000000")
			w.Write(tarball[:len(tarball)/3])
			return
		}
		http.ServeContent(w, r, "engine.tgz", time.Time{}, bytes.NewReader(tarball))
	}))
	defer registry.Close()

	if _, err := newFetcher(t, p, t.TempDir(), registry.URL, nil).run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(ranges) != 2 || ranges[0] != "" || !strings.HasPrefix(ranges[1], "bytes=") {
		t.Errorf("ranges asked for: %q", ranges)
	}
}

// randomText is text that gzip cannot shrink much, so that a download of it can
// break off somewhere in the middle.
func randomText(n int) string {
	var b strings.Builder
	sum := sha256.Sum256([]byte("seed"))
	for b.Len() < n {
		sum = sha256.Sum256(sum[:])
		b.Write(sum[:])
	}
	return b.String()
}

func TestFetchRefusals(t *testing.T) {
	p, tarball := packageOf(t, map[string]string{"engine.so": randomText(9000)})
	forged := bytes.Clone(tarball)
	forged[len(forged)/2] ^= 1
	otherFile, wrongMember := p, p
	otherFile.Files = []file{{Name: "engine.so", Member: p.Files[0].Member, SHA256: strings.Repeat("0", 64), Bytes: 9000}}
	wrongMember.Files = []file{{Name: "engine.so", Member: "package/nowhere.so", SHA256: p.Files[0].SHA256, Bytes: 9000}}
	weak := p
	weak.Integrity = "sha1-abc"

	for _, c := range []struct {
		name     string
		pin      pin
		serve    http.HandlerFunc
		want     string
		requests int64
	}{
		{"forged byte", p, func(w http.ResponseWriter, _ *http.Request) { w.Write(forged) }, "integrity differs", attempts},
		{"longer body", p, func(w http.ResponseWriter, _ *http.Request) { w.Write(append(bytes.Clone(tarball), 0)) }, "integrity differs", attempts},
		{"file hash", otherFile, func(w http.ResponseWriter, _ *http.Request) { w.Write(tarball) }, "sha256 differs", 1},
		{"no such member", wrongMember, func(w http.ResponseWriter, _ *http.Request) { w.Write(tarball) }, "tarball has no package/nowhere.so", 1},
		{"weak hash", weak, func(w http.ResponseWriter, _ *http.Request) { w.Write(tarball) }, "only sha512", 1},
		{"not found", p, http.NotFound, "npm_config_registry", 1},
		{"server error", p, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }, "503", attempts},
	} {
		t.Run(c.name, func(t *testing.T) {
			var requests atomic.Int64
			registry := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				requests.Add(1)
				c.serve(w, r)
			}))
			defer registry.Close()
			root := t.TempDir()
			_, err := newFetcher(t, c.pin, root, registry.URL, nil).run(t.Context())
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if requests.Load() != c.requests {
				t.Errorf("%d requests, want %d", requests.Load(), c.requests)
			}
			if _, err := os.Stat(filepath.Join(root, "acme-engine-1.2.3")); err == nil {
				t.Error("the directory exists after a failure")
			}
		})
	}
}

func TestUnpackRefusesEveryTruncation(t *testing.T) {
	p, tarball := packageOf(t, map[string]string{"engine.so": "a few bytes of machine code"})
	for n := range tarball {
		dir := t.TempDir()
		if err := (&fetcher{pin: p}).extract(bytes.NewReader(tarball[:n]), dir); err == nil && !complete(dir, p) {
			t.Fatalf("%d of %d bytes were accepted as whole", n, len(tarball))
		}
	}
}

func TestFetchOnceForManyProcesses(t *testing.T) {
	p, tarball := packageOf(t, map[string]string{"engine.so": randomText(50_000)})
	var requests atomic.Int64
	registry := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		w.Write(tarball)
	}))
	defer registry.Close()
	root := t.TempDir()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if _, err := newFetcher(t, p, root, registry.URL, nil).run(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if requests.Load() != 1 {
		t.Errorf("%d downloads", requests.Load())
	}
}

func TestLockGivesUpWithTheContext(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.lock")
	unlock, err := lockFileAt(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := lockFileAt(ctx, name); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("second lock: %v", err)
	}
}
