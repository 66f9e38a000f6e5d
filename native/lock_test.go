package native

import (
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLockFileIsComplete(t *testing.T) {
	l, err := readLock(lockFile)
	if err != nil {
		t.Fatal(err)
	}
	if len(l) != len(Parts()) {
		t.Errorf("lock.json has %d parts, the package names %d", len(l), len(Parts()))
	}
	for _, part := range Parts() {
		entry := l[part]
		if entry.Licence == "" || len(entry.Platforms) == 0 {
			t.Errorf("%s: licence %q, %d platforms", part, entry.Licence, len(entry.Platforms))
		}
		for platform, p := range entry.Platforms {
			if _, err := p.sha512(); err != nil {
				t.Errorf("%s %s: %v", part, platform, err)
			}
			for _, f := range p.Files {
				if sum, err := hex.DecodeString(f.SHA256); err != nil || len(sum) != 32 {
					t.Errorf("%s %s: sha256 of %s", part, platform, f.Name)
				}
				if f.Name != filepath.Base(f.Member) || f.Bytes <= 0 {
					t.Errorf("%s %s: file %+v", part, platform, f)
				}
			}
		}
	}
}

func TestPinForPlatform(t *testing.T) {
	l, err := readLock(lockFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		part     Part
		platform string
		want     string
	}{
		{ClickHouse, "linux/amd64", "chdb-lib-linux-x64-gnu-26.7.3-stable.1"},
		{ClickHouse, "windows/amd64", "clickhouse.url"},
		{ONNXRuntime, "linux/arm64", "onnxruntime-node-1.24.3"},
		{Moonshine, "plan9/mips", "moonshine-ai-moonshine-js-0.1.29"},
		{"violin", "linux/amd64", "not in lock.json"},
	} {
		p, err := l.pin(c.part, c.platform)
		got := p.dir()
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%s on %s: %s, want %s", c.part, c.platform, got, c.want)
		}
	}
}

func TestRunnable(t *testing.T) {
	good := machine{amd64: true, linux: true, v3: true, glibc: true}
	noAVX2, musl := good, good
	noAVX2.v3 = false
	musl.glibc = false
	for _, c := range []struct {
		name    string
		part    Part
		machine machine
		want    string
	}{
		{"good", ClickHouse, good, ""},
		{"old processor", ClickHouse, noAVX2, "AVX2"},
		{"old processor, speech", ONNXRuntime, noAVX2, ""},
		{"musl", ClickHouse, musl, "glibc"},
		{"musl, speech", ONNXRuntime, musl, "glibc"},
		{"musl, a model is only data", Silero, musl, ""},
	} {
		err := runnable(c.part, c.machine)
		var unsupported *UnsupportedError
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.want != "" && (!errors.As(err, &unsupported) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), ".url")):
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestHasGlibc(t *testing.T) {
	root := t.TempDir()
	if hasGlibc(root) {
		t.Error("an empty root has glibc")
	}
	if err := os.MkdirAll(filepath.Join(root, "lib64"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "lib64/ld-linux-x86-64.so.2"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if !hasGlibc(root) {
		t.Error("glibc's loader was not seen")
	}
}
